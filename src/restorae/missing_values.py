"""Stored values that are not pixels: NaN, infinities, a file's no-data value, hot and dead pixels.

What is missing (NaN, infinite, no data) is never shown to a restorer and comes back as it was. An isolated value far outside
the range of the image (a hot or dead pixel, a cosmic ray) is not shown either: it would spoil what lies around it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

LARGEST = 1e37
"""Floats beyond this are markers of missing values (the largest float, as GIS programs write it), not pixels."""

_TOLERANCE = 1e-6
"""Relative difference between a no-data value as written in a tag and as stored."""
_AROUND = tuple(
    (row, column) for row in (-1, 0, 1) for column in (-1, 0, 1) if (row, column) != (0, 0)
)


def find_missing(stored: np.ndarray, no_data: Sequence[float] = ()) -> np.ndarray | None:
    """Where values are NaN, infinite or no data; None if they are nowhere.

    Args:
        stored: (..., channels).
        no_data: what stands for no data: one value for all channels, or one for each (NaN: none).
    """
    found = None
    if stored.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            found = (
                ~np.isfinite(stored)
                if stored.dtype.itemsize < 4
                else ~(np.abs(stored) <= stored.dtype.type(LARGEST))
            )
    for place, value in enumerate(no_data):
        channel = slice(None) if len(no_data) == 1 else slice(place, place + 1)
        interval = _interval(value, stored.dtype)
        if interval is None or stored[..., channel].size == 0:
            continue
        seen = stored[..., channel]
        with np.errstate(invalid="ignore"):
            same = (seen >= interval[0]) & (seen <= interval[1])
        if found is None:
            found = np.zeros(stored.shape, bool)
        found[..., channel] |= same
    return found if found is not None and found.any() else None


def fill(stored: np.ndarray, missing: np.ndarray, nothing: Sequence[float]) -> np.ndarray:
    """Stored values (height, width, channels) with missing ones replaced by the nearest of their channel.

    Args:
        stored: the values.
        missing: which of them to replace.
        nothing: the value of each channel, or of all, where all of a channel is missing.
    """
    from scipy import ndimage  # a third of a second, for images that seldom come

    filled = stored.copy()
    for channel in range(stored.shape[2]):
        bad = missing[..., channel]
        if bad.all():
            filled[..., channel] = nothing[channel if len(nothing) > 1 else 0]
        elif bad.any():
            nearest = ndimage.distance_transform_edt(
                bad, return_distances=False, return_indices=True
            )
            filled[..., channel] = stored[..., channel][tuple(nearest)]
    return filled


def neighbour_limits(
    stored: np.ndarray, rows: np.ndarray, columns: np.ndarray, missing: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The second smallest and the second largest of the eight neighbours of pixels: one outlier beside another is one still.

    Args:
        stored: (height, width, channels).
        rows: indices of rows, broadcast against `columns`.
        columns: indices of columns.
        missing: neighbours that do not count; a pixel without neighbours stands for itself.
    """
    own = stored[rows, columns]
    least, most = _extremes(stored.dtype)
    smallest = second_smallest = np.full_like(own, most)
    largest = second_largest = np.full_like(own, least)
    beside_rows = {step: _reflected(rows + step, len(stored)) for step in (-1, 0, 1)}
    beside_columns = {step: _reflected(columns + step, stored.shape[1]) for step in (-1, 0, 1)}
    for down, right in _AROUND:
        place = beside_rows[down], beside_columns[right]
        value = stored[place]
        if missing is not None:
            value = np.where(missing[place], own, value)
        second_smallest = np.minimum(second_smallest, np.maximum(smallest, value))
        second_largest = np.maximum(second_largest, np.minimum(largest, value))
        smallest, largest = np.minimum(smallest, value), np.maximum(largest, value)
    return second_smallest, second_largest


def _extremes(dtype: np.dtype) -> tuple[float, float]:
    if dtype.kind == "b":
        return False, True
    if dtype.kind == "f":
        return -math.inf, math.inf
    limits = np.iinfo(dtype)
    return limits.min, limits.max


def _reflected(places: np.ndarray, size: int) -> np.ndarray:
    """Places beside the border as those on the other side of the border pixel."""
    within = (size - 1) - np.abs((size - 1) - np.abs(places))
    return np.asarray(np.maximum(within, 0))


def _interval(value: float, dtype: np.dtype) -> tuple[float, float] | None:
    """The smallest and largest stored value that means `value`; None where the type cannot hold it."""
    if not math.isfinite(value):
        return None
    if dtype.kind == "f":
        if abs(value) > LARGEST:
            return None  # so are all that large
        near = abs(value) * _TOLERANCE
        if dtype.itemsize < 4:
            value = float(dtype.type(value))
        return value - near, value + near
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    fits = limits is not None and limits.min <= value <= limits.max and value == int(value)
    return (value, value) if fits else None
