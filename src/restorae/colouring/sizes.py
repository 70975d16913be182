"""The size at which colours are found, whatever the size of the image: they cannot fade as it grows."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

LINES = 272
"""Lines of the working size."""
CELL = 8
"""Pixels of the working size along a side of a cell; cells are what is matched."""


def working_size(height: int, width: int) -> tuple[int, int]:
    """Height and width at which an image is coloured: about `LINES` along its short side, multiples of `CELL`.

    >>> working_size(1080, 1920), working_size(240, 428), working_size(2000, 1000)
    ((272, 480), (272, 488), (544, 272))
    """
    scale = LINES / min(height, width)

    def scaled(side: int) -> int:
        return max(CELL, min(4 * LINES, round(side * scale / CELL) * CELL))

    return scaled(height), scaled(width)


def resize(planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Planes (height, width) or (height, width, channels), enlarged bilinearly or reduced without aliasing, float32."""
    if planes.shape[:2] == size:
        return planes.astype(np.float32, copy=False)
    channels = planes[..., None] if planes.ndim == 2 else planes
    images = torch.from_numpy(np.ascontiguousarray(channels, np.float32)).permute(2, 0, 1)[None]
    found = functional.interpolate(
        images, size, mode="bilinear", antialias=size[0] < planes.shape[0]
    )
    result = found[0].permute(1, 2, 0).numpy()
    return np.ascontiguousarray(result[..., 0] if planes.ndim == 2 else result)
