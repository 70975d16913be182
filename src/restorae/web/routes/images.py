"""Images: upload, display, masks, restoration, download."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as Address
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from restorae.errors import RestoraeError
from restorae.restoring.model_choice import PRINTS
from restorae.web.gallery_image import GalleryImage
from restorae.web.http_errors import HttpError, not_found, status_of
from restorae.web.mask_strokes import Stroke
from restorae.web.page_layers import describe
from restorae.web.previews import needs_nothing, preview_tile
from restorae.web.pyramid import png_bytes
from restorae.web.restorations import DefectSearch, check_request
from restorae.web.restore_form import RestoreBody, request_for
from restorae.web.routes.batches import restoration
from restorae.web.routes.common import BINARY, PNG, SAYS_NO, StudioDep, png, received, stored_body

images = APIRouter(prefix="/api/images", tags=["images"], responses=SAYS_NO)

Index = Annotated[int, Query(ge=0, lt=2**31)]
At = Annotated[int, Address(ge=0, lt=2**31)]


class Strokes(BaseModel):
    """What was painted."""

    model_config = ConfigDict(extra="forbid")

    strokes: list[Stroke] = Field(max_length=5000)
    """In the order in which they were painted; none removes the mask."""


@images.post("", status_code=201, openapi_extra=BINARY)
async def send(
    request: Request,
    studio: StudioDep,
    name: Annotated[str, Query(max_length=500)] = "image",
    folder: Annotated[str, Query(max_length=2000)] = "",
    place: Annotated[int | None, Query(ge=0, lt=2**62)] = None,
) -> dict[str, Any]:
    """Send an image, its bytes as the body. The format is detected from the content; the name and the folders above it are
    for display and for the archive of results. Images are listed by `place`, else in the order in which they arrive; a file that
    was sent with a place and cannot be taken is listed by `/api/refused`.
    """
    workspace = studio.gallery.workspace()

    def take(file: Path) -> GalleryImage:
        return studio.gallery.take(workspace, file, name, folder, place=place)

    try:
        return (await received(request, studio, workspace, name, take)).to_dict()
    except HttpError as error:
        if place is not None:
            studio.gallery.refuse(place, name, folder, studio.error_text(error))
        raise


@images.get("")
def all_images(studio: StudioDep) -> list[dict[str, Any]]:
    """Every image that is open, oldest first."""
    return [image.to_dict() for image in studio.gallery.all()]


@images.get("/{image}")
def one_image(image: str, studio: StudioDep) -> dict[str, Any]:
    """What is known of an image."""
    return studio.gallery.get(image).to_dict()


@images.get("/{image}/pages/{page}")
def one_page(image: str, page: At, studio: StudioDep) -> dict[str, Any]:
    """A page of a stack or of a file of several pages, counted from 0: its size and its levels, as of the image itself."""
    found = studio.gallery.get(image)
    return describe(found.layer("before", page), found.original, page)


@images.delete("/{image}", status_code=204)
def remove(image: str, studio: StudioDep) -> None:
    """Remove an image and what was made of it; its job is cancelled."""
    found = studio.gallery.get(image)
    studio.queue.remove_if_known(found.job)
    studio.gallery.remove(image)


@images.get("/{image}/layers/{layer}/{level}/{column}/{row}.png", responses=PNG)
def tile(
    image: str, layer: str, level: At, column: At, row: At, studio: StudioDep, page: Index = 0
) -> Response:
    """A tile of 512 × 512 pixels of a layer (`before`, `after`, …) and page; level 0 is full resolution, each further one half of
    it.
    """
    found = studio.gallery.get(image)
    pixels = found.layer(layer, page).tile(level, column, row)
    if found.original.pages[page].alpha and (layer == "before" or layer.startswith("after")):
        pixels = np.concatenate([pixels, found.layer("alpha", page).tile(level, column, row)], 2)
    return png(pixels, kept=True)


@images.post("/{image}/preview.png", responses=PNG)
async def preview_image(
    image: str,
    body: RestoreBody,
    studio: StudioDep,
    column: Index = 0,
    row: Index = 0,
    page: Index = 0,
) -> Response:
    """A tile of 512 × 512 pixels at full resolution, restored at once: the pixels that the result will have there. The header
    `x-unchanged` says that no damage was found and the image will be left as it is.
    """
    found = studio.gallery.get(image)
    request = request_for(body, found, studio.options.limits.pixels)
    automatic = body.model is None
    if automatic and await asyncio.wrap_future(
        studio.quickly(needs_nothing, found, request, studio.catalogue)
    ):
        answer = png(found.layer("before").tile(0, column, row))
        answer.headers["x-unchanged"] = "true"
        return answer
    work = studio.quickly(
        preview_tile, found, request, studio.catalogue, page=page, column=column, row=row
    )
    return png(await asyncio.wrap_future(work))


@images.put("/{image}/mask")
def paint(image: str, painted: Strokes, studio: StudioDep) -> dict[str, Any]:
    """Paint the image's mask, on top of a mask file if there is one; the strokes take the place of those before."""
    found = studio.gallery.get(image)
    studio.gallery.paint(found, painted.strokes)
    return found.to_dict()


