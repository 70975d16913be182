"""Uneven paper: shadows, yellowing and stains behind the writing."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from restorae.ranges import Within
from restorae.restoring.classical.contract import Classical, channel_by_channel

_PAPER = 0.85
_DARKEST = 0.1
_STIFF = 1e-3
_NOTHING = 1e-12


class Background(Classical, kind="background"):
    r"""Estimates the paper of a page and divides by it: paper becomes white, ink keeps its contrast.

    For scanned and photographed pages; not for photographs, whose large dark areas would count as shadow. A closing
    (Serra, *Image Analysis and Mathematical Morphology*, 1982) removes ink narrower than the window; pixels nearly as bright as
    its result are paper, and the background of a pixel is a plane fitted to the paper around it. Channels are independent, so
    yellow paper becomes white too. Values are brightened at most 10 times: darker areas are not paper.

    >>> import torch
    >>> page = torch.ones(1, 1, 96, 96)
    >>> page[..., 40:44, 20:70] = 0.2
    >>> shaded = page * torch.linspace(0.4, 0.9, 96)
    >>> (Background(radius=8).apply(shaded) - page).abs().max().item() < 0.02
    True
    """

    radius: Annotated[int, Within(1, 500)] = 25
    """Radius of the window, in pixels: more than the widest stroke of ink, less than the narrowest shadow."""

    @property
    def halo(self) -> int:
        return 4 * self.radius  # 2 for the closing, 2 for the fit

    def change(self, image: np.ndarray) -> np.ndarray:
        return channel_by_channel(self._flattened, image)

    def _flattened(self, plane: np.ndarray) -> np.ndarray:
        from scipy.ndimage import grey_closing

        size = 2 * self.radius + 1
        # the closing alone would follow the peaks of the noise, so a fit to the paper is used
        paper = plane >= _PAPER * grey_closing(plane, size=(size, size), mode="reflect")
        flattened: np.ndarray = plane / np.maximum(
            _fitted(plane, paper.astype(np.float64), self.radius), _DARKEST
        )
        return flattened


def _fitted(plane: np.ndarray, weight: np.ndarray, radius: int) -> np.ndarray:
    """At each pixel the value of the plane fitted to its surroundings, weighted.

    A mean would be biased at the borders of the page, where the window is one-sided and the light falls off.
    """
    from scipy.ndimage import uniform_filter

    def summed(values: np.ndarray) -> np.ndarray:
        for _ in range(2):
            values = uniform_filter(values, 2 * radius + 1, mode="constant")
        return values

    rows, columns = (np.arange(length) / radius for length in plane.shape)
    y, x = rows[:, None], columns[None, :]
    # moments around the image's corner, then around each pixel
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
    # the slopes are regularised, so that a strip or a single pixel of paper has a solution too
    yy, xx = yy + _STIFF * count + _NOTHING, xx + _STIFF * count + _NOTHING
    determinant = yy * xx - yx**2
    by_y, by_x = (sum_y * xx - sum_x * yx) / determinant, (sum_x * yy - sum_y * yx) / determinant
    height: np.ndarray = (value - by_y * value_y - by_x * value_x) / np.maximum(
        count - by_y * sum_y - by_x * sum_x, _NOTHING
    )
    return height
