"""What became of films: of each, and of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from restorae.display import counted
from restorae.formats.video import JoinReport, VideoFacts
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


def notices_of_join(joined: JoinReport, container: str, facts: VideoFacts) -> list[str]:
    """What the person should know of the file that was written."""
    said = [f"{what} was left out: {container} does not hold it" for what in joined.left_out]
    if container in ("matroska", "webm") and facts.time_base.denominator not in (1, 10, 100, 1000):
        said.append(
            f"time stamps were rounded to milliseconds, since {container} holds no finer ones"
        )
    if joined.overlapping:
        said.append(
            f"{counted(joined.overlapping, 'packet')} left out where the sound of joined recordings overlaps"
        )
    return said
