"""Pairs whose values are partly or all missing: NaN, infinite, no data."""

from __future__ import annotations

import numpy as np

from restorae.data.image_set import ImageSet
from restorae.errors import BadImage
from restorae.missing_values import find_missing

_NAMED = 5


def stored_pixels(images: ImageSet, index: int) -> np.ndarray:
    """An image as stored, (height, width, channels)."""
    stored = images.as_stored(index)
    assert stored is not None
    return stored if stored.ndim == 3 else stored[..., None]


def with_values(degraded: ImageSet, clean: ImageSet) -> tuple[ImageSet, ImageSet, int, list[str]]:
    """Pairs without those of which one side holds no value at all; how many values of the others are missing; what was left out.

    Raises:
        BadImage: none is left.
    """
    sides = [clean] if degraded is clean else [degraded, clean]
    kept, empty, gaps = [], [], 0
    for index in range(len(clean)):
        missing = [_missing(images, index) for images in sides]
        if any(each is not None and each.all() for each in missing):
            empty.append(index)
            continue
        kept.append(index)
        gaps += sum(int(each.sum()) for each in missing if each is not None)
    if not empty:
        return degraded, clean, gaps, []
    names = ", ".join(clean.names[index] for index in empty[:_NAMED])
    more = f" and {len(empty) - _NAMED} more" if len(empty) > _NAMED else ""
    if not kept:
        raise BadImage(f"hold no values, only NaN, infinite or no-data ones: {names}{more}")
    same = degraded is clean
    clean = clean.subset(kept)
    degraded = clean if same else degraded.subset(kept)
    notice = f"Left out, with no values but NaN, infinite or no-data ones: {names}{more}."
    return degraded, clean, gaps, [notice]


def _missing(images: ImageSet, index: int) -> np.ndarray | None:
    dtype, no_data = images.dtype(index), images.about(index).no_data
    if dtype is None or (dtype.kind != "f" and not no_data):
        return None
    return find_missing(stored_pixels(images, index), no_data)
