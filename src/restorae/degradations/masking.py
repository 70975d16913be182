"""Masking: missing parts of an image."""

from __future__ import annotations

from typing import Annotated

import torch

from restorae.degradations.contract import Amount, Amounts, Count, Degradation, bounds
from restorae.randomness import RandomSource
from restorae.ranges import Within
from restorae.shapes import Images


class Masking(Degradation, kind="masking"):
    """Rectangular holes, filled with one value; each lies entirely inside the image.

    >>> from restorae.randomness import generator
    >>> holed = Masking(count=1, size=0.5).draw(generator(0), count=1).apply(torch.ones(1, 1, 64, 64))
    >>> round((holed == 0).float().mean().item(), 2)
    0.25
    """

    count: Annotated[Count, Within(0, 1000)] = 3
    """Number of holes."""
    size: Annotated[Amount, Within(0.0, 1.0)] = 0.25
    """Sides of each hole as a fraction of the image's sides."""
    value: Annotated[Amount, Within()] = 0.0
    """Value of the holes, on the [0, 1] pixel scale."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        batch, _, height, width = images.shape
        most = int(bounds(self.count)[1])
        if most == 0:
            return images
        # fractions first, pixels last: the same draw gives the same holes at every size
        top, left = rng.uniform((batch, most, 2)).mul(1 - amounts["size"].view(-1, 1, 1)).unbind(-1)
        row = (torch.arange(height, device=images.device) + 0.5) / height
        column = (torch.arange(width, device=images.device) + 0.5) / width
        size = amounts["size"].view(-1, 1, 1)
        in_rows = (row >= top[..., None]) & (row < top[..., None] + size)  # (batch, most, height)
        in_columns = (column >= left[..., None]) & (
            column < left[..., None] + size
        )  # (batch, most, width)
        counted = torch.arange(most, device=images.device) < amounts["count"].view(-1, 1)
        holes = (in_rows[..., None] & in_columns[..., None, :] & counted[..., None, None]).any(
            1, keepdim=True
        )
        return torch.where(holes, amounts["value"], images)
