"""Pictures: sent, looked at, painted on, restored, fetched."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field, create_model

from restorae.errors import RestoraeError, SettingsConflict
from restorae.restoring import RestoreRequest
from restorae.web.gallery import Picture, is_array, plain_name
from restorae.web.mosaics import encoded
from restorae.web.painting import Stroke
from restorae.web.refusals import Refused, nothing_here, status_of
from restorae.web.restorations import Restoration, check_request, preview
from restorae.web.routes.common import PNG, SAYS_NO, Here, png
from restorae.web.store import Shelf

pictures = APIRouter(prefix="/api/pictures", tags=["pictures"], responses=SAYS_NO)

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_MEDIA = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "tiff": "image/tiff",
    "webp": "image/webp",
    "avif": "image/avif",
}


def _body_fields() -> dict[str, Any]:
    """The fields of a request, as a client says them: the mask is the picture's own."""
    fields: dict[str, Any] = {
        name: (field.annotation, field)
        for name, field in RestoreRequest.model_fields.items()
        if name not in ("model", "mask", "max_pixels")
    }
    return fields | {"model": (str, ...), "mask": (bool, False)}


Restore = create_model("Restore", __config__=ConfigDict(extra="forbid"), **_body_fields())
"""How a picture is to be restored: the settings of `RestoreRequest`."""


class Strokes(BaseModel):
    """What was painted."""

    model_config = ConfigDict(extra="forbid")

    strokes: list[Stroke] = Field(max_length=5000)
    """In the order in which they were painted; none removes the mask."""


@pictures.post("", status_code=201, openapi_extra=_BODY)
async def send(
    request: Request, here: Here, name: Annotated[str, Query(max_length=500)] = "picture"
) -> dict[str, Any]:
    """Send a picture, its bytes as the body. What it is, its content says; the name is for people."""
    shelf = here.gallery.shelf()
    try:
        file = await _stored(request, shelf)
        return (
            await asyncio.wrap_future(here.read(here.gallery.take, shelf, file, name))
        ).to_dict()
    except RestoraeError as error:
        told = here.in_words(error, (shelf, plain_name(name)))
        shelf.remove()
        raise Refused(status_of(error), _for_a_page(told)) from None
    except BaseException:
        shelf.remove()
        raise


@pictures.get("")
def all_pictures(here: Here) -> list[dict[str, Any]]:
    """Every picture that is open, oldest first."""
    return [picture.to_dict() for picture in here.gallery.all()]


@pictures.get("/{picture}")
def one_picture(picture: str, here: Here) -> dict[str, Any]:
    """What is known of a picture."""
    return here.gallery.get(picture).to_dict()


@pictures.delete("/{picture}", status_code=204)
def remove(picture: str, here: Here) -> None:
    """Remove a picture and what was made of it; its job is cancelled."""
    found = here.gallery.get(picture)
    if found.job is not None:
        with contextlib.suppress(Refused):  # long over and forgotten
            here.queue.remove(found.job)
    here.gallery.remove(picture)


@pictures.get("/{picture}/layers/{layer}/{level}/{column}/{row}.png", responses=PNG)
def tile(picture: str, layer: str, level: int, column: int, row: int, here: Here) -> Response:
    """A tile of 512 × 512 pixels of a layer (`before`, `after`, …); level 0 is full resolution, each further one half of it."""
    return png(here.gallery.get(picture).layer(layer).tile(level, column, row), kept=True)


@pictures.get("/{picture}/preview.png", responses=PNG)
async def quick_look(
    picture: str,
    here: Here,
    model: str,
    strength: Annotated[float, Query(ge=0, le=1)] = 1.0,
    mask: bool = False,
) -> Response:
    """A smaller copy of the picture, restored at once: what the result will be about, not what it will be to the pixel."""
    found = here.gallery.get(picture)
    request = RestoreRequest(model=model, strength=strength, mask=_mask_of(found, mask))
    pixels = await asyncio.wrap_future(here.quickly(preview, found, request, here.catalogue))
    return png(pixels)


@pictures.put("/{picture}/mask")
def paint(picture: str, painted: Strokes, here: Here) -> dict[str, Any]:
    """Paint the picture's mask; the strokes take the place of those before."""
    found = here.gallery.get(picture)
    here.gallery.paint(found, painted.strokes)
    return found.to_dict()


