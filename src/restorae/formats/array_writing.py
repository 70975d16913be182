"""Writers for NumPy's files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from restorae.files import written_whole
from restorae.formats.array_files import ArrayOriginal
from restorae.formats.arrays import write_array
from restorae.formats.original import Page
from restorae.formats.writer import SpooledWriter, Writer


def begin_array(
    target: Path,
    pages: Sequence[Page],
    like: ArrayOriginal | None = None,
    *,
    compressed: bool = False,
) -> Writer:
    """A writer for an array of the shape of `like` and the type of `pages`, as `.npy`, or `compressed` as `.npz`.

    Without `like` the shape is (height, width), with pages first and bands last where there are several.

    Raises:
        OutputError: there is no room.
    """
    dtype = pages[0].dtype
    if like is None:
        page = pages[0]
        outer = (len(pages),) if len(pages) > 1 else ()
        bands = (page.bands,) if page.bands > 1 else ()
        return _SpooledArray(target, pages, shape=(*outer, page.height, page.width, *bands))
    if not compressed and like.order == tuple(range(like.array.ndim)):
        return _SpooledArray(target, pages, shape=like.array.shape)
    return _MemoryArray(
        target, array=np.empty(like.array.shape, dtype), planes=like.planes, like=like.path
    )


class _MemoryArray(Writer):
    """An array held in memory: compressed, or with its axes in another order than planes, rows, columns."""

    def __init__(
        self,
        target: Path,
        *,
        array: np.ndarray,
        planes: Callable[[np.ndarray], Any],
        like: Path | None,
    ) -> None:
        super().__init__(target)
        self.array, self.views, self.like = array, planes(array), like

    def put(self, page: int, top: int, rows: np.ndarray) -> None:
        view = self.views[page]
        view[top : top + len(rows)] = rows if view.ndim == 3 else rows[..., 0]

    def finish(self) -> None:
        write_array(self.target, self.array, self.like)

    def drop(self) -> None:
        self.array = np.empty(0)
        self.views = None


class _SpooledArray(SpooledWriter):
    """An array of any size whose values lie in the file in the order of its pages."""

    def __init__(self, target: Path, pages: Sequence[Page], *, shape: tuple[int, ...]) -> None:
        super().__init__(target, pages, encoded=sum(page.bytes for page in pages))
        self.shape, self.dtype = shape, pages[0].dtype

    def finish(self) -> None:
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": self.shape,
        }
        try:
            with written_whole(self.target) as partial, partial.open("wb") as handle:
                np.lib.format.write_array_header_1_0(handle, header)
                handle.write(memoryview(self.spool.buffer()))
        finally:
            self.drop()
