"""The contract for reading an image file: pages of stored values, read by rows.

Nothing is rotated, scaled or cropped here, and alpha stays, so that what is read can be written back where it was.
(`read_still` gives an image as it is displayed: upright, without alpha.)
"""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, Self

import numpy as np

from restorae.errors import BadImage

_SKIPPED_AT_ONCE = 256


@dataclass(frozen=True)
class Page:
    """Size and type of one page of a file."""

    height: int
    width: int
    _: KW_ONLY
    bands: int
    """Values of a pixel, alpha included."""
    alpha: int
    """How many of them, the last ones, are alpha."""
    dtype: np.dtype
    no_data: tuple[float, ...] = ()
    """Stored values that stand for no data: one for all channels, or one for each."""
    white_is_zero: bool = False
    """Whether the largest stored value is black."""

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
    """Read and discard the next rows: files are read from top to bottom."""
    for top in range(0, count, _SKIPPED_AT_ONCE):
        rows.read(min(_SKIPPED_AT_ONCE, count - top))


@dataclass(frozen=True)
class FileStamp:
    """Size and time of last change of a file, to notice that it changed."""

    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """The stamp of the file at `path` now.

        Raises:
            BadImage: it is missing or cannot be inspected.
        """
        try:
            found = path.stat()
        except OSError as error:
            raise cannot_read(path, error) from None
        return cls(found.st_size, found.st_mtime_ns)


@dataclass(frozen=True, kw_only=True)
class Original(abc.ABC):
    """An image file that was opened."""

    path: Path
    kind: str
    """Name of its format, a key of `FORMATS`."""
    pages: tuple[Page, ...]
    notices: tuple[str, ...] = ()
    """What the user should know about how it was read."""
    stamp: FileStamp | None = field(default=None, repr=False, compare=False)
    """Of the file when it was opened; None where there is no file."""

    @abc.abstractmethod
    def rows(self, page: int) -> Rows:
        """A page's rows, from the top.

        Raises:
            BadImage: it cannot be decoded; so may reading rows.
        """

    def require_unchanged(self) -> None:
        """Check that the file is still the one that was opened.

        Raises:
            BadImage: it vanished or was changed since.
        """
        if self.stamp is not None and FileStamp.of(self.path) != self.stamp:
            raise BadImage("changed while it was being read", subject=self.path)

    @contextlib.contextmanager
    def reopened(self) -> Iterator[BinaryIO]:
        """The file, opened once more to copy its metadata.

        Raises:
            BadImage: it vanished or was changed since it was opened.
        """
        self.require_unchanged()
        try:
            handle = self.path.open("rb")
        except OSError as error:
            raise cannot_read(self.path, error) from None
        with handle:
            yield handle

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
        """Which channel each page shows, counted from 0; pages of the same channel are planes of a stack."""
        return (0,) * len(self.pages)

    @property
    def is_array(self) -> bool:
        """Whether it is an array of numbers (NumPy) rather than an image file."""
        return False

    @property
    def orientation(self) -> int:
        """How it must be rotated for display, as in EXIF: 1 (upright) to 8."""
        return 1


class ArrayRows:
    """Rows of an array (height, width[, bands])."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels if pixels.ndim == 3 else pixels[..., None]
        self.next = 0

    def read(self, count: int) -> np.ndarray:
        self.next += count
        return np.asarray(self.pixels[self.next - count : self.next])


def cannot_read(path: Path, error: OSError) -> BadImage:
    """The system's refusal to read a file, as an error about that file."""
    return BadImage(f"cannot be read: {error.strerror or error}", subject=path)
