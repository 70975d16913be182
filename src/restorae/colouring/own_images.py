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
    return detail_of(resize(reference.luma, size))


def standardised(values: np.ndarray) -> np.ndarray:
    """Values with mean 0 and variance 1."""
    centred = values - values.mean()
    return np.asarray(centred / max(float(centred.std()), 1e-6), np.float32)


def thumbnail_of(detail: np.ndarray) -> np.ndarray:
    """A small copy of an image's detail, by which many are looked through."""
    return standardised(resize(detail, (_THUMBNAIL, _THUMBNAIL)))
