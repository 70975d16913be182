"""Lost resolution: pictures that were made small and enlarged again."""

from __future__ import annotations

from typing import Annotated, Literal

from torch.nn import functional

from restorae.degradations.contract import Amount, Amounts, Degradation
from restorae.parts import Within
from restorae.randomness import RandomSource
from restorae.shapes import Images


class Downscale(Degradation, kind="downscale"):
    """The picture at a fraction of its size, enlarged again to what it was (bicubic): thumbnails, small scans, old websites.

    >>> import torch
    >>> from restorae.randomness import generator
    >>> fine = torch.tensor([0.0, 1.0]).repeat(8, 4)[None, None]
    >>> Downscale(factor=2).draw(generator(0), count=1).apply(fine).unique().tolist()
    [0.5]
    """

    factor: Annotated[Amount, Within(1.0, 64.0)] = 2.0
    """How many pixels become one along each side; the small picture has a whole number of them, one at least."""
    method: Literal["area", "bicubic"] = "area"
    """How it is made small: `area` takes the mean of what a pixel covers, `bicubic` is sharper and may overshoot a little."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        height, width = images.shape[-2:]
        degraded = images.clone()
        for place, factor in enumerate(amounts["factor"].flatten().tolist()):
            size = (max(1, round(height / factor)), max(1, round(width / factor)))
            if size == (height, width):
                continue
            image = images[place : place + 1]
            if self.method == "area":
                small = functional.interpolate(image, size, mode="area")
            else:
                small = functional.interpolate(image, size, mode="bicubic", antialias=True)
            degraded[place] = functional.interpolate(small, (height, width), mode="bicubic")[0]
        return degraded
