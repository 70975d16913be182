"""Masks as weights, whatever image or array they are painted in."""

from __future__ import annotations

import numpy as np

from restorae.errors import BadImage
from restorae.pixels import LUMA

_NEARLY = 1e-3


def mask_of(stored: np.ndarray, alpha: int = 0, white_is_zero: bool = False) -> np.ndarray:
    """A mask as uint8, (..., height, width): 255 where images may change.

    Whole numbers of 0 and 1, of 0 to 255 and of 0 to their type's largest value are recognised; floats are 0 to 1, or 0
    and 255. Colours count by their brightness. What is transparent is not marked, nor is NaN.

    Args:
        stored: (..., height, width, bands).
        alpha: how many of the bands, the last ones, are alpha.
        white_is_zero: whether the largest value is black.

    Raises:
        BadImage: floats beyond 0 to 1.
    """
    channels = stored.shape[-1] - alpha
    values = _unit(stored[..., :channels])
    if white_is_zero:
        values = 1 - values
    marked = values @ np.asarray(LUMA) if channels == 3 else values.mean(-1)
    if alpha:
        marked = marked * _unit(stored[..., channels : channels + 1])[..., 0]
    return np.asarray(np.rint(marked * 255), np.uint8)


def _unit(values: np.ndarray) -> np.ndarray:
    """Values from 0 to 1."""
    if values.dtype.kind == "b":
        return values.astype(np.float64)
    largest = np.nanmax(values, initial=0)
    if values.dtype.kind == "f":
        values = np.nan_to_num(values.astype(np.float64), posinf=np.inf, neginf=-np.inf)
        black_or_white = bool(np.isin(values, (0, 255)).all())
        if black_or_white:
            return values / 255
        if values.min(initial=0) < -_NEARLY or largest > 1 + _NEARLY:
            raise BadImage("the mask holds floats beyond 0 to 1")
        return np.asarray(np.clip(values, 0, 1))
    scale = 1 if largest <= 1 else 255 if largest <= 255 else np.iinfo(values.dtype).max
    return np.asarray(np.clip(values / scale, 0, 1))
