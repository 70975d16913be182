"""Stored values ↔ working values, and exactly back.

Stored pictures are arrays as files hold them: (height, width) or (height, width, channels), whole numbers or floats.
Working pictures are float32, (channel, height, width), `[0, 1]` for a clean one. Whole numbers are divided by their
type's largest value; floats are taken to be on the working scale already. Nothing is clipped on the way in.
"""

from __future__ import annotations

import numpy as np
import torch

from restorae.errors import BadPicture, ShapeMismatch
from restorae.shapes import Image, Images

FARTHEST_FLOAT = 64.0
"""Floats beyond this can hardly be on the [0, 1] scale."""


def full_scale(dtype: np.dtype) -> float:
    """The stored value that means 1.0.

    Raises:
        BadPicture: values of this type are not pixels.
    """
    if dtype.kind == "b" or dtype.kind == "f":
        return 1.0
    if dtype.kind == "u" and dtype.itemsize <= 4:
        return float(np.iinfo(dtype).max)
    raise BadPicture(f"Pixels of type {dtype} cannot be used. Expected whole numbers without sign (uint8, uint16), bool or floats.")


def to_working(stored: np.ndarray) -> Image:
    """One stored picture, (height, width) or (height, width, channels), as float32 (channels, height, width).

    Raises:
        BadPicture: no pixels, NaN or infinity, floats far from the [0, 1] scale, or a type that holds no pixels.
    """
    if stored.ndim not in (2, 3) or stored.size == 0:
        raise BadPicture(f"A picture is (height, width) or (height, width, channels) and not empty; this one is {stored.shape}.")
    working = working_values(stored)
    return torch.from_numpy(working[None] if working.ndim == 2 else np.ascontiguousarray(working.transpose(2, 0, 1)))


def working_values(stored: np.ndarray) -> np.ndarray:
    """Stored values of any shape as float32 on the working scale.

    Raises:
        BadPicture: NaN or infinity, floats far from the [0, 1] scale, or a type that holds no pixels.
    """
    scale = full_scale(stored.dtype)
    with np.errstate(over="ignore"):  # becomes infinite, which is refused below
        working = stored.astype(np.float32)
    if stored.dtype.kind == "f":
        if not np.isfinite(working).all():
            raise BadPicture("The picture holds NaN or infinite values. Replace them first.")
        if working.size and float(np.abs(working).max()) > FARTHEST_FLOAT:
            raise BadPicture(
                f"The picture holds floats from {working.min():g} to {working.max():g}; floats are expected on a scale where "
                "a clean picture lies in 0 to 1. Divide by the largest possible value first."
            )
    if scale != 1.0:
        working *= np.float32(1.0 / scale) if scale <= 255 else np.float32(1.0) / np.float32(scale)
    return working


def to_stored(working: Image, like: np.ndarray) -> np.ndarray:
    """Undo `to_working`: the shape and type of `like`; whole numbers are rounded and cut to their type's range.

    Raises:
        ShapeMismatch: the working picture has another size than `like`.
    """
    values = working.detach().cpu().float().numpy()
    values = values[0] if like.ndim == 2 and len(values) == 1 else values.transpose(1, 2, 0)
    if values.shape != like.shape:
        raise ShapeMismatch(f"A picture of {like.shape} was expected, {values.shape} came.")
    return stored_values(values, like.dtype)


def stored_values(working: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Working values of any shape as `dtype`: floats as they are, whole numbers rounded and cut to the type's range."""
    if dtype.kind == "f":
        return working.astype(dtype)
    if dtype.kind == "b":
        return working >= 0.5
    largest = full_scale(dtype)
    return np.clip(np.rint(working.astype(np.float64) * largest), 0, largest).astype(dtype)


def as_batch(pictures: np.ndarray) -> Images:
    """An array of pictures, (n, height, width) or (n, height, width, channels), as a working batch.

    Raises:
        ShapeMismatch: the array has another number of sides, or none of its pictures has a pixel.
        BadPicture: as `to_working`.
    """
    if pictures.ndim not in (3, 4) or 0 in pictures.shape:
        raise ShapeMismatch(
            f"Pictures as one array are (count, height, width) or (count, height, width, channels); this one is {pictures.shape}."
        )
    working = working_values(pictures)
    working = working[:, None] if working.ndim == 3 else np.ascontiguousarray(working.transpose(0, 3, 1, 2))
    return torch.from_numpy(working)


def as_array(batch: Images, dtype: np.dtype | type = np.dtype(np.float32)) -> np.ndarray:
    """A working batch as an array of pictures: (n, height, width) for one channel, else (n, height, width, channels)."""
    values = batch.detach().cpu().float().numpy()
    values = values[:, 0] if values.shape[1] == 1 else np.ascontiguousarray(values.transpose(0, 2, 3, 1))
    return stored_values(values, np.dtype(dtype))
