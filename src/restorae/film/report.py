"""What became of films: of each, and of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from restorae.restoring.files import Failure
from restorae.restoring.tasks import FileTask


@dataclass(kw_only=True)
class RestoredFilm:
    """What became of one film."""

    task: FileTask
    frames: int
    codec: str
    is_lossless: bool
    copied: list[str]
    """Streams that were copied."""
    notices: list[str]
    is_damaged: bool
    """Whether a part of the source could not be decoded."""
    seconds: float


@dataclass
class FilmReport:
    """What became of a run."""

    films: list[RestoredFilm] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
