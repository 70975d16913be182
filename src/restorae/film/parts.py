"""Complete pieces: how many frames they hold, and which part of the source's time axis they show."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from restorae.film.request import FilmRequest
from restorae.formats.video import Cut, VideoFacts, read_times


def count_frames(piece: Path) -> int:
    """Frames of a complete piece; 0 where there is none."""
    times = read_times(piece)
    return len(times.stamps) if times else 0


def cut_of(film: FilmRequest, facts: VideoFacts, pieces: Sequence[Path]) -> Cut:
    """The part of the source's time axis that the pieces show; sound is cut there."""
    start, end = film.part
    if start is None and end is None:
        return Cut(start=Fraction(0))
    first = read_times(pieces[0])
    assert first is not None
    return Cut(
        start=first.stamps[0] * facts.time_base,
        end=None if end is None else facts.start * facts.time_base + end,
        shifts=True,
    )