@pictures.post("/{picture}/mask", openapi_extra=_BODY)
async def send_mask(picture: str, request: Request, here: Here) -> dict[str, Any]:
    """Send the mask as a picture of the same size, white where the picture is damaged."""
    found = here.gallery.get(picture)
    shelf = here.store.shelf()
    try:
        file = await _stored(request, shelf)
        await asyncio.wrap_future(here.read(here.gallery.take_mask, found, file))
    except RestoraeError as error:
        raise Refused(status_of(error), here.in_words(error, (shelf, "The mask"))) from None
    finally:
        shelf.remove()
    return found.to_dict()


@pictures.get("/{picture}/mask.png", responses=PNG)
def mask(picture: str, here: Here) -> Response:
    """The mask, white where the picture is damaged; `restorae restore --mask` takes it."""
    found = here.gallery.get(picture)
    if found.mask is None:
        raise nothing_here(f"mask of {found.name}")
    return FileResponse(found.mask, media_type="image/png", headers={"cache-control": "no-store"})


@pictures.post("/{picture}/restore", status_code=202)
def restore(picture: str, wanted: Restore, here: Here) -> dict[str, Any]:
    """Restore the picture; a job is answered, which waits for its turn."""
    found = here.gallery.get(picture)
    settings = wanted.model_dump()
    request = RestoreRequest(**settings | {"mask": _mask_of(found, settings["mask"])})
    here.quickly(check_request, request, here.catalogue).result()
    if found.job is not None and any(
        job["id"] == found.job and job["state"] in ("waiting", "running")
        for job in here.queue.all()
    ):
        raise Refused(
            409, f"{found.name} is being restored already. Cancel that first, or wait for it."
        )
    job = here.queue.add(
        Restoration(
            found, request, here.gallery, here.catalogue, here.options.limits.minutes_of_restoring
        )
    )
    found.job = job.id
    return here.queue.told(job)


@pictures.get(
    "/{picture}/restored",
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "The restored file."}
    },
)
def restored(picture: str, here: Here) -> Response:
    """The restored picture, in the format and depth of the one that was sent, with its metadata."""
    found = here.gallery.get(picture)
    if found.result is None:
        raise nothing_here(f"result of {found.name} yet")
    return _download(found, found.result, found.result_name)


@pictures.get("/{picture}/thumbnail.png", responses=PNG)
def thumbnail(picture: str, here: Here) -> Response:
    """The picture, small."""
    found = here.gallery.get(picture)
    smallest = found.layers["before"].level(len(found.layers["before"].sizes) - 1)
    every = max(1, max(smallest.shape[:2]) // 96)
    headers = {"cache-control": "private, max-age=3600"}
    return Response(encoded(smallest[::every, ::every]), media_type="image/png", headers=headers)


def _mask_of(picture: Picture, wanted: bool) -> Path | None:
    if wanted and picture.mask is None:
        raise SettingsConflict("this picture has no {} yet. Paint one first", settings=("mask",))
    return picture.mask if wanted else None


def _download(picture: Picture, path: Path, name: str) -> Response:
    kind = (
        "application/octet-stream"
        if is_array(picture)
        else _MEDIA.get(_kind(path), "application/octet-stream")
    )
    return FileResponse(path, media_type=kind, filename=name, headers={"cache-control": "no-store"})


def _kind(path: Path) -> str:
    from restorae.formats import kind_of

    return kind_of(path) or ""


async def _stored(request: Request, shelf: Shelf) -> Path:
    """The body of a request as a file on the shelf; its size is claimed as it comes."""
    path = shelf.folder / "incoming"
    try:
        with path.open("wb") as handle:
            async for chunk in request.stream():
                shelf.claim(len(chunk))
                handle.write(chunk)
    except OSError as error:
        raise shelf.failed(error) from None
    return path


def _for_a_page(told: str) -> str:
    """Advice for the command line does not help on a page."""
    sentence, _, advice = told.partition(" If it is genuine, use --max-pixels")
    return sentence + (" restorae restore --max-pixels on the command line can." if advice else "")
