"""Colours of films: references that are sent or painted, frames to colour first, and what neighbours would become."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from restorae.colouring.references import read_reference, to_unit
from restorae.colouring.sizes import resize
from restorae.errors import RestoraeError
from restorae.film import FilmRequest, restore_films
from restorae.film.colour.planes import ColourPlanes
from restorae.film.colour.suggesting import suggest_frames
from restorae.film.measuring import measure_film
from restorae.formats import SUFFIX_OF, kind_of, write_still
from restorae.progress import SILENT
from restorae.restoring import FileTask, RestoreRequest
from restorae.web.catalogue import Catalogue
from restorae.web.colour_strokes import ColourStroke, painted_chroma, spread
from restorae.web.film_frames import borders, frames_of, shown_frames, shown_size, stored_frame
from restorae.web.film_library import Films
from restorae.web.film_record import Film, FilmReference
from restorae.web.http_errors import not_found
from restorae.web.names import plain_name
from restorae.web.work import Job, Work

SUGGESTED = 5
"""Frames that are suggested."""
AHEAD = (4, 12, 24)
"""Frames behind the one in view that are shown coloured, beside the last of its shot."""
_FARTHEST = 120
"""How far behind the frame in view the last frame that is shown may be, and before it a painted one whose colours are carried."""
_BEFORE = 24
"""Frames before the one in view in which references are looked for: each costs as much as a frame that is shown."""


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """Frames as their colours would be."""

    numbers: list[int]
    before: list[np.ndarray]
    after: list[np.ndarray]
    is_end: bool
    """Whether the last of them ends its shot."""


def take_reference(films: Films, film: Film, file: Path, name: str) -> FilmReference:
    """Add an image that was sent as a reference.

    Raises:
        BadImage: it cannot be read, or has no colour.
        HttpError: there are too many.
    """
    kind = kind_of(file) if file.stat().st_size else None
    named = file.with_name(f"reference{SUFFIX_OF.get(kind or '', '')}")
    file.rename(named)
    read_reference(named, ColourPlanes(film.facts).weights)
    number = films.next_number(film)
    path = film.workspace.folder / f"reference-{number}{named.suffix}"
    reference = FilmReference(number=number, name=plain_name(name), path=path)
    films.add_reference(film, reference)
    named.rename(path)
    film.workspace.settle()
    return reference


def paint_reference(films: Films, film: Film, frame: int, strokes: Sequence[ColourStroke]) -> bool:
    """Make a frame a reference by strokes upon it; none of them take the reference away.

    Returns:
        Whether so much is painted that it is a reference.
    """
    former = film.painted(frame)
    if not strokes:
        if former is not None:
            films.remove_reference(film, former)
        return False
    weights = ColourPlanes(film.facts).weights
    luma = _luma(film, frame)
    turns = film.facts.rotation // 90
    chroma, known = painted_chroma(strokes, *shown_size(film.facts), weights)
    # strokes lie on the upright frame with square pixels; the reference is a frame as it is stored
    chroma, known = np.rot90(chroma, -turns), np.rot90(known, -turns)
    own = luma.shape[0], luma.shape[1]
    found, trust = spread(luma, resize(chroma, own), resize(known.astype(np.float32), own) > 0.5)
    rgb = weights.to_rgb(luma, resize(found, own))
    rgb = np.dstack([rgb, resize(trust, own)])  # what no stroke reaches is transparent: unknown
    number = films.next_number(film)
    path = film.workspace.folder / f"reference-{number}.png"
    write_still(path, np.rint(255 * rgb.clip(0, 1)).astype(np.uint8))
    reference = FilmReference(
        number=number,
        name=f"frame {frame + 1}, painted",
        path=path,
        frame=frame,
        strokes=tuple(strokes),
    )
    try:
        read_reference(path, weights)
    except RestoraeError:  # next to nothing is painted
        path.unlink(missing_ok=True)
        if former is not None:
            films.remove_reference(film, former)
        return False
    films.add_reference(film, reference)
    return True


def still(film: Film, frame: int) -> np.ndarray:
    """A frame to be coloured by hand: its luma as it is stored, (height, width) uint8."""
    return np.asarray(np.rint(255 * _luma(film, frame).clip(0, 1)), np.uint8)


def coloured_neighbours(
    film: Film, frame: int, request: RestoreRequest, reading: FilmRequest, catalogue: Catalogue
) -> Neighbours:
    """A frame, some behind it and the last of its shot, coloured and nothing else, as a part of the film.

    The part begins before the frame, so that colours are carried from references there, as in the whole film. A reference that
    is a frame of the shot farther away is matched, not carried.

    Raises:
        BadImage: the film cannot be read, or is in colour already.
        UsageError: the settings cannot be used.
    """
    count = len(film.facts.stamps)
    first, end = _first_needed(film, frame), min(count, frame + _FARTHEST + 1)

    def part(start: int, stop: int) -> dict[str, Any]:
        begin, until = borders(film.facts, start, stop)
        return {"from_time": begin, "to_time": until}

    plain = {"deflicker": 0.0, "codec": None, "lossless": True}
    looking = FilmRequest(**reading.to_dict() | plain | part(first, end))
    shots = measure_film(film.facts, looking, None, progress=SILENT, check=lambda: None).shots
    shot = shots.frame_range(frame - first)
    start, stop = first + shot.start, min(end, first + shot.stop)
    numbers = sorted({frame, *(frame + each for each in AHEAD if frame + each < stop), stop - 1})
    target = film.workspace.folder / "colours.mkv"
    task = FileTask(film.file, target, name=Path(film.file.name), may_replace=True)
    report = restore_films(
        [task],
        replace(request, strength=0.0, quality=None),
        FilmRequest(**reading.to_dict() | plain | part(start, stop)),
        catalogue.restorers(),
    )
    if report.failures:
        raise report.failures[0].as_error()
    after = frames_of(target, film.facts, {each - start for each in numbers})
    target.unlink(missing_ok=True)
    before = [shown_frames(film.facts, each, 1)[0] for each in numbers[: len(after)]]
    return Neighbours(
        numbers=numbers[: len(after)], before=before, after=after, is_end=stop < end or end == count
    )


def _first_needed(film: Film, frame: int) -> int:
    """The frame at which a part begins that has the references before a frame."""
    painted = [each.frame for each in film.references if each.frame is not None]
    near = [each for each in painted if frame - _FARTHEST <= each <= frame]
    return max(0, min(frame - _BEFORE, max(near, default=frame)))


class FrameSuggestion(Work):
    """A job that finds the frames of a film which are best coloured first."""

    kind = "suggest"
    lane = "films"

    def __init__(self, film: Film, *, films: Films, minutes: float) -> None:
        self.film, self.films, self.minutes = film, films, minutes

    def about(self) -> dict[str, Any]:
        return {"film": self.film.id, "name": self.film.name}

    def run(self, job: Job) -> dict[str, Any]:
        film = self.film
        reading = FilmRequest(deflicker=0.0)
        analysis = measure_film(film.facts, reading, None, progress=job, check=job.check)
        with tempfile.TemporaryDirectory(dir=film.workspace.folder) as folder:
            found = suggest_frames(
                film.facts,
                analysis,
                Path(folder),
                count=SUGGESTED,
                progress=job,
                check=job.check,
            )
        film.suggested = [{"frame": each.frame, "serves": each.serves} for each in found]
        self.films.changed(film)
        return {"frames": film.suggested}


def _luma(film: Film, frame: int) -> np.ndarray:
    """Luma of a frame as it is stored, (height, width) float32, 0 to 1."""
    found = stored_frame(film.facts, frame)
    if found is None:
        raise not_found(f"frame {frame}")
    return ColourPlanes(film.facts).weights.to_opponent(to_unit(found))[0]
