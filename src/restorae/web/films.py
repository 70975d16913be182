"""Films that were sent: the files, previews of a few frames, and results. They are restored as jobs in a lane of their own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import BadImage, Message
from restorae.film import FilmRequest, restore_films
from restorae.film.stack import REACH
from restorae.film.tasks import pieces_of
from restorae.formats.video import CONTAINERS, VideoFacts, read_facts
from restorae.progress import Progress
from restorae.restoring import FileTask, RestoreRequest
from restorae.web.catalogue import Catalogue
from restorae.web.film_frames import borders, frames_of, shown_frames
from restorae.web.http_errors import HttpError, not_found
from restorae.web.names import plain_name
from restorae.web.store import Workspace
from restorae.web.work import Job, Work

MOST = 20
"""Films that are kept at once."""
AROUND = 2
"""Frames before and after the one in view that a preview shows."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The frames of a preview, as they are shown."""

    number: int
    """Part of the frames' addresses."""
    before: list[np.ndarray]
    after: list[np.ndarray]


@dataclass(kw_only=True)
class Film:
    """One film that was sent."""

    id: str
    name: str
    """File name that the client sent, for display only: it is never used as a path."""
    workspace: Workspace
    file: Path
    facts: VideoFacts
    settings: dict[str, Any] = field(default_factory=dict)
    """Those of the newest job: one that was cancelled goes on where it was, if they are the same."""
    result: Path | None = None
    notices: list[str] = field(default_factory=list)
    """What is to be known of the result."""
    shown: Shown | None = None
    """The newest preview."""
    job: str | None = None

    @property
    def result_name(self) -> str:
        """File name of the download."""
        assert self.result is not None
        return f"{Path(self.name).stem}-restored{self.result.suffix}"

    def to_dict(self) -> dict[str, Any]:
        """The film as JSON for the page."""
        facts = self.facts
        return {
            "id": self.id,
            "name": self.name,
            "bytes": self.file.stat().st_size,
            "height": facts.height,
            "width": facts.width,
            "codec": facts.codec,
            "rate": round(float(facts.rate), 3),
            "frames": len(facts.stamps),
            "seconds": float(facts.seconds(facts.stamps[-1])) if facts.stamps else 0.0,
            "times": [float(facts.seconds(stamp)) for stamp in facts.stamps]
            if facts.is_variable
            else None,
            "notices": [
                *facts.notices,
                *([f"breaks off: {facts.breaks_off}"] * bool(facts.breaks_off)),
            ],
            "result": None if self.result is None else self.result_name,
            "result_notices": self.notices,
            "job": self.job,
        }


class Films:
    """All films that were sent."""

    def __init__(self) -> None:
        self._films: dict[str, Film] = {}

    def check_room(self) -> None:
        """Refuse one more film where there are too many.

        Raises:
            HttpError: there are.
        """
        if len(self._films) >= MOST:
            raise HttpError(507, f"{MOST} films are open already. Remove some of them.")

    def take(self, workspace: Workspace, file: Path, name: str) -> Film:
        """Add a film that was sent.

        Raises:
            BadImage: it is not a film that can be read.
        """
        name = plain_name(name)
        suffix = Path(name).suffix.lower()
        named = file.with_name(f"film{suffix if suffix in CONTAINERS else '.mkv'}")
        file.rename(named)
        facts = read_facts(named)
        if not facts.stamps:
            raise BadImage("has no time stamps", subject=named)
        film = Film(id=workspace.name, name=name, workspace=workspace, file=named, facts=facts)
        self._films[film.id] = film
        workspace.settle()
        return film

    def get(self, name: str) -> Film:
        """A film by its id.

        Raises:
            HttpError: there is no such film.
        """
        film = self._films.get(name)
        if film is None:
            raise not_found("such film")
        return film

    def all(self) -> list[Film]:
        """All films, in the order in which they were sent."""
        return list(self._films.values())

    def remove(self, name: str) -> None:
        """Remove a film and its files.

        Raises:
            HttpError: there is no such film.
        """
        film = self.get(name)
        del self._films[name]
        film.workspace.remove()


