"""References that show the same in different colours: the first one of them counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from restorae.colouring.own_images import SAME, detail_of, thumbnail_of
from restorae.colouring.references import KnownColours, Reference

_CELLS = 16
"""Rows and columns of the small copies whose colours are compared."""
_OTHER_CHROMA = 0.08
"""Distance of chroma from which a colour is another one: hand-coloured copies of a frame differ by less."""
_SHARE = 0.1
"""Share of an image whose colours must be others."""


@dataclass(frozen=True, kw_only=True)
class Sketch:
    """What is compared of a reference. About 11 KiB."""

    path: Path
    detail: np.ndarray
    chroma: np.ndarray
    known: np.ndarray
    """Share of each cell whose colours are known."""

    @classmethod
    def of(cls, reference: Reference) -> Self:
        """The sketch of a reference."""
        colours = KnownColours(chroma=reference.chroma, known=reference.known)
        small = colours.resized((_CELLS, _CELLS))
        known = np.ones((_CELLS, _CELLS), np.float32) if small.known is None else small.known
        return cls(
            path=reference.path,
            detail=thumbnail_of(detail_of(reference.luma)).ravel(),
            chroma=small.chroma,
            known=known,
        )


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """Two references that contradict each other, by their numbers."""

    first: int
    second: int

    def text(self, sketches: Sequence[Sketch]) -> str:
        """What is said of it."""
        first, second = (sketches[each].path.name for each in (self.first, self.second))
        return f"{second} shows the same as {first} in other colours: those of {first} are used"


def contradictions(sketches: Sequence[Sketch]) -> list[Contradiction]:
    """Each reference that contradicts an earlier one, and the first that it contradicts."""
    details = np.stack([each.detail for each in sketches])
    alike = details @ details.T / details.shape[1]
    found, out = [], set[int]()
    for second in range(1, len(sketches)):
        for first in np.flatnonzero(alike[second, :second] > SAME).tolist():
            if first not in out and _disagree(sketches[first], sketches[second]):
                found.append(Contradiction(first=first, second=second))
                out.add(second)
                break
    return found


def _disagree(one: Sketch, other: Sketch) -> bool:
    apart = np.square(one.chroma - other.chroma).sum(-1) > _OTHER_CHROMA**2
    both = one.known * other.known
    return float((apart * both).sum()) > _SHARE * max(float(both.sum()), 1.0)