@images.post("/{image}/mask", openapi_extra=BINARY)
async def send_mask(image: str, request: Request, studio: StudioDep) -> dict[str, Any]:
    """Send the mask as an image of the same size, white where the image is damaged."""
    found = studio.gallery.get(image)
    workspace = studio.store.workspace()
    try:
        file = await stored_body(request, workspace)
        await asyncio.wrap_future(studio.read(studio.gallery.take_mask, found, file))
    except RestoraeError as error:
        raise HttpError(status_of(error), studio.error_text(error, workspace, "The mask")) from None
    finally:
        workspace.remove()
    return found.to_dict()


@images.delete("/{image}/mask")
def remove_mask(image: str, studio: StudioDep) -> dict[str, Any]:
    """Remove the image's mask, painted or from a file."""
    found = studio.gallery.get(image)
    studio.gallery.clear_mask(found)
    return found.to_dict()


@images.post("/{image}/find-defects", status_code=202)
def find_defects(image: str, body: RestoreBody, studio: StudioDep) -> dict[str, Any]:
    """Find defects and make them the image's mask, to be edited; a job is answered. `model` says what finds them."""
    found = studio.gallery.get(image)
    settings = {"model": body.model or PRINTS, "defect_mask": True}
    request = request_for(RestoreBody(**settings), found, studio.options.limits.pixels)
    studio.quickly(check_request, request, studio.catalogue).result()
    work = DefectSearch(
        found,
        request=request,
        gallery=studio.gallery,
        catalogue=studio.catalogue,
        minutes=studio.options.limits.minutes_of_restoring,
    )
    return studio.queue.told(studio.queue.add(work))


@images.get("/{image}/mask.png", responses=PNG)
def mask(image: str, studio: StudioDep) -> Response:
    """The mask, white where the image is damaged; `restorae restore --mask` takes it."""
    found = studio.gallery.get(image)
    if found.mask is None:
        raise not_found(f"mask of {found.name}")
    return FileResponse(found.mask, media_type="image/png", headers={"cache-control": "no-store"})


@images.get("/{image}/mask-file.png", responses=PNG)
def mask_file(image: str, studio: StudioDep) -> Response:
    """The mask that was loaded from a file or found by a model, without the strokes on top of it."""
    found = studio.gallery.get(image)
    if found.mask_file is None:
        raise not_found(f"mask file of {found.name}")
    headers = {"cache-control": "no-store"}
    return FileResponse(found.mask_file, media_type="image/png", headers=headers)


@images.post("/{image}/restore", status_code=202)
def restore(image: str, body: RestoreBody, studio: StudioDep) -> dict[str, Any]:
    """Restore the image; a job is answered, which waits for its turn."""
    found = studio.gallery.get(image)
    request = request_for(body, found, studio.options.limits.pixels)
    studio.quickly(check_request, request, studio.catalogue).result()
    if studio.queue.is_active(found.job):
        raise HttpError(
            409, f"{found.name} is being restored already. Cancel that first, or wait for it."
        )
    automatic = body.model is None
    job = studio.queue.add(restoration(found, request, studio, automatic=automatic))
    found.job = job.id
    return studio.queue.told(job)


@images.get(
    "/{image}/restored",
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "The restored file."}
    },
)
def restored(image: str, studio: StudioDep, number: Index | None = None) -> Response:
    """The restored image, in the format and depth of the one that was sent, with its metadata; by default the newest."""
    result = studio.gallery.get(image).result_number(number)
    return _download(result.path, result.name)


@images.get("/{image}/restored/{what}", responses=PNG)
def restored_map(
    image: str,
    what: Literal["error", "spread", "defects"],
    studio: StudioDep,
    number: Index | None = None,
) -> Response:
    """A map that was asked for with the result, as the command line writes it: error bounds, differences or defects."""
    result = studio.gallery.get(image).result_number(number)
    if what not in result.maps:
        raise not_found(f"{what} map of {result.name}")
    path = result.maps[what]
    return _download(path, f"{result.name.rpartition('.')[0]}-{what}{path.suffix}")


@images.get("/{image}/thumbnail.png", responses=PNG)
def thumbnail(image: str, studio: StudioDep) -> Response:
    """The image, small."""
    found = studio.gallery.get(image)
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
