"""Cuts of a film, found on thumbnails while its frames are read once.

Brightness decides nothing: thumbnails are free of their local mean, so that flicker, flashes and fades are not cuts. Medians of
three frames on both sides hide dust and splices, and the best of small shifts hides weave and pans. A cut is where both sides
resemble themselves, but not each other; fast motion resembles nothing, and is none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from restorae.film.opencv import import_cv2

WIDTH = 48
"""Columns of a thumbnail."""
_SIDE = 3
"""Frames on each side of a cut that are compared."""
_NEAR = 4
"""Of so many frames around it, a cut has the lowest correlation."""
_BORDER = 2
"""By how many frames the medians may misplace a cut."""
_FAR = 2 * _NEAR
_SHIFT = 3
"""Largest shift of thumbnails against each other, in their pixels, along both axes."""
_ALIKE = 0.45
"""Frames of one shot correlate by more. Measured across cuts: at most 0.23."""
_DROP = 0.3
"""By how much less both sides correlate across a cut than within. Measured: cuts at least 0.37, fast motion up to 0.21."""
_FLAT = 0.004
"""Standard deviation, on the scale [0, 1], below which a thumbnail shows nothing."""
_PLAIN = 0.02
"""What a thumbnail has that does more than fade from or to nothing."""


class CutFinder:
    """Is given the luma of each frame in turn, and finds the cuts. Its memory does not grow with images, only by a number a frame.

    A shot of fewer than 4 frames, a dissolve and a wipe are not found.
    """

    def __init__(self) -> None:
        self.count = 0
        self.cuts: list[int] = []
        """Frames before which there is a cut, as far as frames were given; complete after `finish`."""
        self._thumbnails: dict[int, np.ndarray] = {}
        self._across: list[float] = [1.0]

    def put(self, luma: np.ndarray) -> None:
        """The next frame: (height, width), [0, 1]."""
        self._thumbnails[self.count] = _thumbnail(luma)
        self.count += 1
        if self.count > _SIDE:
            self._compare(self.count - _SIDE)
        self._decide(self.count - 1 - _FAR)
        self._thumbnails.pop(self.count - 1 - 2 * _FAR, None)

    def finish(self) -> list[int]:
        """All cuts of the film, after its last frame."""
        for at in range(max(1, self.count - _SIDE + 1), self.count):
            self._compare(at)
        for at in range(max(0, self.count - _FAR), self.count):
            self._decide(at)
        return self.cuts

    def _compare(self, at: int) -> None:
        self._across.append(correlation(self._median(at - _SIDE, at), self._median(at, at + _SIDE)))

    def _decide(self, at: int) -> None:
        """Whether there is a cut near a frame, and where."""
        if at < 2 or at >= self.count - 1:
            return
        low, high = max(0, at - _NEAR), min(self.count, at + _NEAR + 1)
        here = self._across[at]
        if here > _ALIKE or here > min(self._across[low:high]):
            return
        before = self._across[at - _SIDE] if at > _SIDE else 1.0
        behind = self._across[at + _SIDE] if at + _SIDE < self.count else 1.0
        if min(before, behind) - here < _DROP:
            return
        cut = self._border(at)
        if not self.cuts or cut > self.cuts[-1] + 1:
            self.cuts.append(cut)

    def _border(self, at: int) -> int:
        """The frame from which on frames resemble those behind the cut more than those before it."""
        low, high = max(0, at - _BORDER), min(self.count, at + _BORDER + 1)
        left = self._median(min(low - _SIDE, at - 1), max(low, 1))
        right = self._median(min(high, self.count - 1), high + _SIDE)
        leaning = [
            correlation(self._thumbnails[each], left) - correlation(self._thumbnails[each], right)
            for each in range(low, high)
        ]
        return low + max(range(1, high - low), key=lambda n: sum(leaning[:n]) - sum(leaning[n:]))

    def _median(self, start: int, stop: int) -> np.ndarray:
        numbers = range(max(0, start), min(self.count, stop))
        result: np.ndarray = np.median([self._thumbnails[number] for number in numbers], axis=0)
        return result


def find_cuts(frames: Sequence[np.ndarray]) -> list[int]:
    """The cuts of frames that are in memory: luma, (height, width) each, [0, 1]."""
    finder = CutFinder()
    for luma in frames:
        finder.put(luma)
    return finder.finish()


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two thumbnails at the shift where it is largest, -1 to 1; 1 where both show (nearly) nothing, 0 where one does."""
    low, high = sorted(float(each.std()) for each in (one, other))
    if low < _FLAT:
        return float(high < _PLAIN)
    cv2 = import_cv2()
    inner = other[_SHIFT:-_SHIFT, _SHIFT:-_SHIFT].astype(np.float32)
    found = cv2.matchTemplate(one.astype(np.float32), inner, cv2.TM_CCOEFF_NORMED)
    return float(np.nanmax(np.where(np.isfinite(found), found, -1.0)))


def _thumbnail(luma: np.ndarray) -> np.ndarray:
    """A frame at `WIDTH` columns without its local mean."""
    cv2 = import_cv2()
    height = max(3 * _SHIFT, round(WIDTH * luma.shape[0] / luma.shape[1]))
    small = cv2.resize(
        luma.astype(np.float32), (WIDTH, min(height, 4 * WIDTH)), interpolation=cv2.INTER_AREA
    )
    mean = cv2.blur(small, (9, 9), borderType=cv2.BORDER_REFLECT)
    return np.asarray(small - mean, np.float32)
