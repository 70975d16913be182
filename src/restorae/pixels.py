"""Converts stored values to working values, and exactly back.

Stored images are arrays as files hold them: (height, width) or (height, width, channels), integers or floats.
Working images are float32, (channel, height, width), `[0, 1]` for a clean one. Integers are divided by their
type's largest value; floats count as being on the working scale already. Nothing is clipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from restorae.errors import BadImage, ShapeMismatch
from restorae.shapes import Image, Images

FARTHEST_FLOAT = 64.0
"""Floats beyond this count as not on the [0, 1] scale."""

Values: TypeAlias = Literal["auto", "full-range", "own-range"]
"""How stored values map to [0, 1]; `auto` decides by the image's values (see `choose_range`)."""

_TAILS = (0.1, 99.9)
_SMALL_PART = 0.25
_SAMPLED = 1_000_000
_WORKING_FLOATS = (-1.5, 2.5)
_BITS = (8, 10, 12, 14, 16, 24, 31, 32)


@dataclass(frozen=True)
class ValueRange:
    """The stored values that mean 0 and 1: one pair for all channels, or one for each."""

    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def is_full(self) -> bool:
        """Whether values are mapped as `working_values` does, by their type alone."""
        return self.low == (0.0,) and self.high == (0.0,)

    def to_working(self, stored: np.ndarray) -> np.ndarray:
        """Stored values (..., channels), finite ones, as float32 on the working scale."""
        if self.is_full:
            return _by_type(stored)
        low, span = np.asarray(self.low), np.asarray(self.high) - np.asarray(self.low)
        return np.asarray((stored - low) / span, np.float32)

    def to_stored(self, working: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Undo `to_working`; integers are rounded and clipped to their type's range."""
        if self.is_full:
            return stored_values(working, dtype)
        low, span = np.asarray(self.low), np.asarray(self.high) - np.asarray(self.low)
        values = working.astype(np.float64) * span + low
        if dtype.kind == "f":
            return np.asarray(values, dtype)
        limits = np.iinfo(dtype)
        return np.asarray(np.clip(np.rint(values), limits.min, limits.max), dtype)

    def __str__(self) -> str:
        if self.is_full:
            return "full range"
        return ", ".join(
            f"{low:g} to {high:g}" for low, high in zip(self.low, self.high, strict=True)
        )


FULL_RANGE = ValueRange((0.0,), (0.0,))
"""Integers by their type's full range, floats as they are."""


def choose_range(sample: np.ndarray, wanted: Values = "auto", apart: bool = False) -> ValueRange:
    """Which stored values mean 0 and 1, from a sample of them.

    `auto` keeps the type's full range for 8 bits. Other integers and floats that use a small part of their range
    (less than a quarter of it between the 0.1 and the 99.9 percentile), floats far from [0, 1] and signed numbers are
    mapped by these percentiles. Nothing is clipped: values beyond map beyond [0, 1], and back exactly.

    Args:
        sample: stored values (count, channels); NaN and infinite values are ignored.
        wanted: `auto`, `full-range` or `own-range`.
        apart: give each channel its own range (planes of a microscope), else one to all (colours).

    Raises:
        BadImage: `full-range` for values of a type without a full range.
    """
    dtype = sample.dtype
    if dtype.kind not in "biuf":
        raise BadImage(
            f"Values of type {dtype} cannot be used as pixels: expected integers or floats"
        )
    if wanted == "full-range":
        full_scale(dtype)
        return FULL_RANGE
    if wanted == "auto" and (dtype.kind == "b" or dtype == np.uint8):
        return FULL_RANGE
    lows, highs = [], []
    for values in sample.T if apart else [sample.reshape(-1)]:
        found = values[np.isfinite(values)] if dtype.kind == "f" else values
        low, high = np.percentile(found.astype(np.float64), _TAILS) if found.size else (0.0, 1.0)
        lows.append(float(low))
        highs.append(float(high) if high > low else float(low) + 1.0)
    if wanted == "auto" and _fills_its_range(dtype, min(lows), max(highs)):
        return FULL_RANGE
    return ValueRange(tuple(lows), tuple(highs))


def range_of(stored: np.ndarray, wanted: Values = "auto") -> ValueRange:
    """As `choose_range`, one range for all channels, from images in memory (..., channels): large ones are sampled."""
    values = stored.reshape(-1, stored.shape[-1])
    return choose_range(values[:: max(1, len(values) // _SAMPLED)], wanted)


def measure_values(
    stored: np.ndarray | Tensor, wanted: Values = "auto"
) -> tuple[ValueRange, tuple[int, int] | None]:
    """What stored values mean, and the limits of integers that do not use their type's full range.

    Float tensors count as being on the [0, 1] scale unless they leave it by far.

    Raises:
        BadImage: the values cannot be pixels.
    """
    if isinstance(stored, Tensor):
        if stored.is_complex():
            raise BadImage(f"Values of type {stored.dtype} cannot be used as pixels")
        stored = stored.detach()
        if stored.is_floating_point():
            low, high = (float(each) for each in torch.aminmax(stored.float()))
            if not (low < _WORKING_FLOATS[0] or high > _WORKING_FLOATS[1]):
                return FULL_RANGE, None
            stored = stored.float()
        stored = stored.cpu().numpy()
    if stored.dtype.kind not in "buif":
        raise BadImage(
            f"Values of type {stored.dtype} cannot be used as pixels: expected integers or floats"
        )
    found = range_of(stored, wanted)
    if found.is_full or stored.dtype.kind not in "iu":
        return found, None
    low, high = int(stored.min()), int(stored.max())
    bits = next((bits for bits in _BITS if high < 2**bits), 64)
    fits = low >= 0 and bits <= 32 and 2**bits - 1 <= np.iinfo(stored.dtype).max
    return found, ((0, 2**bits - 1) if fits else (low, high))


def _fills_its_range(dtype: np.dtype, low: float, high: float) -> bool:
    if dtype.kind == "f":
        return (
            _WORKING_FLOATS[0] <= low and high <= _WORKING_FLOATS[1] and high - low >= _SMALL_PART
        )
    return (
        dtype.kind == "u" and dtype.itemsize <= 4 and high - low >= _SMALL_PART * full_scale(dtype)
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
        working = _by_type(stored)
    if stored.dtype.kind == "f":
        if not np.isfinite(working).all():
            raise BadImage("The image holds NaN or infinite values: replace them first")
        if working.size and float(np.abs(working).max()) > FARTHEST_FLOAT:
            raise BadImage(
                f"The image holds floats from {working.min():g} to {working.max():g}; expected floats on a scale where "
                "a clean image lies in 0 to 1: divide by the largest possible value first"
            )
    return working


def _by_type(stored: np.ndarray) -> np.ndarray:
    """Stored values as float32, integers divided by their type's largest value."""
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
