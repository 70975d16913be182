"""Colours of films: references, strokes on a frame, stills to be coloured, frames to colour first, previews of neighbours."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from restorae.colouring.references import to_unit
from restorae.colouring.sizes import resize
from restorae.errors import SettingsConflict
from restorae.formats import read_still
from restorae.web.colour_strokes import ColourStroke
from restorae.web.film_colour import (
    FrameSuggestion,
    coloured_neighbours,
    paint_reference,
    still,
    take_reference,
)
from restorae.web.film_form import FilmBody, requests_for
from restorae.web.film_record import Film, FilmReference
from restorae.web.http_errors import HttpError, not_found
from restorae.web.pyramid import png_bytes
from restorae.web.routes.common import BINARY, PNG, SAYS_NO, StudioDep, png, received
from restorae.web.routes.films import Number, show

film_colour = APIRouter(prefix="/api/films/{film}", tags=["films"], responses=SAYS_NO)

_THUMBNAIL_PX = 160


class ColourStrokes(BaseModel):
    """What was painted on a frame."""

    model_config = ConfigDict(extra="forbid")

    strokes: list[ColourStroke] = Field(max_length=2000)
    """In the order in which they were painted; none takes the reference away."""


@film_colour.post("/references", status_code=201, openapi_extra=BINARY)
async def send_reference(
    film: str,
    request: Request,
    studio: StudioDep,
    name: Annotated[str, Query(max_length=500)] = "reference",
) -> dict[str, Any]:
    """Send a coloured image from which the film takes its colours: a frame of it that was coloured, or one that looks alike."""
    found = studio.films.get(film)
    workspace = studio.store.workspace()

    def take(file: Path) -> FilmReference:
        return take_reference(studio.films, found, file, name)

    try:
        await received(request, studio, workspace, name, take)
    finally:
        workspace.remove()
    return found.to_dict()


@film_colour.delete("/references/{number}")
def remove_reference(film: str, number: int, studio: StudioDep) -> dict[str, Any]:
    """Remove a reference."""
    found = studio.films.get(film)
    studio.films.remove_reference(found, found.reference(number))
    return found.to_dict()


@film_colour.get("/references/{number}.png", responses=PNG)
def reference(film: str, number: int, studio: StudioDep) -> Response:
    """A reference, small."""
    pixels = to_unit(read_still(studio.films.get(film).reference(number).path))[..., :3]
    share = min(1.0, _THUMBNAIL_PX / max(pixels.shape[:2]))
    small = resize(
        pixels, (max(1, round(pixels.shape[0] * share)), max(1, round(pixels.shape[1] * share)))
    )
    return png(np.rint(255 * small.clip(0, 1)).astype(np.uint8), kept=True)


@film_colour.put("/frames/{number}/strokes")
async def paint(
    film: str, number: int, painted: ColourStrokes, studio: StudioDep
) -> dict[str, Any]:
    """Paint colours on a frame, which makes it a reference: they spread to the edges around them, and what they do not reach
    stays grey. `used` says whether enough is painted.
    """
    found = _with_frame(studio.films.get(film), number)
    work = studio.quickly(paint_reference, studio.films, found, number, painted.strokes)
    used = await asyncio.wrap_future(work)
    return {"used": used, "film": found.to_dict()}


@film_colour.get("/stills/{number}.png", responses=PNG)
async def one_still(film: str, number: int, studio: StudioDep) -> Response:
    """A frame as a grey file, to be coloured with a program for images and sent back as a reference."""
    found = _with_frame(studio.films.get(film), number)
    pixels = await asyncio.wrap_future(studio.read(still, found, number))
    name = f"{Path(found.name).stem}-{number:06d}.png"
    disposition = f"attachment; filename*=utf-8''{quote(name)}"
    return Response(
        png_bytes(pixels),
        media_type="image/png",
        headers={"cache-control": "no-store", "content-disposition": disposition},
    )


@film_colour.post("/colour-preview", status_code=201)
async def preview_colours(
    film: str, body: FilmBody, studio: StudioDep, number: Number = 0
) -> dict[str, Any]:
    """Colour a frame, those 4, 12 and 24 behind it, and the last of its shot; the answer holds the addresses of each."""
    found = _with_frame(studio.films.get(film), number)
    request, reading = requests_for(body, found)
    if not request.references:
        raise SettingsConflict("{} are needed: there is none yet", settings=("references",))
    work = studio.slowly(coloured_neighbours, found, number, request, reading, studio.catalogue)
    seen = await asyncio.wrap_future(work)
    return {"frames": show(found, seen.numbers, seen.before, seen.after), "is_end": seen.is_end}


@film_colour.post("/suggest", status_code=202)
def suggest(film: str, studio: StudioDep) -> dict[str, Any]:
    """Find the frames that are best coloured first; a job is answered, and `suggested` of the film has them afterwards."""
    found = studio.films.get(film)
    if studio.queue.is_active(found.job):
        raise HttpError(409, f"{found.name} is being worked on already. Cancel that first.")
    minutes = studio.options.limits.minutes_of_restoring
    job = studio.queue.add(FrameSuggestion(found, films=studio.films, minutes=minutes))
    found.job = job.id
    return studio.queue.told(job)


def _with_frame(film: Film, number: int) -> Film:
    if not 0 <= number < len(film.facts.stamps):
        raise not_found(f"frame {number}")
    return film
