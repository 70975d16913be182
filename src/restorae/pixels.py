"""Converts stored values to working values, and exactly back.

Stored images are arrays as files hold them: (height, width) or (height, width, channels), integers or floats.
Working images are float32, (channel, height, width), `[0, 1]` for a clean one. Integers are divided by their
type's largest value; floats count as being on the working scale already. Nothing is clipped.
"""

from __future__ import annotations

import numpy as np
import torch

from restorae.errors import BadImage, ShapeMismatch
from restorae.shapes import Image, Images

FARTHEST_FLOAT = 64.0
"""Floats beyond this count as not on the [0, 1] scale."""


def require_pixels(dtype: np.dtype) -> None:
    """Raise `BadImage` if values of a type are no pixels."""
    if dtype.kind not in "biuf":
        raise BadImage(
            f"Values of type {dtype} cannot be used as pixels: expected integers or floats"
        )


def full_scale(dtype: np.dtype) -> float:
    """The stored value that means 1.0.

    Raises:
        BadImage: values of this type are not pixels.
    """
    if dtype.kind == "b" or dtype.kind == "f":
        return 1.0
    if dtype.kind == "u" and dtype.itemsize <= 4:
        return float(np.iinfo(dtype).max)
    raise BadImage(
        f"Values of type {dtype} cannot be used as pixels: expected unsigned integers (uint8, uint16), bool or floats"
    )


def scale_of(dtype: np.dtype) -> float:
    """The stored value that means 1, by type; 1 for types without a full scale."""
    return full_scale(dtype) if dtype.kind == "u" and dtype.itemsize <= 4 else 1.0


def to_working(stored: np.ndarray) -> Image:
    """One stored image, (height, width) or (height, width, channels), as float32 (channels, height, width).

    Raises:
        BadImage: empty, NaN or infinity, floats far from the [0, 1] scale, or a type that holds no pixels.
    """
    if stored.ndim not in (2, 3) or stored.size == 0:
        raise BadImage(
            f"An image is (height, width) or (height, width, channels) and not empty; got shape {stored.shape}"
        )
    working = working_values(stored)
    return torch.from_numpy(
        working[None] if working.ndim == 2 else np.ascontiguousarray(working.transpose(2, 0, 1))
    )


def working_values(stored: np.ndarray) -> np.ndarray:
    """Stored values of any shape as float32 on the working scale.

    Raises:
        BadImage: NaN or infinity, floats far from the [0, 1] scale, or a type that holds no pixels.
    """
    with np.errstate(over="ignore"):  # becomes infinite, which raises below
        working = values_by_type(stored)
    if stored.dtype.kind == "f":
        if not np.isfinite(working).all():
            raise BadImage("The image holds NaN or infinite values: replace them first")
        if working.size and float(np.abs(working).max()) > FARTHEST_FLOAT:
            raise BadImage(
                f"The image holds floats from {working.min():g} to {working.max():g}; expected floats on a scale where "
                "a clean image lies in 0 to 1: divide by the largest possible value first"
            )
    return working


def values_by_type(stored: np.ndarray) -> np.ndarray:
    """Stored values as float32, integers divided by their type's largest value; nothing is checked."""
    scale = full_scale(stored.dtype)
    working: np.ndarray = stored.astype(np.float32)
    if scale != 1.0:
        working *= np.float32(1.0 / scale) if scale <= 255 else np.float32(1.0) / np.float32(scale)
    return working


LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601, as in most image libraries)."""


def to_grey(images: Images) -> Images:
    """Colour images (batch, 3, height, width) as grey ones (batch, 1, height, width)."""
    red, green, blue = (share * images[:, index : index + 1] for index, share in enumerate(LUMA))
    return red + green + blue


def to_stored(working: Image, like: np.ndarray) -> np.ndarray:
    """Undo `to_working`: the shape and type of `like`; integers are rounded and clipped to their type's range.

    Raises:
        ShapeMismatch: the working image has another size than `like`.
    """
    values = working.detach().cpu().float().numpy()
    values = values[0] if like.ndim == 2 and len(values) == 1 else values.transpose(1, 2, 0)
    if values.shape != like.shape:
        raise ShapeMismatch(f"Expected an image of shape {like.shape}, got {values.shape}")
    return stored_values(values, like.dtype)


def stored_values(working: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Working values of any shape as `dtype`: floats as they are, integers rounded and clipped to the type's range."""
    if dtype.kind == "f":
        return working.astype(dtype)
    if dtype.kind == "b":
        return working >= 0.5
    largest = full_scale(dtype)
    # up to 16 bits fit float32 exactly, and one buffer is enough
    values = working.astype(np.float32 if dtype.itemsize <= 2 else np.float64)
    np.multiply(values, largest, out=values)
    np.rint(values, out=values)
    return np.clip(values, 0, largest, out=values).astype(dtype)


def mix_stored(
    before: np.ndarray, after: np.ndarray, weight: np.ndarray | np.float64
) -> np.ndarray:
    """`before` and `after`, both as stored, mixed by the weight of `after`; exactly `before` where that is 0."""
    dtype = before.dtype
    with np.errstate(invalid="ignore"):  # infinite values are put back by the caller
        mixed = before.astype(np.float64) + weight * (
            after.astype(np.float64) - before.astype(np.float64)
        )
    if dtype.kind == "b":
        return np.where(weight > 0, mixed >= 0.5, before)
    rounded = mixed if dtype.kind == "f" else np.rint(mixed)
    return np.where(weight > 0, rounded.astype(dtype), before)


def as_batch(images: np.ndarray) -> Images:
    """An array of images, (n, height, width) or (n, height, width, channels), as a working batch.

    Raises:
        ShapeMismatch: the array has another number of axes, or none of its images has a pixel.
        BadImage: as `to_working`.
    """
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise ShapeMismatch(
            f"Images as one array are (count, height, width) or (count, height, width, channels); got shape {images.shape}"
        )
    working = working_values(images)
    working = (
        working[:, None]
        if working.ndim == 3
        else np.ascontiguousarray(working.transpose(0, 3, 1, 2))
    )
    return torch.from_numpy(working)


def as_array(batch: Images, dtype: np.dtype | type = np.dtype(np.float32)) -> np.ndarray:
    """A working batch as an array of images: (n, height, width) for one channel, else (n, height, width, channels)."""
    values = batch.detach().cpu().float().numpy()
    values = (
        values[:, 0] if values.shape[1] == 1 else np.ascontiguousarray(values.transpose(0, 2, 3, 1))
    )
    return stored_values(values, np.dtype(dtype))
