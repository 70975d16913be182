"""Blur of lenses and focus errors."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from restorae.degradations.contract import Amount, Amounts, Degradation, bounds
from restorae.randomness import RandomSource
from restorae.ranges import Within
from restorae.shapes import Images


class Blur(Degradation, kind="blur"):
    """Gaussian blur. The border is replicated, so a flat image stays flat.

    >>> from restorae.randomness import generator
    >>> flat = torch.full((1, 1, 8, 8), 0.5)
    >>> bool(Blur(sigma=2.0).draw(generator(0), count=1).apply(flat).allclose(flat))
    True
    """

    aliases: ClassVar[tuple[str, ...]] = ("gaussian-blur",)

    sigma: Annotated[Amount, Within(0.0, 100.0)] = 1.0
    """Standard deviation of the kernel in pixels, independent of the image size."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        # the radius follows the setting, not the draw: so it does not depend on the batch
        radius = math.ceil(4 * bounds(self.sigma)[1])
        if radius == 0:
            return images
        kernels = gaussian_kernels(amounts["sigma"], radius)  # (batch, 1, 1, 2·radius + 1)
        return filter_rows(filter_rows(images, kernels).mT, kernels).mT.contiguous()


def gaussian_kernels(sigma: Tensor, radius: int) -> Tensor:
    """Gaussian kernels, (batch, 1, 1, 2 · radius + 1), for standard deviations (batch, 1, 1, 1)."""
    distance = torch.arange(-radius, radius + 1, device=sigma.device, dtype=torch.float32)
    weights = torch.exp(-0.5 * (distance / sigma.clamp(min=1e-3)) ** 2)
    return weights / weights.sum(-1, keepdim=True)


def filter_rows(images: Images, kernels: Tensor) -> Images:
    """Each row through its image's kernel; beyond the edges the last pixel is repeated."""
    width, radius = images.shape[-1], kernels.shape[-1] // 2
    rows = functional.pad(images, (radius, radius, 0, 0), mode="replicate")
    # tap by tap: a grouped convolution's last digits depend on how many images are in the batch
    blurred = torch.zeros_like(images)
    for tap, weight in enumerate(kernels.unbind(-1)):
        blurred += weight[..., None] * rows[..., tap : tap + width]
    return blurred
