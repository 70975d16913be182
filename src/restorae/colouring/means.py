"""Means over squares."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def box_means(maps: Tensor, side: int) -> Tensor:
    """Means over squares of an odd side around each place; borders are repeated.

    Args:
        maps: (batch, channels, height, width).
        side: in places of the maps.
    """
    around = side // 2
    padded = functional.pad(maps, (around,) * 4, "replicate")
    return functional.avg_pool2d(functional.avg_pool2d(padded, (1, side), 1), (side, 1), 1)
