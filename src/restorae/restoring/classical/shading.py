"""Uneven paper: shadows, yellowing and stains behind what is written."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from restorae.parts import Within
from restorae.restoring.classical.contract import Classical, channel_by_channel

_PAPER = 0.85
_DARKEST = 0.1
_STIFF = 1e-3
_NOTHING = 1e-12


class Background(Classical, kind="background"):
    r"""The paper is estimated from the page and divided out: paper becomes white, ink keeps its darkness against it.

    For scanned and photographed pages; not for photographs, whose large dark areas are taken for shadow. A closing
    (Serra, *Image Analysis and Mathematical Morphology*, 1982) covers ink that is narrower than the square; pixels that are
    nearly as bright as it are paper, and a plane fitted to those around a pixel is its background. Each channel has its own, so
    that yellow paper becomes white too. Nothing is made more than 10 times brighter: what is darker everywhere is no paper.

    >>> import torch
    >>> page = torch.ones(1, 1, 96, 96)
    >>> page[..., 40:44, 20:70] = 0.2
    >>> shaded = page * torch.linspace(0.4, 0.9, 96)
    >>> (Background(radius=8).apply(shaded) - page).abs().max().item() < 0.02
    True
    """

    radius: Annotated[int, Within(1, 500)] = 25
    """Half the side of the square, in pixels: more than the widest stroke of ink, less than the narrowest shadow."""

    @property
    def halo(self) -> int:
        return 4 * self.radius  # 2 for the closing, 2 for the fit

    def change(self, picture: np.ndarray) -> np.ndarray:
        return channel_by_channel(self._flattened, picture)

    def _flattened(self, plane: np.ndarray) -> np.ndarray:
        from scipy.ndimage import grey_closing

        size = 2 * self.radius + 1
        # the closing alone would follow the brightest grains of the noise; paper is fitted instead
        paper = plane >= _PAPER * grey_closing(plane, size=(size, size), mode="reflect")
        flattened: np.ndarray = plane / np.maximum(
            _fitted(plane, paper.astype(np.float64), self.radius), _DARKEST
        )
        return flattened


def _fitted(plane: np.ndarray, weight: np.ndarray, radius: int) -> np.ndarray:
    """At each pixel the height of the plane that fits its surroundings best, those with weight.

    A mean would do in the middle of the page. At its borders, where all surroundings lie to one side, it would be too
    bright or too dark wherever the light falls off.
    """
    from scipy.ndimage import uniform_filter

    def summed(values: np.ndarray) -> np.ndarray:
        for _ in range(2):
            values = uniform_filter(values, 2 * radius + 1, mode="constant")
        return values

    rows, columns = (np.arange(side) / radius for side in plane.shape)
    y, x = rows[:, None], columns[None, :]
    # moments around the picture's corner, then around each pixel
    count, value = summed(weight), summed(weight * plane)
    sum_y, sum_x = summed(weight * y), summed(weight * x)
    value_y, value_x = (
        summed(weight * plane * y) - y * value,
        summed(weight * plane * x) - x * value,
    )
    yy = summed(weight * y * y) - 2 * y * sum_y + y * y * count
    xx = summed(weight * x * x) - 2 * x * sum_x + x * x * count
    yx = summed(weight * y * x) - y * sum_x - x * sum_y + y * x * count
    sum_y, sum_x = sum_y - y * count, sum_x - x * count
    # the slopes are held back a little, so that a strip or a single pixel of paper has an answer too
    yy, xx = yy + _STIFF * count + _NOTHING, xx + _STIFF * count + _NOTHING
    determinant = yy * xx - yx**2
    by_y, by_x = (sum_y * xx - sum_x * yx) / determinant, (sum_x * yy - sum_y * yx) / determinant
    height: np.ndarray = (value - by_y * value_y - by_x * value_x) / np.maximum(
        count - by_y * sum_y - by_x * sum_x, _NOTHING
    )
    return height
