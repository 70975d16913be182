"""Array files as pages of stored values, so that they go the way that pictures go."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import BadPicture
from restorae.formats.arrays import read_array
from restorae.formats.original import ArrayRows, Original, Page, Rows

_PICTURE_BANDS = (1, 2, 3, 4)


@dataclass(frozen=True)
class ArrayOriginal(Original):
    """An array whose planes are pages."""

    array: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False, compare=False)
    order: tuple[int, ...] = ()
    """How its sides are rearranged to planes, height, width[, bands]."""
    banded: bool = False

    @property
    def is_array(self) -> bool:
        return True

    def planes(self, array: np.ndarray) -> Any:
        """Views of the planes of an array of this shape: (height, width[, bands]) each."""
        moved = array.transpose(self.order)
        return _Planes(moved, moved.shape[: -3 if self.banded else -2])

    def rows(self, page: int) -> Rows:
        return ArrayRows(self.planes(self.array)[page])


class _Planes:
    def __init__(self, moved: np.ndarray, outer: tuple[int, ...]) -> None:
        self.moved, self.outer = moved, outer

    def __getitem__(self, page: int) -> np.ndarray:
        view: np.ndarray = (
            self.moved[np.unravel_index(page, self.outer)] if self.outer else self.moved
        )
        return view


def open_array(path: Path, kind: str, axes: str | None) -> ArrayOriginal:
    """A `.npy` (looked at where it lies) or a `.npz` (its `images`, or its only array).

    Raises:
        BadPicture: it cannot be read, or its sides are no pictures.
    """
    array = _mapped(path) if kind == "npy" else read_array(path)
    if array.ndim < 2 or array.size == 0:
        raise BadPicture(
            f"{path} holds an array of shape {array.shape}; pictures are (height, width), (height, width, channels) or many."
        )
    if array.dtype.kind not in "buif" or array.dtype.itemsize > 8:
        raise BadPicture(
            f"{path} holds {array.dtype} values; pictures are whole numbers or floats."
        )
    letters = _letters(path, array.shape, axes)
    outer = [place for place, letter in enumerate(letters) if letter not in "YXC"]
    banded = "C" in letters
    order = (
        *outer,
        letters.index("Y"),
        letters.index("X"),
        *([letters.index("C")] if banded else []),
    )
    bands = array.shape[letters.index("C")] if banded else 1
    alpha = 1 if banded and axes is None and bands in (2, 4) else 0
    page = Page(
        array.shape[letters.index("Y")], array.shape[letters.index("X")], bands, alpha, array.dtype
    )
    count = math.prod(array.shape[place] for place in outer)
    return ArrayOriginal(path, kind, (page,) * count, (), array, order, banded)


def _mapped(path: Path) -> np.ndarray:
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError):
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
            raise BadPicture(
                f"{path}: --axes {axes} does not fit an array of shape {shape}: one letter for each side, Y and X among them, such as "
                f"{'ZCTABD'[: max(0, len(shape) - 2)]}YX."
            )
        return said.replace("S", "C") if "C" not in said else said
    banded = len(shape) > 2 and shape[-1] in _PICTURE_BANDS
    outer = len(shape) - (3 if banded else 2)
    if outer > 8:
        raise BadPicture(
            f"{path} holds an array of shape {shape}: too many sides. Name them with --axes."
        )
    return "abdefghi"[:outer].upper() + ("YXC" if banded else "YX")
