"""Films: upload, frames, previews, restoration, download. They need the extra `film`."""

from __future__ import annotations

import asyncio
import itertools
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse

from restorae.errors import MissingExtra
from restorae.film import FilmRequest
from restorae.restoring import RestoreRequest
from restorae.web.film_form import FilmBody, form, requests_for
from restorae.web.film_frames import shown_frames
from restorae.web.film_record import Film, Shown
from restorae.web.films import FilmRestoration, check_requests, preview, stopped_requests
from restorae.web.http_errors import HttpError, not_found
from restorae.web.routes.common import BINARY, PNG, SAYS_NO, StudioDep, png, received
from restorae.web.studio import Studio

films = APIRouter(prefix="/api/films", tags=["films"], responses=SAYS_NO)

Number = Annotated[int, Query(ge=0, lt=2**31)]
_NUMBERS = itertools.count(1)
_MISSING = "Films need the extra film, which is not installed: pip install 'restorae[film]'."


def missing() -> str:
    """Why no film can be restored here; empty if films can be."""
    return "" if find_spec("av") and find_spec("cv2") else _MISSING


@films.get("")
def all_films(studio: StudioDep) -> dict[str, Any]:
    """Every film that is open; the form of their settings; and why films cannot be restored here, if so."""
    return {
        "missing": missing(),
        "films": [film.to_dict() for film in studio.films.all()],
        "form": form(),
    }


@films.post("", status_code=201, openapi_extra=BINARY)
async def send(
    request: Request,
    studio: StudioDep,
    name: Annotated[str, Query(max_length=500)] = "film.mkv",
) -> dict[str, Any]:
    """Send a film, its bytes as the body."""
    if told := missing():
        raise MissingExtra(told)
    studio.films.check_room()
    workspace = studio.store.workspace()

    def take(file: Path) -> Film:
        return studio.films.take(workspace, file, name)

    return (await received(request, studio, workspace, name, take)).to_dict()


@films.get("/{film}")
def one_film(film: str, studio: StudioDep) -> dict[str, Any]:
    """What is known of a film."""
    return studio.films.get(film).to_dict()


@films.delete("/{film}", status_code=204)
def remove(film: str, studio: StudioDep) -> None:
    """Remove a film and its result; its job is cancelled."""
    found = studio.films.get(film)
    studio.queue.remove_if_known(found.job)
    studio.films.remove(film)


@films.get("/{film}/frames/{number}.png", responses=PNG)
async def frame(film: str, number: int, studio: StudioDep) -> Response:
    """A frame of the film, counted from 0, as a screen shows it."""
    found = studio.films.get(film)
    if not 0 <= number < len(found.facts.stamps):
        raise not_found(f"frame {number}")
    frames = await asyncio.wrap_future(studio.read(shown_frames, found.facts, number, 1))
    if not frames:
        raise not_found(f"frame {number}")
    return png(np.ascontiguousarray(frames[0]), kept=True)


@films.post("/{film}/preview", status_code=201)
async def preview_film(
    film: str, body: FilmBody, studio: StudioDep, number: Number = 0
) -> dict[str, Any]:
    """Restore up to five frames around one; the answer holds the addresses of each, before and after."""
    found = studio.films.get(film)
    if number >= len(found.facts.stamps):
        raise not_found(f"frame {number}")
    request, reading = requests_for(body, found)
    work = studio.slowly(preview, found, number, request, reading, studio.catalogue)
    first, before, after = await asyncio.wrap_future(work)
    numbers = list(range(first, first + len(after)))
    return {"frames": show(found, numbers, before, after)}


def show(
    film: Film, numbers: list[int], before: list[np.ndarray], after: list[np.ndarray]
) -> list[dict[str, Any]]:
    """Keep frames as the newest preview: the addresses of each, before and after."""
    film.shown = Shown(number=next(_NUMBERS), before=before, after=after)
    path = f"/api/films/{film.id}/preview/{film.shown.number}"
    return [
        {
            "number": number,
            "time": float(film.facts.seconds(film.facts.stamps[number])),
            "before": f"{path}/before/{index}.png",
            "after": f"{path}/after/{index}.png",
        }
        for index, number in enumerate(numbers)
    ]


@films.get("/{film}/preview/{shown}/{side}/{index}.png", responses=PNG)
def preview_frame(
    film: str, shown: int, side: Literal["before", "after"], index: int, studio: StudioDep
) -> Response:
    """A frame of the newest preview."""
    found = studio.films.get(film).shown
    if found is None or found.number != shown or not 0 <= index < len(found.after):
        raise not_found("preview")
    frames = found.before if side == "before" else found.after
    return png(np.ascontiguousarray(frames[index]), kept=True)


@films.post("/{film}/restore", status_code=202)
def restore(film: str, body: FilmBody, studio: StudioDep) -> dict[str, Any]:
    """Restore the film; a job is answered. One that was cancelled goes on where it was, if its settings are the same."""
    found = _idle(studio, film)
    return _begin(studio, found, *requests_for(body, found))


@films.post("/{film}/resume", status_code=202)
def resume(film: str, studio: StudioDep) -> dict[str, Any]:
    """Go on with a film that was stopped, with its settings, also those of an earlier server; a job is answered."""
    found = _idle(studio, film)
    if not found.is_stopped:
        raise HttpError(409, f"{found.name} is not stopped. Restore it.")
    return _begin(studio, found, *stopped_requests(found))


def _idle(studio: Studio, film: str) -> Film:
    found = studio.films.get(film)
    if studio.queue.is_active(found.job):
        raise HttpError(409, f"{found.name} is being restored already. Cancel that first.")
    return found


def _begin(
    studio: Studio, film: Film, request: RestoreRequest, reading: FilmRequest
) -> dict[str, Any]:
    studio.quickly(check_requests, request, reading, studio.catalogue).result()
    work = FilmRestoration(
        film,
        request=request,
        reading=reading,
        films=studio.films,
        catalogue=studio.catalogue,
        minutes=studio.options.limits.minutes_of_training,
    )
    job = studio.queue.add(work)
    film.job = job.id
    return studio.queue.told(job)


@films.get(
    "/{film}/restored",
    responses={200: {"content": {"video/*": {}}, "description": "The restored film."}},
)
def restored(film: str, studio: StudioDep) -> Response:
    """The restored film."""
    found = studio.films.get(film)
    if found.result is None:
        raise not_found(f"result of {found.name} yet")
    headers = {"cache-control": "no-store"}
    return FileResponse(
        found.result,
        media_type="application/octet-stream",
        filename=found.result_name,
        headers=headers,
    )
