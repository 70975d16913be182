"""Many images at once: restoring them with one request, and one archive of all results."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from restorae.errors import RestoraeError
from restorae.restoring import RestoreRequest
from restorae.web.archive import zipped
from restorae.web.gallery_image import GalleryImage
from restorae.web.http_errors import HttpError, not_found
from restorae.web.names import unused_name
from restorae.web.restorations import Restoration, check_request
from restorae.web.restore_form import RestoreBody, request_for
from restorae.web.routes.common import SAYS_NO, StudioDep
from restorae.web.studio import Studio

batches = APIRouter(prefix="/api", tags=["images"], responses=SAYS_NO)


class Batch(BaseModel):
    """Images that are restored with the same settings."""

    model_config = ConfigDict(extra="forbid")

    images: list[Annotated[str, Field(max_length=64)]] = Field(min_length=1, max_length=20_000)
    """Ids of images. With `mask`, those without a mask are left out."""
    settings: RestoreBody = Field(default_factory=lambda: RestoreBody())
    """How they are restored."""


@batches.get("/refused")
def all_refused(studio: StudioDep) -> list[dict[str, Any]]:
    """Files that were sent and could not be taken, with the reason."""
    return [asdict(each) for each in studio.gallery.refused()]


@batches.delete("/refused/{place}", status_code=204)
def forget_refused(place: int, studio: StudioDep) -> None:
    """Forget a file that could not be taken."""
    studio.gallery.forget_refused(place)


@batches.post("/restorations", status_code=202)
def restore_all(batch: Batch, studio: StudioDep) -> dict[str, Any]:
    """Restore many images: each gets a job, in this order. `refused` says of which none, and why."""
    works: list[tuple[GalleryImage, RestoreRequest]] = []
    refused: list[dict[str, str]] = []
    checked: dict[str, str | None] = {}
    masked = batch.settings.mask
    for name in dict.fromkeys(batch.images):
        try:
            image = studio.gallery.get(name)
        except HttpError as error:
            refused.append({"image": name, "name": "", "error": studio.error_text(error)})
            continue
        reason = None
        if masked and image.mask is None:
            reason = "It has no mask."
        elif studio.queue.is_active(image.job):
            reason = "It is being restored already."
        else:
            request = request_for(batch.settings, image, studio.options.limits.pixels)
            assert request.model is not None
            if request.model not in checked:
                checked[request.model] = _problem(request, studio)
            reason = checked[request.model]
        if reason is None:
            works.append((image, request))
        else:
            refused.append({"image": name, "name": image.name, "error": reason})
    automatic = batch.settings.model is None
    jobs = studio.queue.add_all(
        [restoration(image, request, studio, automatic=automatic) for image, request in works]
    )
    for (image, _), job in zip(works, jobs, strict=True):
        image.job = job.id
    if works:
        studio.gallery.changed()
    return {
        "jobs": [
            {"image": image.id, "job": job.id} for (image, _), job in zip(works, jobs, strict=True)
        ],
        "refused": refused,
    }


@batches.get(
    "/restored.zip",
    responses={200: {"content": {"application/zip": {}}, "description": "All restored files."}},
)
def restored_zip(
    studio: StudioDep, maps: Annotated[bool, Query(description="Error maps too.")] = False
) -> Response:
    """The newest result of every image, in the folders that were dropped, as a ZIP."""
    files: list[tuple[str, Path]] = []
    taken: defaultdict[str, set[str]] = defaultdict(set)  # names by folder
    for image in studio.gallery.all():
        if (result := image.result) is None:
            continue
        for name, path in [
            (result.name, result.path),
            *((file.name, file) for file in result.maps.values() if maps),
        ]:
            shown = name if path == result.path else f"{result.name.rpartition('.')[0]}-{name}"
            full = f"{image.folder}/{shown}" if image.folder else shown
            folder, _, last = full.rpartition("/")
            unused = unused_name(last, taken[folder])
            taken[folder].add(unused)
            files.append((f"{folder}/{unused}" if folder else unused, path))
    if not files:
        raise not_found("result yet")
    headers = {
        "content-disposition": 'attachment; filename="restored.zip"',
        "cache-control": "no-store",
    }
    return StreamingResponse(zipped(files), media_type="application/zip", headers=headers)


def restoration(
    image: GalleryImage, request: RestoreRequest, studio: Studio, *, automatic: bool
) -> Restoration:
    """The work of restoring an image by this server's limits; `automatic` says that no model was named."""
    return Restoration(
        image,
        request=request,
        automatic=automatic,
        gallery=studio.gallery,
        catalogue=studio.catalogue,
        minutes=studio.options.limits.minutes_of_restoring,
        out=studio.options.out,
    )


def _problem(request: RestoreRequest, studio: Studio) -> str | None:
    """Why no image can be restored so."""
    try:
        studio.quickly(check_request, request, studio.catalogue).result()
    except RestoraeError as error:
        return studio.error_text(error)
    return None
