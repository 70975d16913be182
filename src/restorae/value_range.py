"""Which stored values mean 0 and 1: one robust estimate for all faces, in which outliers and missing values do not count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from restorae.errors import BadImage
from restorae.missing_values import find_missing, neighbour_limits
from restorae.pixels import full_scale, require_pixels, stored_values, values_by_type

Values: TypeAlias = Literal["auto", "full-range", "own-range"]
"""How stored values map to [0, 1]; `auto` decides by the image's values (see `choose_range`)."""

NEAREST, FARTHEST = -1.5, 2.5
"""Working values that restorers are shown: from one and a half ranges below the range of an image to as much above it."""

_TAILS = (0.1, 99.9)
_CORE = (1, 99)
_FAR, _FEW = 30, 0.005
"""Values so many times the range of the others away do not count either, where they are at most this share."""
_SMALL_PART = 0.25
_SAMPLED = 1_000_000
_BITS = (8, 10, 12, 14, 16, 24, 31, 32)
REACH = FARTHEST - 1
"""How many ranges beyond the range an isolated value is an outlier."""
LEVELS = 16
"""Integers within so many levels of one another are never far apart: counts of photons, say."""
STUCK = 0.1
"""A pixel that is exactly 0, or its type's largest value, is an outlier so many ranges beyond the range."""
_RARE = 0.02
"""Outliers are at most this share of an image; more are part of it."""


