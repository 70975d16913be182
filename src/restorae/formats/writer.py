"""The contract for writing an image file piece by piece, and the writer that gathers values in a spool."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Self

import numpy as np

from restorae.formats.original import Page
from restorae.formats.spool import Spool


class Writer(abc.ABC):
    """A file that is being written: `put` all rows of all pages, then `finish`; or `drop`.

    As a context manager it drops what was not finished.
    """

    ordered: bool = False
    """Whether rows and pages must be put in order, top to bottom and first to last, because they are encoded as they come."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.notices: list[str] = []
        """What could not be kept; complete after `finish`."""

    @abc.abstractmethod
    def put(self, page: int, top: int, rows: np.ndarray) -> None:
        """Rows (count, width, bands) of a page, from its row `top` on, as stored values.

        Raises:
            OutputError: there is no room for them.
        """

    @abc.abstractmethod
    def finish(self) -> None:
        """Encode and write, whole or not at all.

        Raises:
            OutputError: it cannot be written; what was at the target is untouched.
            BadImage: the original, whose metadata are copied, cannot be read any more.
        """

    @abc.abstractmethod
    def drop(self) -> None:
        """Release memory and temporary files; nothing is written. Allowed at any time, more than once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()


class MemoryWriter(Writer):
    """Keeps the values in memory, as `images[page]` of shape (height, width, bands); no file is written.

    Args:
        pages: outlines of the pages.
        target: the path that messages name.
    """

    def __init__(self, pages: Sequence[Page], target: Path = Path("memory")) -> None:
        super().__init__(target)
        self.images = [
            np.zeros((page.height, page.width, page.bands), page.dtype) for page in pages
        ]

    def put(self, page: int, top: int, rows: np.ndarray) -> None:
        self.images[page][top : top + len(rows)] = rows

    def finish(self) -> None:
        """Nothing is left to do."""

    def drop(self) -> None:
        """The images stay as long as somebody refers to them."""


class SpooledWriter(Writer):
    """Gathers the pages one after another in a spool, in any order; a concrete writer encodes them in `finish`.

    Args:
        target: the file to write.
        pages: outlines of the pages.
        encoded: bytes that the encoded file may take beside the spool.

    Raises:
        OutputError: there is no room.
    """

    def __init__(self, target: Path, pages: Sequence[Page], *, encoded: int = 0) -> None:
        super().__init__(target)
        self.pages = tuple(pages)
        self.starts = [0, *accumulate(page.bytes for page in self.pages)]
        self.spool = Spool(target.parent, self.starts[-1], encoded=encoded)

    @property
    def bytes(self) -> int:
        """Size of the values of all pages."""
        return self.starts[-1]

    def put(self, page: int, top: int, rows: np.ndarray) -> None:
        outline = self.pages[page]
        stride = outline.bytes // outline.height
        self.spool.write(
            self.starts[page] + top * stride,
            np.ascontiguousarray(rows, outline.dtype).data.cast("B"),
        )

    def page(self, page: int) -> np.ndarray:
        """A page's values (height, width, bands), a view of the spool: delete it before `drop`."""
        outline = self.pages[page]
        held = np.frombuffer(
            self.spool.buffer(),
            outline.dtype,
            outline.bytes // outline.dtype.itemsize,
            self.starts[page],
        )
        return held.reshape(outline.height, outline.width, outline.bands)

    def drop(self) -> None:
        self.spool.close()
