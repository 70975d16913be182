"""Small changes that make new examples of old ones and leave what they show unchanged."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from restorae.shapes import Images

TURN = math.radians(8)
SCALE = 0.08
SHEAR = 0.08
SHIFT = 0.06
ELASTIC = 0.03
ELASTIC_CELLS = 5


def bend(images: Images, generator: torch.Generator) -> Images:
    """Small affine and elastic changes (Simard et al., 2003), one per image; for handwriting and the like.

    Turned by up to 8°, scaled and sheared by up to 8 %, shifted by up to 3 % of the side, and bent by a smooth random
    field of about 1.5 % of the side. Outside is black.
    """
    batch, _, height, width = images.shape

    def uniform(*shape: int) -> Tensor:
        return torch.rand(batch, *shape, generator=generator, device=images.device) * 2 - 1

    angle, shear = uniform() * TURN, uniform() * SHEAR
    across, down = 1 + uniform() * SCALE, 1 + uniform() * SCALE
    matrix = torch.stack(
        [
            torch.stack([across * angle.cos(), -angle.sin() + shear, uniform() * SHIFT], -1),
            torch.stack([angle.sin(), down * angle.cos(), uniform() * SHIFT], -1),
        ],
        dim=1,
    )  # (batch, 2, 3)
    places = functional.affine_grid(matrix, [batch, 1, height, width], align_corners=False)
    field = uniform(2, ELASTIC_CELLS, ELASTIC_CELLS) * ELASTIC * 2
    field = functional.interpolate(field, (height, width), mode="bicubic", align_corners=True)
    return functional.grid_sample(images, places + field.movedim(1, -1), align_corners=False)
