"""Liquids and ink in paper: stains and bleed-through."""

from __future__ import annotations

from typing import Annotated

import torch

from restorae.degradations.blur import Blur
from restorae.degradations.contract import Amount, Amounts, Count, Degradation, bounds
from restorae.degradations.fields import (
    absorbed,
    clouds,
    knots_of,
    sheet,
    smooth_step,
)
from restorae.randomness import RandomSource
from restorae.ranges import Within
from restorae.shapes import Images


class Stains(Degradation, kind="stains"):
    r"""Stains of water, coffee or damp, $y = x\prod_k (1 - s\,a_k\,c)$.

    $a_k$ is the stain: a ragged round patch, cloudy inside, with the darker rim of a dried liquid. $c$ is the share of each channel
    that its colour absorbs. Black stays black.

    Reference for the rim: R. D. Deegan et al., "Capillary flow as the cause of ring stains from dried liquid drops", 1997.

    >>> from restorae.randomness import generator
    >>> stained = Stains(count=2).draw(generator(0), count=1).apply(torch.ones(1, 1, 64, 64))
    >>> stained.min().item() < 0.9 and stained.max().item() <= 1
    True
    """

    count: Annotated[Count, Within(0, 200)] = 4
    """Number of stains."""
    size: Annotated[Amount, Within(0.0, 2.0)] = 0.5
    """Diameter of the largest as a fraction of the image's shorter side; the others have at least a third of it."""
    strength: Annotated[Amount, Within(0.0, 1.0)] = 0.6
    """Share of the light that the rim of the strongest absorbs of the opposite colour, 0 to 1; the others have at least half of it."""
    hue: Annotated[Amount, Within(-360.0, 360.0)] = 35.0
    """Hue in degrees: 0 red, 35 the brown of tea and old water, 120 green, 240 blue."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        batch, channels, height, width = images.shape
        most, short = int(bounds(self.count)[1]), min(height, width)
        if most == 0:
            return images
        rngs = rng.uniform((batch, most, 5))
        rows, columns = (knots_of(length, images.device) for length in (height, width))
        ragged, cloudy = (clouds(rng, batch, 3, octaves, rows, columns) for octaves in (5, 4))
        passed = torch.ones_like(ragged)
        for index in range(most):
            down, right, large, strong, soft = rngs[:, index, :, None, None, None].unbind(
                1
            )  # (batch, 1, 1, 1) each
            radius = amounts["size"] * short * (1 / 3 + 2 / 3 * large) / 2
            y, x = (rows[:, None] - down) * height, (columns - right) * width
            # depth below the rim in radii: 0 on it
            depth = 1 - (y * y + x * x).sqrt() / radius.clamp(min=1e-3) + 0.24 * ragged
            inside = smooth_step(depth / (0.02 + 0.08 * soft))
            rim = inside * (1 - smooth_step(depth / 0.12))
            cover = (
                (inside * (0.5 + 0.15 * cloudy).clamp(0.1, 0.9))
                .maximum(2 * rim * (0.6 + 0.25 * cloudy).clamp(0, 1))
                .clamp(0, 1)
            )
            # no stain below the size of a pixel
            cover = cover * ((index < amounts["count"]) & (radius > 0.5))
            passed = passed * (1 - amounts["strength"] * (0.5 + 0.5 * strong) * cover)
        # dark brown absorbs a share of every colour
        taken = 0.3 + 0.7 * absorbed(amounts["hue"], channels)
        return images * (1 - taken * sheet(1 - passed, height, width))


class BleedThrough(Degradation, kind="bleed-through"):
    r"""The other side of a thin page: the mirrored image, shifted and blurred, $y = x\,(1 - s\,(1 - m / \max m))$.

    $m$ is the mirrored image: its dark parts darken the page, its blank paper does not. It stands in for the other page, so
    that the result depends on no other image.

    >>> from restorae.randomness import generator
    >>> page = torch.ones(1, 1, 40, 40)
    >>> page[..., 10:14, 4:16] = 0
    >>> seen = BleedThrough(strength=0.3, blur=0, shift=0).draw(generator(0), count=1).apply(page)
    >>> [round(value, 1) for value in seen[0, 0, 12, [0, 10, 30]].tolist()]
    [1.0, 0.0, 0.7]
    """

    strength: Annotated[Amount, Within(0.0, 1.0)] = 0.3
    """Share of the light that black on the other side absorbs, 0 to 1."""
    blur: Annotated[Amount, Within(0.0, 100.0)] = 1.5
    """Spread of the light in the paper: standard deviation in pixels."""
    shift: Annotated[Amount, Within(0.0, 0.5)] = 0.25
    """Largest shift of the other side, as a fraction of the image's height and width; it wraps around."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        batch, _, height, width = images.shape
        size = torch.tensor([height, width], device=images.device)
        moves = (
            ((2 * rng.uniform((batch, 2)) - 1) * amounts["shift"].view(-1, 1) * size)
            .round()
            .long()
            .tolist()
        )
        behind = torch.empty_like(images)
        for index, (down, right) in enumerate(moves):
            behind[index] = images[index].flip(-1).roll((down, right), (-2, -1))
        behind = Blur(sigma=self.blur).change(behind, {"sigma": amounts["blur"]}, rng)
        blank = behind.amax((1, 2, 3), keepdim=True).clamp(min=1e-3)
        return images * (1 - amounts["strength"] * (1 - behind / blank).clamp(0, 1))
