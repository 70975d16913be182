"""Holes: what is gone, filled from what surrounds it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from restorae.restoring.classical.contract import Classical

_EXACT = 24
_MARGIN = 64  # seen at a quarter of the resolution it still says how what is around rises and falls


class Inpaint(Classical, kind="inpaint"):
    r"""Holes are filled with the smoothest surface that continues what surrounds them.

    For scratches, dust and stains that a mask marks; wide holes are filled as smoothly, without any texture. The filling
    solves $\Delta^2 x = 0$ inside the hole, is no darker or brighter than anything around, and whatever the mask leaves out
    comes back exactly. The middle of a hole, more than 24 pixels from its rim, is solved at half the resolution, and what
    is wide even there at half of that: time grows with the rim, not with the square of the area. A picture that is all hole
    has nothing to be filled from and is returned as it is. Damelin and Hoang, *On surface completion and image inpainting
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

    def change(self, picture: np.ndarray) -> np.ndarray:
        filled, mask = picture[..., :-1].copy(), picture[..., -1] > 0.5
        if mask.any() and not mask.all():
            region = _around(mask)
            filled[region] = _filled(filled[region], mask[region])
        return filled


def _around(mask: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns that hold all holes and a margin; something known lies in it, since the picture is not all hole."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return tuple(  # type: ignore[return-value]
        slice(max(places[0] - _MARGIN, 0), min(places[-1] + _MARGIN + 1, side))
        for places, side in zip((rows, columns), mask.shape, strict=True)
    )


def _filled(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    from scipy.ndimage import distance_transform_cdt
    from skimage.restoration import inpaint_biharmonic

    middle = distance_transform_cdt(mask, metric="chessboard") > _EXACT
    if middle.any():
        picture = np.where(
            middle[..., None], _doubled(_filled(*_halved(picture, mask)), mask.shape), picture
        )
        mask = mask & ~middle
    solved: np.ndarray = inpaint_biharmonic(picture, mask, channel_axis=-1)
    return np.where(mask[..., None], solved, picture)


def _halved(picture: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of what is known of 2 × 2 pixels, and the mask of where not all of it is.

    The mean of a block that is partly known lies off its middle; at the rim that would tilt the filling. Where no block is
    wholly known, it has to do.
    """
    height, width = mask.shape
    to_even = ((0, height % 2), (0, width % 2))
    known = np.pad(~mask, to_even)
    values = np.where(known[..., None], np.pad(picture, (*to_even, (0, 0))), 0)
    blocks = (known.shape[0] // 2, 2, known.shape[1] // 2, 2)
    count = known.reshape(blocks).sum((1, 3))
    total = values.reshape(*blocks, -1).sum((1, 3))
    return total / np.maximum(count, 1)[..., None], count < (4 if (count == 4).any() else 1)


def _doubled(picture: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Twice the height and width, linearly between the middles of the pixels."""
    from scipy.ndimage import zoom

    doubled: np.ndarray = zoom(picture, (2, 2, 1), order=1, mode="nearest", grid_mode=True)
    return doubled[: size[0], : size[1]]
