"""EXIF orientation: between rows as they are stored and as they are displayed."""

from __future__ import annotations

import numpy as np

# transforms from upright rows to stored rows, by EXIF orientation
_LAID_OUT = {
    2: lambda rows: rows[:, ::-1],
    3: lambda rows: rows[::-1, ::-1],
    4: lambda rows: rows[::-1],
    5: lambda rows: rows.swapaxes(0, 1),
    6: lambda rows: np.rot90(rows),
    7: lambda rows: np.rot90(rows.swapaxes(0, 1), 2),
    8: lambda rows: np.rot90(rows, -1),
}
_UNDONE_BY = {6: 8, 8: 6}


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Stored pixels (height, width[, bands]) in upright orientation."""
    return as_stored(pixels, _UNDONE_BY.get(orientation, orientation))


def as_stored(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Upright pixels (height, width[, bands]) as they are stored."""
    return _LAID_OUT[orientation](pixels) if orientation in _LAID_OUT else pixels
