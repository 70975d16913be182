"""Array files as pages of stored values, so that they are read and written like images."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import BadImage, Fix
from restorae.formats.arrays import UNREADABLE, read_array, without_advice
from restorae.formats.original import ArrayRows, FileStamp, Original, Page, Rows

_IMAGE_BANDS = (1, 2, 3, 4)
_ALPHA = {
    count: f"the last of its {count} values per pixel is taken for alpha (transparency) and stays as it is; the axes {{}} say that "
    "it is a channel to restore"
    for count in (2, 4)
}


@dataclass(frozen=True, kw_only=True)
class ArrayOriginal(Original):
    """An array whose planes are pages."""

    array: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False, compare=False)
    order: tuple[int, ...] = ()
    """How its axes are rearranged to planes, height, width[, bands]."""
    banded: bool = False
    """Whether one of the axes holds the channels."""

    @property
    def is_array(self) -> bool:
        return True

    def planes(self, array: np.ndarray) -> Any:
        """Views of the planes of an array of this shape: (height, width[, bands]) each."""
        moved = array.transpose(self.order)
        return _Planes(moved, moved.shape[: -3 if self.banded else -2])

    def rows(self, page: int) -> Rows:
        self.require_unchanged()
        plane = self.planes(self.array)[page]
        return _MappedRows(plane, self) if self.stamp is not None else ArrayRows(plane)


class _MappedRows(ArrayRows):
    """Rows of a file that is mapped into memory: it must not become shorter while they are read."""

    def __init__(self, plane: np.ndarray, original: ArrayOriginal) -> None:
        super().__init__(plane)
        self.original = original

    def read(self, count: int) -> np.ndarray:
        self.original.require_unchanged()
        return super().read(count)


class _Planes:
    def __init__(self, moved: np.ndarray, outer: tuple[int, ...]) -> None:
        self.moved, self.outer = moved, outer

    def __getitem__(self, page: int) -> np.ndarray:
        view: np.ndarray = (
            self.moved[np.unravel_index(page, self.outer)] if self.outer else self.moved
        )
        return view


def open_npy(path: Path, axes: str | None) -> ArrayOriginal:
    """A `.npy`, mapped into memory rather than read.

    Raises:
        BadImage: it cannot be read, or its axes are no images.
    """
    stamp = FileStamp.of(path)
    return _as_original(path, "npy", _mapped(path), axes, stamp)


def open_npz(path: Path, axes: str | None) -> ArrayOriginal:
    """The array `images` of a `.npz`, or its only one.

    Raises:
        BadImage: it cannot be read, or its axes are no images.
    """
    stamp = FileStamp.of(path)
    return _as_original(path, "npz", read_array(path), axes, stamp)


def _as_original(
    path: Path, kind: str, array: np.ndarray, axes: str | None, stamp: FileStamp
) -> ArrayOriginal:
    if array.ndim < 2 or array.size == 0:
        raise BadImage(
            f"holds an array of shape {array.shape}; images are (height, width), (height, width, channels) or several of these",
            subject=path,
        )
    if array.dtype.kind not in "buif" or array.dtype.itemsize > 8:
        raise BadImage(f"holds {array.dtype} values; images are integers or floats", subject=path)
    letters = _letters(path, array.shape, axes)
    outer = [axis for axis, letter in enumerate(letters) if letter not in "YXC"]
    y, x, c = (letters.find(letter) for letter in "YXC")
    banded = c >= 0
    bands = array.shape[c] if banded else 1
    alpha = 1 if banded and axes is None and _has_alpha(bands, array.dtype) else 0
    page = Page(array.shape[y], array.shape[x], bands=bands, alpha=alpha, dtype=array.dtype)
    count = math.prod(array.shape[axis] for axis in outer)
    order = (*outer, y, x, *([c] if banded else []))
    return ArrayOriginal(
        path=path,
        kind=kind,
        pages=(page,) * count,
        notices=(_ALPHA[bands].format(letters),) if alpha else (),
        array=array,
        order=order,
        banded=banded,
        stamp=stamp,
    )


def _has_alpha(bands: int, dtype: np.dtype) -> bool:
    """Whether the last of so many values is taken for alpha: of two only in 8 bits, else they are two channels."""
    return bands == 4 or (bands == 2 and dtype == np.uint8)


def _mapped(path: Path) -> np.ndarray:
    try:
        with without_advice():
            found = np.load(path, mmap_mode="r", allow_pickle=False)
    except UNREADABLE:
        return read_array(path)  # says what is wrong with it
    return found if isinstance(found, np.ndarray) else read_array(path)


def _letters(path: Path, shape: tuple[int, ...], axes: str | None) -> str:
    if axes is not None:
        said = axes.upper()
        if (
            len(said) != len(shape)
            or len(set(said)) != len(said)
            or not {"Y", "X"} <= set(said)
            or not said.isalpha()
        ):
            letters = "ZCTABD"[: max(0, len(shape) - 2)]
            raise BadImage(
                f"{{}} {axes!r} does not fit an array of shape {shape}: expected one letter for each axis, Y and X among them, "
                f"such as {letters}YX",
                subject=path,
                settings=("axes",),
                fix=Fix("axes", action="change"),
            )
        return said.replace("S", "C") if "C" not in said else said
    banded = len(shape) > 2 and shape[-1] in _IMAGE_BANDS
    outer = len(shape) - (3 if banded else 2)
    if outer > 8:
        raise BadImage(
            f"holds an array of shape {shape}, whose axes have no usual meaning: name them",
            subject=path,
            fix=Fix("axes"),
        )
    return "abdefghi"[:outer].upper() + ("YXC" if banded else "YX")
