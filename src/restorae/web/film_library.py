"""Films that were sent: the files, references of their colours, results; and their records, where the store is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import BadImage, MissingExtra, RestoraeError
from restorae.files import write_text
from restorae.film.tasks import pieces_of
from restorae.formats.video import CONTAINERS, VideoFacts, read_facts
from restorae.restoring import FileTask
from restorae.web.colour_strokes import ColourStroke
from restorae.web.http_errors import HttpError, not_found
from restorae.web.names import plain_name
from restorae.web.records import FILM
from restorae.web.store import Store, Workspace

MOST = 20
"""Films that are kept at once."""
MOST_REFERENCES = 100
"""References of one film."""


@dataclass(frozen=True, kw_only=True)
class FilmReference:
    """An image from which a film takes its colours."""

    number: int
    """Its name in addresses; never used again, so that a changed reference is another one."""
    name: str
    """For display only."""
    path: Path
    frame: int | None = None
    """The frame of the film that was painted; None where an image was sent."""
    strokes: tuple[ColourStroke, ...] = ()
    """With what it was painted."""

    def to_dict(self) -> dict[str, Any]:
        """The reference as JSON for the page."""
        strokes = [stroke.model_dump() for stroke in self.strokes]
        return {"number": self.number, "name": self.name, "frame": self.frame, "strokes": strokes}


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
    references: list[FilmReference] = field(default_factory=list)
    """Images from which it takes its colours; none leaves it as it is."""
    numbers: int = 0
    """The largest number that a reference had."""
    suggested: list[dict[str, Any]] = field(default_factory=list)
    """Frames that are best coloured first: the number of each, and the share of the film that it serves."""
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
            "references": [each.to_dict() for each in self.references],
            "suggested": self.suggested,
            "is_stopped": self.is_stopped,
            "job": self.job,
        }

    @property
    def task(self) -> FileTask:
        """What is restored, and where to."""
        target = self.workspace.folder / f"restored{self.file.suffix}"
        return FileTask(self.file, target, name=Path(self.file.name), may_replace=True)

    @property
    def pieces(self) -> Path:
        """The folder of what is restored so far."""
        return pieces_of(self.task)

    @property
    def is_stopped(self) -> bool:
        """Whether a part of it is restored and the newest job can go on, or is doing so."""
        return bool(self.settings) and self.pieces.exists()

    def reference(self, number: int) -> FilmReference:
        """One of its references.

        Raises:
            HttpError: there is no such reference.
        """
        for each in self.references:
            if each.number == number:
                return each
        raise not_found(f"reference {number}")

    def painted(self, frame: int) -> FilmReference | None:
        """The reference that was painted on a frame."""
        return next((each for each in self.references if each.frame == frame), None)


class Films:
    """All films that were sent.

    Args:
        store: keeps their files; of one that is kept, those of an earlier server are there again.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._films: dict[str, Film] = {}
        if store.is_kept:
            for workspace in store.kept():
                if (workspace.folder / FILM).exists():
                    self._reopen(workspace)

    def changed(self, film: Film) -> None:
        """Record a film that has changed, if the store is kept."""
        if self.store.is_kept and film.id in self._films:
            write_text(film.workspace.folder / FILM, json.dumps(_record(film)))

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
        self.changed(film)
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

    def add_reference(self, film: Film, reference: FilmReference) -> None:
        """Add a reference; one that was painted takes the place of that of the same frame.

        Raises:
            HttpError: there are too many.
        """
        former = None if reference.frame is None else film.painted(reference.frame)
        if former is not None:
            self.remove_reference(film, former)
        if len(film.references) >= MOST_REFERENCES:
            raise HttpError(507, f"{MOST_REFERENCES} references are the most. Remove some of them.")
        film.references.append(reference)
        film.workspace.settle()
        self.changed(film)

    def remove_reference(self, film: Film, reference: FilmReference) -> None:
        """Remove a reference. A job that runs may still need its file, which goes with `sweep`."""
        film.references.remove(reference)
        self.changed(film)

    def sweep(self, film: Film, used: Iterable[Path]) -> None:
        """Remove files of references that were removed and are not used by what begins."""
        used = {*used, *(each.path for each in film.references)}
        for path in film.workspace.folder.glob("reference-*"):
            if path not in used:
                path.unlink(missing_ok=True)
        film.workspace.settle()

    def next_number(self, film: Film) -> int:
        """The number of a further reference: none that was ever used."""
        known = (
            each.stem.removeprefix("reference-")
            for each in film.workspace.folder.glob("reference-*")
        )
        film.numbers = max([film.numbers, *(int(each) for each in known if each.isdigit())]) + 1
        return film.numbers

    def _reopen(self, workspace: Workspace) -> None:
        """Add a film that an earlier server left; one that cannot be used any more is removed."""
        try:
            film = _film_of(
                json.loads((workspace.folder / FILM).read_text(encoding="utf-8")), workspace
            )
        except MissingExtra:
            return  # it may be there the next time
        except (OSError, ValueError, KeyError, TypeError, RestoraeError):
            workspace.remove()
            return
        self._films[film.id] = film


def _record(film: Film) -> dict[str, Any]:
    return {
        "name": film.name,
        "file": film.file.name,
        "settings": film.settings,
        "result": None if film.result is None else film.result.name,
        "notices": list(film.notices),
        "suggested": film.suggested,
        "numbers": film.numbers,
        "references": [{**each.to_dict(), "path": each.path.name} for each in film.references],
    }


def _film_of(record: dict[str, Any], workspace: Workspace) -> Film:
    def within(name: str) -> Path:
        return workspace.folder / Path(name).name

    def reference(found: dict[str, Any]) -> FilmReference:
        strokes = tuple(ColourStroke(**stroke) for stroke in found["strokes"])
        return FilmReference(**found | {"path": within(found["path"]), "strokes": strokes})

    references = [reference(found) for found in record["references"]]
    result = None if record["result"] is None else within(record["result"])
    return Film(
        id=workspace.name,
        name=record["name"],
        workspace=workspace,
        file=within(record["file"]),
        facts=read_facts(within(record["file"])),
        settings=record["settings"],
        result=result if result is not None and result.is_file() else None,
        notices=record["notices"],
        suggested=record["suggested"],
        numbers=record["numbers"],
        references=[each for each in references if each.path.is_file()],
    )
