"""Whether a reference shows the very image that is coloured: then its colours are used as they are."""

from __future__ import annotations

import numpy as np
import torch

from restorae.colouring.means import box_means
from restorae.colouring.references import Reference
from restorae.colouring.sizes import resize

SAME = 0.8
"""Correlation of the detail of two images from which they are the same."""
_SAME_SHAPE = 0.03
"""Difference of the aspect ratios up to which they may be."""
_THUMBNAIL = 48
"""Columns and rows of small copies."""
_GRAIN_PX, _LOCAL_PX = 3, 25
"""Sides of the squares whose means are compared, and of those that are subtracted."""


def detail_of(luma: np.ndarray) -> np.ndarray:
    """Luma without grain and without what is wider than a few pixels; mean 0, variance 1."""
    image = torch.from_numpy(np.ascontiguousarray(luma))[None, None]
    fine = box_means(image, _GRAIN_PX)
    return standardised((fine - box_means(fine, _LOCAL_PX))[0, 0].numpy())


def detail_of_reference(
    reference: Reference, size: tuple[int, int], pixel_aspect: float = 1.0
) -> np.ndarray | None:
    """The detail of a reference at the working size of the image; None if it has another shape.

    Args:
        reference: with square pixels, or with those of the image.
        size: height and width.
        pixel_aspect: width over height of the image's pixels.
    """
    height, width = reference.luma.shape
    ratio = width / height / (size[1] / size[0])
    if min(abs(ratio - 1), abs(ratio / pixel_aspect - 1)) > _SAME_SHAPE:
        return None
    detail, shown = detail_of(resize(reference.luma, size)), shown_at(reference, size)
    if shown is None:
        return detail
    part = detail * shown
    return np.asarray(part / max(float(np.square(part).mean()) ** 0.5, 1e-6), np.float32)


def likeness(detail: np.ndarray, other: np.ndarray, shown: np.ndarray | None) -> float:
    """Correlation of an image's detail with that of a reference, 1 where they are the same.

    Args:
        detail: of the image, standardised.
        other: of the reference, of the same size; standardised, 0 where it shows nothing.
        shown: where it shows something; None everywhere.
    """
    found = float((detail * other).mean())
    if shown is None:
        return found
    return found / max(float(np.sqrt(np.square(detail * shown).mean())), 1e-6)


def shown_at(reference: Reference, size: tuple[int, int]) -> np.ndarray | None:
    """Where a reference shows something, 0 to 1, at a height and width; None where that is everywhere."""
    return None if reference.shown is None else resize(reference.shown.astype(np.float32), size)


def standardised(values: np.ndarray) -> np.ndarray:
    """Values with mean 0 and variance 1."""
    centred = values - values.mean()
    return np.asarray(centred / max(float(centred.std()), 1e-6), np.float32)


def thumbnail_of(detail: np.ndarray) -> np.ndarray:
    """A small copy of an image's detail, by which many are looked through."""
    return standardised(small_of(detail))


def small_of(plane: np.ndarray) -> np.ndarray:
    """A plane at the size of small copies."""
    return resize(plane, (_THUMBNAIL, _THUMBNAIL))
