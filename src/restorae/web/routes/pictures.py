"""Pictures: sent, looked at, painted on, restored, fetched."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from restorae.errors import RestoraeError
from restorae.web.gallery import plain_name
from restorae.web.http_errors import HttpError, not_found, status_of
from restorae.web.mask_strokes import Stroke
from restorae.web.pyramid import png_bytes
from restorae.web.restorations import Restoration, check_request, preview
from restorae.web.restore_form import RestoreBody, request_for
from restorae.web.routes.common import PNG, SAYS_NO, StudioDep, png
from restorae.web.store import Workspace

pictures = APIRouter(prefix="/api/pictures", tags=["pictures"], responses=SAYS_NO)

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class Strokes(BaseModel):
    """What was painted."""

    model_config = ConfigDict(extra="forbid")

    strokes: list[Stroke] = Field(max_length=5000)
    """In the order in which they were painted; none removes the mask."""


@pictures.post("", status_code=201, openapi_extra=_BODY)
async def send(
    request: Request, studio: StudioDep, name: Annotated[str, Query(max_length=500)] = "picture"
) -> dict[str, Any]:
    """Send a picture, its bytes as the body. What it is, its content says; the name is for people."""
    workspace = studio.gallery.workspace()
    try:
        file = await _stored(request, workspace)
        return (
            await asyncio.wrap_future(studio.read(studio.gallery.take, workspace, file, name))
        ).to_dict()
    except RestoraeError as error:
        text = studio.error_text(error, workspace, plain_name(name))
        workspace.remove()
        raise HttpError(status_of(error), text) from None
    except BaseException:
        workspace.remove()
        raise


@pictures.get("")
def all_pictures(studio: StudioDep) -> list[dict[str, Any]]:
    """Every picture that is open, oldest first."""
    return [picture.to_dict() for picture in studio.gallery.all()]


@pictures.get("/{picture}")
def one_picture(picture: str, studio: StudioDep) -> dict[str, Any]:
    """What is known of a picture."""
    return studio.gallery.get(picture).to_dict()


@pictures.delete("/{picture}", status_code=204)
def remove(picture: str, studio: StudioDep) -> None:
    """Remove a picture and what was made of it; its job is cancelled."""
    found = studio.gallery.get(picture)
    if found.job is not None:
        with contextlib.suppress(HttpError):  # long over and forgotten
            studio.queue.remove(found.job)
    studio.gallery.remove(picture)


@pictures.get("/{picture}/layers/{layer}/{level}/{column}/{row}.png", responses=PNG)
def tile(
    picture: str, layer: str, level: int, column: int, row: int, studio: StudioDep
) -> Response:
    """A tile of 512 × 512 pixels of a layer (`before`, `after`, …); level 0 is full resolution, each further one half of it."""
    return png(studio.gallery.get(picture).layer(layer).tile(level, column, row), kept=True)


@pictures.post("/{picture}/preview.png", responses=PNG)
async def preview_picture(picture: str, body: RestoreBody, studio: StudioDep) -> Response:
    """A smaller copy of the picture, restored at once: roughly what the result will look like, not to the pixel."""
    found = studio.gallery.get(picture)
    request = request_for(body, found, studio.options.limits.pixels)
    work = studio.quickly(preview, found, request, studio.catalogue)
    return png(await asyncio.wrap_future(work))


@pictures.put("/{picture}/mask")
def paint(picture: str, painted: Strokes, studio: StudioDep) -> dict[str, Any]:
    """Paint the picture's mask; the strokes take the place of those before."""
    found = studio.gallery.get(picture)
    studio.gallery.paint(found, painted.strokes)
    return found.to_dict()


@pictures.post("/{picture}/mask", openapi_extra=_BODY)
async def send_mask(picture: str, request: Request, studio: StudioDep) -> dict[str, Any]:
    """Send the mask as a picture of the same size, white where the picture is damaged."""
    found = studio.gallery.get(picture)
    workspace = studio.store.workspace()
    try:
        file = await _stored(request, workspace)
        await asyncio.wrap_future(studio.read(studio.gallery.take_mask, found, file))
    except RestoraeError as error:
        raise HttpError(status_of(error), studio.error_text(error, workspace, "The mask")) from None
    finally:
        workspace.remove()
    return found.to_dict()


@pictures.get("/{picture}/mask.png", responses=PNG)
def mask(picture: str, studio: StudioDep) -> Response:
    """The mask, white where the picture is damaged; `restorae restore --mask` takes it."""
    found = studio.gallery.get(picture)
    if found.mask is None:
        raise not_found(f"mask of {found.name}")
    return FileResponse(found.mask, media_type="image/png", headers={"cache-control": "no-store"})


@pictures.post("/{picture}/restore", status_code=202)
def restore(picture: str, body: RestoreBody, studio: StudioDep) -> dict[str, Any]:
    """Restore the picture; a job is answered, which waits for its turn."""
    found = studio.gallery.get(picture)
    request = request_for(body, found, studio.options.limits.pixels)
    studio.quickly(check_request, request, studio.catalogue).result()
    if found.job is not None and any(
        job["id"] == found.job and job["state"] in ("waiting", "running")
        for job in studio.queue.all()
    ):
        raise HttpError(
            409, f"{found.name} is being restored already. Cancel that first, or wait for it."
        )
    job = studio.queue.add(
        Restoration(
            found,
            request,
            studio.gallery,
            studio.catalogue,
            studio.options.limits.minutes_of_restoring,
        )
    )
    found.job = job.id
    return studio.queue.told(job)


@pictures.get(
    "/{picture}/restored",
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "The restored file."}
    },
)
def restored(picture: str, studio: StudioDep) -> Response:
    """The restored picture, in the format and depth of the one that was sent, with its metadata."""
    found = studio.gallery.get(picture)
    if found.result is None:
        raise not_found(f"result of {found.name} yet")
    return _download(found.result, found.result_name)


@pictures.get("/{picture}/thumbnail.png", responses=PNG)
def thumbnail(picture: str, studio: StudioDep) -> Response:
    """The picture, small."""
    found = studio.gallery.get(picture)
    smallest = found.layers["before"].level(len(found.layers["before"].sizes) - 1)
    every = max(1, max(smallest.shape[:2]) // 96)
    headers = {"cache-control": "private, max-age=3600"}
    return Response(png_bytes(smallest[::every, ::every]), media_type="image/png", headers=headers)


def _download(path: Path, name: str) -> Response:
    from restorae.formats import format_of

    found = format_of(path)
    media_type = found.media_type if found else "application/octet-stream"
    headers = {"cache-control": "no-store"}
    return FileResponse(path, media_type=media_type, filename=name, headers=headers)


async def _stored(request: Request, workspace: Workspace) -> Path:
    """The body of a request as a file on the workspace; its size is claimed as it comes."""
    path = workspace.folder / "incoming"
    try:
        with path.open("wb") as handle:
            async for chunk in request.stream():
                workspace.claim(len(chunk))
                handle.write(chunk)
    except OSError as error:
        raise workspace.failed(error) from None
    return path
