"""Which references are frames of the film itself: those are used as they are on their frames."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from restorae.colouring.own_images import (
    SAME,
    detail_of,
    detail_of_reference,
    likeness,
    shown_at,
    small_of,
    thumbnail_of,
)
from restorae.colouring.references import Reference

_NEAR = 0.03
"""By how much less than the best frame so far a frame may be alike to be looked at closely."""
_PROMISING = 0.75
"""Correlation of small copies from which a reference may be a frame of the film."""


@dataclass(kw_only=True)
class _Best:
    thumbnail: float = _PROMISING
    likeness: float = SAME
    frame: int | None = None


class OwnFrameFinder:
    """Looks for references among the frames of a film, which it is shown one by one.

    Args:
        size: the working size of the film.
        pixel_aspect: width over height of its pixels.
    """

    def __init__(self, size: tuple[int, int], pixel_aspect: float = 1.0) -> None:
        self.size, self.pixel_aspect = size, pixel_aspect
        self._close: list[np.ndarray | None] = []
        self._small: list[np.ndarray | None] = []
        self._shown: list[tuple[np.ndarray, np.ndarray] | None] = []
        self._best: list[_Best] = []

    def add(self, reference: Reference) -> None:
        """Look for one more reference."""
        detail = detail_of_reference(reference, self.size, self.pixel_aspect)
        self._close.append(None if detail is None else detail.astype(np.float16))
        self._small.append(None if detail is None else thumbnail_of(detail))
        shown = shown_at(reference, self.size)
        self._shown.append(None if shown is None else (shown.astype(np.float16), small_of(shown)))
        self._best.append(_Best())

    def see(self, number: int, luma: np.ndarray) -> None:
        """Look at the next frame, luma at its working size."""
        close = detail_of(luma)
        small = thumbnail_of(close)
        for best, detail, thumbnail, shown in zip(
            self._best, self._close, self._small, self._shown, strict=True
        ):
            if detail is None or thumbnail is None:
                continue
            alike = likeness(small, thumbnail, None if shown is None else shown[1])
            if alike < best.thumbnail - _NEAR:
                continue
            closely = likeness(close, detail, None if shown is None else shown[0])
            best.thumbnail = max(best.thumbnail, alike)
            if closely > best.likeness:
                best.likeness, best.frame = closely, number

    def found(self, of_frame: Callable[[int], Collection[int]]) -> dict[int, int]:
        """Of each frame that is a reference: its number, in the order in which references were added.

        Of several references of one frame the most alike is taken.

        Args:
            of_frame: numbers of the references that a frame may use.
        """
        result: dict[int, int] = {}
        for number, best in enumerate(self._best):
            if best.frame is None or number not in of_frame(best.frame):
                continue
            other = result.get(best.frame)
            if other is None or best.likeness > self._best[other].likeness:
                result[best.frame] = number
        return result
