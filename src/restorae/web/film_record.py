"""A film that was sent: its files, the references of its colours, its result; and its record, where the store is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from restorae.film.tasks import pieces_of
from restorae.formats.video import VideoFacts, read_facts
from restorae.restoring import FileTask
from restorae.web.colour_strokes import ColourStroke
from restorae.web.http_errors import not_found
from restorae.web.store import Workspace


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


def record_of(film: Film) -> dict[str, Any]:
    """What is kept of a film, as JSON."""
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


def film_of(record: dict[str, Any], workspace: Workspace) -> Film:
    """The film that a record tells of, with its files in the workspace."""

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
