"""Shots: the runs of frames between two cuts, and what each is restored with."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A run of frames without a cut, and settings that hold for it alone."""

    first: int
    """Its first frame, counted from 0 in the part that is restored."""
    model: str | None = None
    """With what it is restored; None is what the whole film is restored with."""
    strength: float | None = None
    """Blend factor, 0 to 1; None is that of the whole film."""
    deflicker: float | None = None
    """Share of its flicker that is removed, 0 to 1; None is that of the whole film."""
    references: tuple[str, ...] = ()
    """Images or folders of images from which it takes its colours; none: those of the whole film."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "references", tuple(self.references))


@dataclass(frozen=True)
class Shots:
    """All shots of a film, in their order. The first begins at frame 0, and the last has no end.

    >>> shots = Shots.at([30, 76])
    >>> shots.frame_range(30), shots.frame_range(29), shots.frame_range(200)
    (range(30, 76), range(0, 30), range(76, 1073741824))
    """

    shots: tuple[Shot, ...] = (Shot(first=0),)

    @classmethod
    def at(cls, cuts: Iterable[int]) -> Shots:
        """Shots that begin at 0 and at each of `cuts`, frame numbers that rise."""
        return cls(tuple(Shot(first=first) for first in (0, *cuts)))

    @property
    def firsts(self) -> list[int]:
        """The first frame of each shot."""
        return [shot.first for shot in self.shots]

    @property
    def cuts(self) -> list[int]:
        """The frames before which there is a cut."""
        return self.firsts[1:]

    def index(self, frame: int) -> int:
        """The number of the shot in which a frame is."""
        return bisect_right(self.firsts, frame) - 1

    def of(self, frame: int) -> Shot:
        """The shot in which a frame is."""
        return self.shots[self.index(frame)]

    def frame_range(self, frame: int) -> range:
        """The frames of the same shot: no window around `frame` may leave them. The last shot's range has no true end."""
        index = self.index(frame)
        ends = [*self.firsts[1:], _ENDLESS]
        return range(self.shots[index].first, ends[index])


_ENDLESS = 2**30
