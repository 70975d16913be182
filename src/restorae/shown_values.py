"""What of an image is shown to a restorer: nothing that is missing, no hot or dead pixels, nothing far outside the range."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from restorae.missing_values import fill, find_missing, neighbour_limits
from restorae.value_range import FARTHEST, LEVELS, NEAREST, REACH, STUCK, ValueRange, stuck_values

_SPREAD = 5.0
"""An outlier is so many times as far off as its neighbours: a star, blurred by the lens, is not."""


def find_isolated(
    stored: np.ndarray, values: ValueRange, missing: np.ndarray | None = None
) -> np.ndarray | None:
    """Where values (height, width, channels) lie far outside the range and their neighbours do not; None if nowhere.

    These are hot and dead pixels and cosmic rays. A star or a bead reaches into its neighbours and is none.
    """
    outside, stuck = _beyond(stored, values, missing), _stuck(stored, values, missing)
    candidates = either(outside, stuck)
    if candidates is None:
        return None
    rows, columns = np.nonzero(candidates.any(2))
    below, above = neighbour_limits(stored, rows, columns, missing)
    far, *around = (
        values.to_working(each).astype(np.float64) - 0.5
        for each in (stored[rows, columns], below, above)
    )
    nearest = np.where(far > 0, np.maximum(*around), -np.minimum(*around))
    found = np.zeros(stored.shape, bool)
    if outside is not None:
        found[rows, columns] |= outside[rows, columns] & (np.abs(far) > _SPREAD * nearest)
    if stuck is not None:  # its neighbours are within the range
        found[rows, columns] |= stuck[rows, columns] & (nearest < 0.5 + STUCK / 2)
    return found if found.any() else None


def _stuck(stored: np.ndarray, values: ValueRange, missing: np.ndarray | None) -> np.ndarray | None:
    """Which values are those of dead or saturated pixels, outside the range of the others; None if none is."""
    if values.is_full or len(values.low) > 1 or stored.dtype.kind == "b":
        return None
    found = None
    for value in stuck_values(values.low[0], values.high[0], stored.dtype):
        found = either(found, stored == value)
    if found is not None and missing is not None:
        found = found & ~missing
    return found if found is not None and found.any() else None


def show(stored: np.ndarray, values: ValueRange, hidden: np.ndarray | None = None) -> np.ndarray:
    """What a restorer is shown of stored values (height, width, channels): working values, float32.

    Hidden values (missing or isolated ones) are replaced by their nearest neighbours; others far outside the range are limited.
    """
    if hidden is not None:
        stored = fill(stored, hidden, values.middle(stored.dtype))
    return values.to_working(_limited(stored, values))


def show_all(stored: np.ndarray, values: ValueRange, no_data: Sequence[float] = ()) -> np.ndarray:
    """As `show`, of whole images (..., height, width, channels), in which what must not be shown is found first."""
    missing = find_missing(stored, no_data)
    if missing is None and _beyond(stored, values, None) is None:
        return values.to_working(stored)
    if stored.ndim > 3:
        return np.stack([show_all(image, values, no_data) for image in stored])
    return show(stored, values, either(missing, find_isolated(stored, values, missing)))


def write_all(
    stored: np.ndarray, restored: np.ndarray, values: ValueRange, no_data: Sequence[float] = ()
) -> np.ndarray:
    """What is stored of restored working values, both (..., height, width, channels): missing values come back as they were."""
    missing = find_missing(stored, no_data)
    if missing is None and _beyond(stored, values, None) is None:
        return values.to_stored(restored, stored.dtype)
    if stored.ndim > 3:
        pairs = zip(stored, restored, strict=True)
        return np.stack([write_all(*pair, values, no_data) for pair in pairs])
    hidden = either(missing, find_isolated(stored, values, missing))
    written = values.to_stored(with_excess(stored, restored, values, hidden), stored.dtype)
    return written if missing is None else np.where(missing, stored, written)


def for_display(
    stored: np.ndarray, values: ValueRange, no_data: Sequence[float] = ()
) -> np.ndarray:
    """Stored values (..., channels) on the working scale, cut to [0, 1], for the eye: what is missing is black."""
    missing = find_missing(stored, no_data)
    if missing is not None:
        stored = np.where(missing, stored.dtype.type(0), stored)
    working = np.asarray(np.clip(values.to_working(stored), 0, 1))
    if missing is not None:
        working[missing] = 0
    return working


def with_excess(
    stored: np.ndarray,
    restored: np.ndarray,
    values: ValueRange,
    hidden: np.ndarray | None = None,
) -> np.ndarray:
    """Restored working values with what `show` cut off, to the share in which the restorer kept what it saw of it.

    Args:
        stored: what was restored, (height, width, channels).
        restored: the working values that a restorer gave for it.
        values: its range.
        hidden: what was hidden.
    """
    beyond = _beyond(stored, values, hidden)
    if beyond is None:
        return restored
    if hidden is not None:
        stored = fill(stored, hidden, values.middle(stored.dtype))
    exact = values.to_working(stored)[beyond].astype(np.float64)
    seen = values.to_working(_limited(stored, values))[beyond].astype(np.float64)
    end = np.where(exact > 0.5, 1.0, 0.0)
    share = np.clip((restored[beyond] - end) / (seen - end), 0, 1)
    result = restored.astype(np.float64)
    result[beyond] += share * (exact - seen)
    return result


def either(first: np.ndarray | None, second: np.ndarray | None) -> np.ndarray | None:
    """Where one of two masks is set; None stands for nowhere."""
    return first if second is None else second if first is None else first | second


def _beyond(stored: np.ndarray, values: ValueRange, hidden: np.ndarray | None) -> np.ndarray | None:
    """Which values are too far outside the range to be shown as they are; None if none is."""
    if values.is_full and stored.dtype.kind != "f":
        return None
    low, high = _ends(values, stored.dtype)
    with np.errstate(invalid="ignore"):
        beyond = np.asarray((stored < low) | (stored > high))
    if hidden is not None:
        beyond &= ~hidden
    return beyond if beyond.any() else None


def _limited(stored: np.ndarray, values: ValueRange) -> np.ndarray:
    if values.is_full and stored.dtype.kind != "f":
        return stored
    return np.asarray(np.clip(stored, *_ends(values, stored.dtype)))


def _ends(values: ValueRange, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest stored values that are shown as they are, for each channel or for all."""
    if values.is_full:
        return np.asarray([NEAREST], dtype), np.asarray([FARTHEST], dtype)
    ends = []
    for low, high in zip(values.low, values.high, strict=True):
        reach = REACH * abs(high - low)
        if dtype.kind != "f":  # of few levels nothing is far off
            reach = max(reach, REACH * LEVELS)
        ends.append((min(low, high) - reach, max(low, high) + reach))
    if dtype.kind != "f":
        limits = np.iinfo(dtype)
        ends = [(max(limits.min, int(low)), min(limits.max, int(high) + 1)) for low, high in ends]
    with np.errstate(over="ignore"):
        return np.asarray([low for low, _ in ends], dtype), np.asarray(
            [high for _, high in ends], dtype
        )