@dataclass(frozen=True)
class ValueRange:
    """The stored values that mean 0 and 1: one pair for all channels, or one for each. Where 0 is white, `low` is above `high`."""

    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def is_full(self) -> bool:
        """Whether values are mapped as `working_values` does, by their type alone."""
        return self.low == (0.0,) and self.high == (0.0,)

    @property
    def span(self) -> np.ndarray:
        """What 1 is in stored units: for all channels, or for each. Only of a range that is not full."""
        return np.asarray(np.asarray(self.high) - np.asarray(self.low))

    def inverted(self, dtype: np.dtype) -> ValueRange:
        """The range of the same values where the largest is black."""
        return (
            ValueRange((full_scale(dtype),), (0.0,))
            if self.is_full
            else ValueRange(self.high, self.low)
        )

    def part(self, first: int, last: int) -> ValueRange:
        """The range of some of the channels."""
        return (
            self if len(self.low) == 1 else ValueRange(self.low[first:last], self.high[first:last])
        )

    def to_working(self, stored: np.ndarray) -> np.ndarray:
        """Stored values (..., channels), finite ones, as float32 on the working scale."""
        if self.is_full:
            return values_by_type(stored)
        return np.asarray((stored - np.asarray(self.low)) / self.span, np.float32)

    def to_stored(self, working: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Undo `to_working`; integers are rounded and clipped to their type's range."""
        if self.is_full:
            return stored_values(working, dtype)
        values = working.astype(np.float64) * self.span + np.asarray(self.low)
        if dtype.kind == "f":
            return np.asarray(values, dtype)
        limits = np.iinfo(dtype)
        # the largest integers of 64 bits are no float64
        most = limits.max if dtype.itemsize < 8 else np.nextafter(float(limits.max), 0)
        return np.asarray(np.clip(np.rint(values), limits.min, most), dtype)

    def middle(self, dtype: np.dtype) -> tuple[float, ...]:
        """The stored value of each channel, or of all, that means 0.5."""
        if self.is_full:
            return (0.5 * full_scale(dtype),)
        return tuple((low + high) / 2 for low, high in zip(self.low, self.high, strict=True))

    def __str__(self) -> str:
        if self.is_full:
            return "full range"
        return ", ".join(
            f"{low:g} to {high:g}" for low, high in zip(self.low, self.high, strict=True)
        )


FULL_RANGE = ValueRange((0.0,), (0.0,))
"""Integers by their type's full range, floats as they are."""


@dataclass(kw_only=True)
class Sample:
    """Values of an image from which its range is chosen, collected block by block, each with what its neighbours allow it."""

    values: list[np.ndarray] = field(default_factory=list)
    """(count, channels), floats; NaN where missing."""
    steady: list[np.ndarray] = field(default_factory=list)
    """The same, limited to the range of their neighbours."""
    dtype: np.dtype = field(default_factory=lambda: np.dtype(np.uint8))

    def add(
        self, stored: np.ndarray, no_data: Sequence[float] = (), every: int = 1, offset: int = 0
    ) -> None:
        """Add every so many-th pixel each way of rows (height, width, channels), from the row `offset`."""
        self.dtype = stored.dtype
        rows = np.arange(offset, len(stored), every)[:, None]
        columns = np.arange(0, stored.shape[1], every)[None]
        if not rows.size:
            return
        missing = find_missing(stored, no_data)
        found = stored[rows, columns].reshape(-1, stored.shape[2]).astype(np.float64)
        low, high = (
            limit.reshape(found.shape).astype(np.float64)
            for limit in neighbour_limits(stored, rows, columns, missing)
        )
        if missing is not None:
            found[missing[rows, columns].reshape(found.shape)] = np.nan
        self.values.append(found)
        self.steady.append(np.clip(found, low, high))

    @property
    def collected(self) -> np.ndarray:
        """All values, (count, channels), floats; NaN where missing."""
        return np.concatenate(self.values)

    def range(self, wanted: Values = "auto", apart: bool = False) -> ValueRange:
        """Which stored values mean 0 and 1.

        `auto` keeps the type's full range for 8 bits. Other integers and floats that use a small part of their range
        (less than a quarter of it between the 0.1 and the 99.9 percentile), floats far from [0, 1] and signed numbers are
        mapped by these percentiles, in which missing values and isolated outliers do not count. Values beyond map beyond
        [0, 1], and back exactly.

        Args:
            wanted: `auto`, `full-range` or `own-range`.
            apart: give each channel its own range (planes of a microscope), else one to all (colours).

        Raises:
            BadImage: `full-range` for values of a type without a full range.
        """
        dtype = self.dtype
        known = range_by_type(dtype, wanted)
        if known is not None:
            return known
        values, steady = self.collected, np.concatenate(self.steady)
        lows, highs = [], []
        for index in range(values.shape[1]) if apart else [slice(None)]:
            low, high = _percentiles(values[:, index].ravel(), steady[:, index].ravel(), dtype)
            lows.append(low)
            highs.append(high if high > low else low + 1.0)
        if wanted == "auto" and _fills_its_range(dtype, min(lows), max(highs)):
            return FULL_RANGE
        return ValueRange(tuple(lows), tuple(highs))


def range_by_type(dtype: np.dtype, wanted: Values = "auto") -> ValueRange | None:
    """The range where it is known without a look at the values; None where it is not.

    Raises:
        BadImage: `full-range` for values of a type without a full range.
    """
    if wanted == "full-range":
        full_scale(dtype)
        return FULL_RANGE
    eight_bits = dtype.kind == "b" or dtype == np.uint8
    return FULL_RANGE if wanted == "auto" and eight_bits else None


def _percentiles(values: np.ndarray, steady: np.ndarray, dtype: np.dtype) -> tuple[float, float]:
    there = ~np.isnan(values)
    if not there.all():
        values, steady = values[there], steady[there]
    if not values.size:
        return 0.0, 1.0
    bottom, top = np.percentile(steady, _TAILS)
    if top > bottom:
        reach = REACH * (top - bottom if dtype.kind == "f" else max(top - bottom, LEVELS))
        inside = (values >= bottom - reach) & (values <= top + reach)
        for value in stuck_values(float(bottom), float(top), dtype):
            inside &= values != value
        if not inside.all() and inside.mean() >= 1 - _RARE:
            values, steady = values[inside], steady[inside]
    bottom, top = np.percentile(steady, _CORE)
    if top > bottom:  # several hot pixels beside one another
        reach = _FAR * (top - bottom if dtype.kind == "f" else max(top - bottom, LEVELS))
        inside = (values >= bottom - reach) & (values <= top + reach)
        if not inside.all() and inside.mean() >= 1 - _FEW:
            values = values[inside]
    low, high = np.percentile(values, _TAILS)
    return float(low), float(high)


def stuck_values(low: float, high: float, dtype: np.dtype) -> tuple[float, ...]:
    """Which of the values that dead and saturated pixels have, 0 and an integer's largest, lie outside the range."""
    margin = STUCK * abs(high - low)
    low, high = min(low, high) - margin, max(low, high) + margin
    ends = (0.0,) if dtype.kind == "f" else (0.0, float(np.iinfo(dtype).max))
    return tuple(end for end in ends if not low <= end <= high)


def choose_range(
    stored: np.ndarray,
    wanted: Values = "auto",
    apart: bool = False,
    no_data: Sequence[float] = (),
) -> ValueRange:
    """Which stored values of images in memory mean 0 and 1: as `Sample.range` says.

    Images are (..., height, width, channels); (count, channels) are values without places. One range for all images, and for
    all channels unless they stand `apart`; large arrays are sampled.
    """
    require_pixels(stored.dtype)
    known = range_by_type(stored.dtype, wanted)
    if known is not None:
        return known
    if stored.ndim == 2:  # a list of values
        stored = stored[:, None]
    images = stored.reshape(-1, *stored.shape[-3:])
    images = images[:: max(1, len(images) // 64)]
    every = max(1, round((images[..., 0].size / _SAMPLED) ** 0.5))
    sample = Sample()
    for image in images:
        sample.add(image, no_data, every)
    return sample.range(wanted, apart)


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
            lowest, highest = (float(each) for each in torch.aminmax(stored.float()))
            if not (lowest < NEAREST or highest > FARTHEST):
                return FULL_RANGE, None
            found = choose_range(stored.float().cpu().numpy(), wanted)
            near = found.low[0] >= NEAREST and found.high[0] <= FARTHEST
            return (FULL_RANGE if found.is_full or near else found), None
        stored = stored.cpu().numpy()
    require_pixels(stored.dtype)
    found = choose_range(stored, wanted)
    if found.is_full or stored.dtype.kind not in "iu":
        return found, None
    low, high = int(stored.min()), int(stored.max())
    bits = next((bits for bits in _BITS if high < 2**bits), 64)
    fits = low >= 0 and bits <= 32 and 2**bits - 1 <= np.iinfo(stored.dtype).max
    return found, ((0, 2**bits - 1) if fits else (low, high))


def _fills_its_range(dtype: np.dtype, low: float, high: float) -> bool:
    if dtype.kind == "f":
        return low >= NEAREST and high <= FARTHEST and high - low >= _SMALL_PART
    return (
        dtype.kind == "u" and dtype.itemsize <= 4 and high - low >= _SMALL_PART * full_scale(dtype)
    )
