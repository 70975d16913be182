"""Loss of resolution: images reduced and enlarged again."""

from __future__ import annotations

from typing import Annotated, Literal

from torch.nn import functional

from restorae.degradations.contract import Amount, Amounts, Degradation
from restorae.randomness import RandomSource
from restorae.ranges import Within
from restorae.shapes import Images


class Downscale(Degradation, kind="downscale"):
    """Reduces the image and enlarges it again (bicubic), as in thumbnails, small scans and old websites.

    >>> import torch
    >>> from restorae.randomness import generator
    >>> fine = torch.tensor([0.0, 1.0]).repeat(8, 4)[None, None]
    >>> Downscale(factor=2).draw(generator(0), count=1).apply(fine).unique().tolist()
    [0.5]
    """

    factor: Annotated[Amount, Within(1.0, 64.0)] = 2.0
    """Reduction factor of height and width; the reduced size is rounded to whole pixels, at least one."""
    method: Literal["area", "bicubic"] = "area"
    """Reduction method: `area` takes the mean over each pixel, `bicubic` is sharper and may overshoot a little."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        height, width = images.shape[-2:]
        degraded = images.clone()
        for index, factor in enumerate(amounts["factor"].flatten().tolist()):
            size = (max(1, round(height / factor)), max(1, round(width / factor)))
            if size == (height, width):
                continue
            image = images[index : index + 1]
            if self.method == "area":
                small = functional.interpolate(image, size, mode="area")
            else:
                small = functional.interpolate(image, size, mode="bicubic", antialias=True)
            degraded[index] = functional.interpolate(small, (height, width), mode="bicubic")[0]
        return degraded
