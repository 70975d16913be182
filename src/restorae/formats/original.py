"""The contract for reading an image file: pages of stored values, read by rows.

Nothing is rotated, scaled or cropped here, and alpha stays, so that what is read can be written back where it was.
(`read_still` gives an image as it is displayed: upright, without alpha.)
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

_SKIPPED_AT_ONCE = 256


@dataclass(frozen=True)
class Page:
    """Outline of one page of a file."""

    height: int
    width: int
    bands: int
    """Values of a pixel, alpha included."""
    alpha: int
    """How many of them, the last ones, are alpha."""
    dtype: np.dtype

    @property
    def channels(self) -> int:
        """Values of a pixel without alpha."""
        return self.bands - self.alpha

    @property
    def bytes(self) -> int:
        """Size of the stored values."""
        return self.height * self.width * self.bands * self.dtype.itemsize


class Rows(Protocol):
    """A page's rows from top to bottom."""

    def read(self, count: int) -> np.ndarray:
        """The next rows: (count, width, bands)."""


def skip_rows(rows: Rows, count: int) -> None:
    """Pass over the next rows; files are read from top to bottom."""
    for top in range(0, count, _SKIPPED_AT_ONCE):
        rows.read(min(_SKIPPED_AT_ONCE, count - top))


@dataclass(frozen=True)
class Original(abc.ABC):
    """A picture file that was opened."""

    path: Path
    kind: str
    pages: tuple[Page, ...]
    notices: tuple[str, ...] = ()
    """What the person should know of how it was read."""

    @abc.abstractmethod
    def rows(self, page: int) -> Rows:
        """A page's rows, from the top.

        Raises:
            BadPicture: it cannot be decoded; so may reading rows.
        """

    @property
    def pixels(self) -> int:
        """Pixels of all pages."""
        return sum(page.height * page.width for page in self.pages)

    @property
    def bytes(self) -> int:
        """Size of the stored values of all pages."""
        return sum(page.bytes for page in self.pages)

    @property
    def channel_of(self) -> tuple[int, ...]:
        """Which channel each page shows, counted from 0; pages of one channel are planes of a stack."""
        return (0,) * len(self.pages)

    @property
    def is_array(self) -> bool:
        """Whether it is an array of numbers (NumPy) rather than an image file."""
        return False

    @property
    def orientation(self) -> int:
        """How it is to be turned to be upright, as in EXIF; 1 is upright."""
        return 1


class ArrayRows:
    """Rows of an array (height, width[, bands])."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels if pixels.ndim == 3 else pixels[..., None]
        self.next = 0

    def read(self, count: int) -> np.ndarray:
        self.next += count
        return np.asarray(self.pixels[self.next - count : self.next])