class FilmRestoration(Work):
    """A job that restores a film.

    Args:
        film: which.
        request: how frames are restored.
        reading: how the film is read and written.
        catalogue: has the models.
        minutes: time limit.
    """

    kind = "film"
    lane = "films"

    def __init__(
        self,
        film: Film,
        *,
        request: RestoreRequest,
        reading: FilmRequest,
        catalogue: Catalogue,
        minutes: float,
    ) -> None:
        self.film, self.request, self.reading = film, request, reading
        self.catalogue, self.minutes = catalogue, minutes

    def about(self) -> dict[str, Any]:
        return {"film": self.film.id, "name": self.film.name, "model": self.request.model}

    def run(self, job: Job) -> dict[str, Any]:
        film = self.film
        film.workspace.claim(film.file.stat().st_size)
        target = film.workspace.folder / f"restored{film.file.suffix}"
        settings = {**self.request.to_dict(), **self.reading.to_dict()}
        task = FileTask(film.file, target, name=Path(film.file.name), may_replace=True)
        pieces = pieces_of(task)
        goes_on = settings == film.settings and pieces.exists()
        if not goes_on:
            shutil.rmtree(pieces, ignore_errors=True)
        film.settings = settings
        report = restore_films(
            [task],
            self.request,
            FilmRequest(**self.reading.to_dict() | {"resume": goes_on}),
            self.catalogue.restorers(),
            progress=_Counted(job),
            check=job.check,
        )
        if report.failures:
            raise report.failures[0].as_error()
        (restored,) = report.films
        film.result, film.notices = target, restored.notices
        film.workspace.settle()
        return {
            "name": film.result_name,
            "frames": restored.frames,
            "codec": restored.codec,
            "copied": restored.copied,
        }


class _Counted(Progress):
    """Passes on how far a film is, and not where its pieces lie: the page goes on by itself."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def begin(self, task: str, total: int, unit: str) -> None:
        self.job.begin(task, total, unit)

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        self.job.advance(count, figures)

    def skip(self, count: int) -> None:
        self.job.skip(count)

    def say(self, message: str | Message) -> None:
        pass

    def warn(self, message: str | Message) -> None:
        pass


def preview(
    film: Film, number: int, request: RestoreRequest, reading: FilmRequest, catalogue: Catalogue
) -> tuple[int, list[np.ndarray], list[np.ndarray]]:
    """Frames around one, before and after: the number of the first, and both as they are shown.

    They are restored as a part of the film, with as many neighbours as a film cleaner looks at. Flicker is measured on that
    part alone.

    Raises:
        BadImage: the film cannot be read.
        UsageError: the settings cannot be used.
    """
    count = len(film.facts.stamps)
    first, end = max(0, number - AROUND), min(count, number + AROUND + 1)
    lower, upper = max(0, first - REACH), min(count, end + REACH)
    begin, stop = borders(film.facts, lower, upper)
    part = {"from_time": begin, "to_time": stop, "codec": None, "lossless": True}
    target = film.workspace.folder / "preview.mkv"
    task = FileTask(film.file, target, name=Path(film.file.name), may_replace=True)
    settings = {**request.to_dict(), "quality": None}
    report = restore_films(
        [task],
        RestoreRequest(**settings),
        FilmRequest(**reading.to_dict() | part),
        catalogue.restorers(),
    )
    if report.failures:
        raise report.failures[0].as_error()
    after = frames_of(target, film.facts)[first - lower : end - lower]
    target.unlink(missing_ok=True)
    return first, shown_frames(film.facts, first, len(after)), after


def check_requests(request: RestoreRequest, reading: FilmRequest, catalogue: Catalogue) -> None:
    """Find what is wrong with settings before a film waits for its turn.

    Raises:
        UsageError, BadModelFile: as their messages say.
    """
    assert request.model is not None
    capabilities = catalogue.restorers().get(request.model).capabilities
    request.check(capabilities)
    reading.check_restorer(capabilities, request)
