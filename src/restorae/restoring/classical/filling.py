"""Inpainting: fills holes from their surroundings."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from restorae.restoring.classical.contract import Classical

_EXACT = 24
_MARGIN = 64  # at a quarter of the resolution, still enough to show the gradients around a hole


class Inpaint(Classical, kind="inpaint"):
    r"""Biharmonic inpainting: fills holes with the smoothest surface that continues their surroundings.

    For scratches, dust and stains that a mask marks; wide holes get a smooth filling without texture. The filling
    solves $\Delta^2 x = 0$ inside the hole, stays within the range of its surroundings, and pixels outside the mask
    are unchanged. The inside of a hole, more than 24 pixels from its rim, is solved at half the resolution, and so on
    recursively: time grows with the rim, not with the square of the area. An image whose mask covers everything is returned
    unchanged. Damelin and Hoang, *On surface completion and image inpainting
    by biharmonic functions: numerical aspects*, 2018.

    >>> import torch
    >>> slope = torch.linspace(0, 1, 32).expand(1, 1, 32, 32)
    >>> mask = torch.zeros(1, 1, 32, 32)
    >>> mask[..., 10:20, 10:20] = 1
    >>> filled = Inpaint().apply(torch.cat([slope * (1 - mask), mask], dim=1))
    >>> torch.allclose(filled, slope, atol=1e-4)
    True
    """

    needs_mask: ClassVar[bool] = True

    def change(self, image: np.ndarray) -> np.ndarray:
        filled, mask = image[..., :-1].copy(), image[..., -1] > 0.5
        if mask.any() and not mask.all():
            region = _around(mask)
            filled[region] = _filled(filled[region], mask[region])
        return filled


def _around(mask: np.ndarray) -> tuple[slice, slice]:
    """Bounding box of all holes with a margin; it contains known pixels, since the mask does not cover the whole image."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return tuple(  # type: ignore[return-value]
        slice(max(indices[0] - _MARGIN, 0), min(indices[-1] + _MARGIN + 1, length))
        for indices, length in zip((rows, columns), mask.shape, strict=True)
    )


def _filled(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    from scipy.ndimage import distance_transform_cdt
    from skimage.restoration import inpaint_biharmonic

    deep = distance_transform_cdt(mask, metric="chessboard") > _EXACT
    if deep.any():
        image = np.where(
            deep[..., None], _doubled(_filled(*_halved(image, mask)), mask.shape), image
        )
        mask = mask & ~deep
    solved: np.ndarray = inpaint_biharmonic(image, mask, channel_axis=-1)
    return np.where(mask[..., None], solved, image)


def _halved(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of the known pixels of 2 × 2 blocks, and the mask of blocks that are not fully known.

    The mean of a partly known block is off its centre, which would tilt the filling at the rim. If no block is
    fully known, partly known ones are used.
    """
    height, width = mask.shape
    to_even = ((0, height % 2), (0, width % 2))
    known = np.pad(~mask, to_even)
    values = np.where(known[..., None], np.pad(image, (*to_even, (0, 0))), 0)
    blocks = (known.shape[0] // 2, 2, known.shape[1] // 2, 2)
    count = known.reshape(blocks).sum((1, 3))
    total = values.reshape(*blocks, -1).sum((1, 3))
    return total / np.maximum(count, 1)[..., None], count < (4 if (count == 4).any() else 1)


def _doubled(image: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Twice the height and width, interpolated linearly between pixel centres."""
    from scipy.ndimage import zoom

    doubled: np.ndarray = zoom(image, (2, 2, 1), order=1, mode="nearest", grid_mode=True)
    return doubled[: size[0], : size[1]]
