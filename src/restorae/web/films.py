"""Films that were sent: the files, previews of a few frames, and results. They are restored as jobs in a lane of their own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import Message, in_words
from restorae.film import FilmRequest, restore_films
from restorae.film.stack import REACH
from restorae.progress import Progress
from restorae.restoring import FileTask, RestoreRequest
from restorae.web.catalogue import Catalogue
from restorae.web.film_frames import borders, frames_of, shown_frames
from restorae.web.film_library import Films
from restorae.web.film_record import Film
from restorae.web.wording import PAGE
from restorae.web.work import Job, Work

AROUND = 2
"""Frames before and after the one in view that a preview shows."""


class FilmRestoration(Work):
    """A job that restores a film.

    Args:
        film: which.
        request: how frames are restored.
        reading: how the film is read and written.
        films: records it.
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
        films: Films,
        catalogue: Catalogue,
        minutes: float,
    ) -> None:
        self.film, self.request, self.reading, self.films = film, request, reading, films
        self.catalogue, self.minutes = catalogue, minutes

    def about(self) -> dict[str, Any]:
        return {"film": self.film.id, "name": self.film.name, "model": self.request.model}

    def run(self, job: Job) -> dict[str, Any]:
        film = self.film
        film.workspace.claim(film.file.stat().st_size)
        settings = {**self.request.to_dict(), **self.reading.to_dict()}
        pieces = film.pieces
        goes_on = settings == film.settings and pieces.exists()
        if not goes_on:
            shutil.rmtree(pieces, ignore_errors=True)
        film.settings = settings
        self.films.changed(film)
        self.films.sweep(film, self.request.references)
        report = restore_films(
            [film.task],
            self.request,
            FilmRequest(**self.reading.to_dict() | {"resume": goes_on}),
            self.catalogue.restorers(),
            progress=_Counted(job),
            check=job.check,
        )
        if report.failures:
            raise report.failures[0].as_error()
        (restored,) = report.films
        film.result = film.task.target
        film.notices = [in_words(notice, PAGE) for notice in restored.notices]
        film.workspace.settle()
        self.films.changed(film)
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


def stopped_requests(film: Film) -> tuple[RestoreRequest, FilmRequest]:
    """How a film was being restored when it was stopped."""
    return (
        RestoreRequest(**{name: film.settings[name] for name in RestoreRequest.names()}),
        FilmRequest(**{name: film.settings[name] for name in FilmRequest.names()}),
    )


def check_requests(request: RestoreRequest, reading: FilmRequest, catalogue: Catalogue) -> None:
    """Find what is wrong with settings before a film waits for its turn.

    Raises:
        UsageError, BadModelFile: as their messages say.
    """
    assert request.model is not None
    capabilities = catalogue.restorers().get(request.model).capabilities
    request.check(capabilities)
    reading.check_restorer(capabilities, request)
