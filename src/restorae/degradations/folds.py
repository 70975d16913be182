"""Mechanical damage to paper: folds and creases."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from torch import Tensor

from restorae.degradations.contract import Amount, Amounts, Count, Degradation, bounds
from restorae.degradations.fields import (
    Stroke,
    middles,
    paint,
    spline,
)
from restorae.randomness import RandomSource
from restorae.ranges import Within
from restorae.shapes import Images


class Folds(Degradation, kind="folds"):
    """Folds of a print: the image layer has flaked off along them and shows the bright paper.

    Each crosses the whole image, nearly straight, with ragged bright flakes and a fine dark crack. The bend of the paper
    makes one side a little lighter and the other a little darker.

    >>> from restorae.randomness import generator
    >>> folded = Folds(count=1).draw(generator(0), count=1).apply(torch.full((1, 1, 200, 200), 0.3))
    >>> 0 < (folded > 0.5).float().mean().item() < 0.03
    True
    """

    count: Annotated[Count, Within(0, 100)] = 2
    """Number of folds."""
    width: Annotated[Amount, Within(0.0, 0.2)] = 0.02
    """Largest width of the flakes as a fraction of the image's shorter side."""
    tilt: Annotated[Amount, Within(0.0, 45.0)] = 6.0
    """Largest angle to the image's edges, in degrees."""
    strength: Annotated[Amount, Within(0.0, 1.0)] = 0.9
    """Opacity of the flakes and the crack, 0 to 1."""
    shading: Annotated[Amount, Within(0.0, 1.0)] = 0.15
    """Relative change of brightness beside the fold at strength 1, 0 to 1."""
    paper: Annotated[Amount, Within(0.0, 1.0)] = 0.92
    """Brightness of the bare paper on the [0, 1] pixel scale."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        batch, _, height, width = images.shape
        most, device = int(bounds(self.count)[1]), images.device
        if most == 0:
            return images
        rngs, weave = rng.uniform((batch, most, 5)), rng.normal((batch, most, 14))
        worn = [rng.uniform((batch, most, 2, knots)) for knots in WEAR]
        layers = torch.zeros(batch, 2, height, width, device=device)
        longest, widest = (
            math.sqrt(2) * max(height, width) * 1.05,
            bounds(self.width)[1] * min(height, width),
        )
        flakes, crack = torch.zeros(batch, device=device), torch.ones(batch, device=device)
        finest = (torch.arange(WEAR[-1], device=device, dtype=torch.float32) + 0.5) / WEAR[-1]
        along = (torch.arange(14, device=device, dtype=torch.float32) - 1) / 11
        for index in range(most):
            counted = index < amounts["count"]
            line = _Line.drawn(rngs[:, index], amounts["tilt"], height, width)
            towards = torch.where(rngs[:, index, 4] < 0.5, -1.0, 1.0).view(-1, 1, 1, 1)
            images = images * (
                1
                + amounts["shading"]
                * amounts["strength"]
                * counted
                * towards
                * line.relief(height, width)
            )
            broad, counted = (
                (amounts["width"] * min(height, width)).view(-1, 1),
                counted.float().view(-1, 1),
            )
            # the two edges flake off independently: long pieces, shorter ones at their edges, and splinters
            wear = sum(
                (
                    spline(each[:, index], finest, -1) * share
                    for each, share in zip(worn, (0.5, 0.3, 0.2), strict=True)
                )
            )
            assert isinstance(wear, Tensor)
            left, right = ((5 * (wear - 0.45)).clamp(0, 1) * broad[..., None] / 2).unbind(1)
            points = line.points(along, 0.15 * broad * weave[:, index], height, width)
            paint(
                layers,
                flakes,
                Stroke(points, left + right, counted.expand(-1, 4), (right - left) / 2),
                longest,
                widest,
            )
            paint(
                layers,
                crack,
                Stroke(points, (0.1 * broad).expand(-1, 4), 0.6 * counted.expand(-1, 4)),
                longest,
                widest * 0.1,
            )
        bare, dark = layers[:, :1] * amounts["strength"], layers[:, 1:] * amounts["strength"]
        images = images * (1 - dark)
        return images + bare * (amounts["paper"] - images)


WEAR = (20, 60, 240)
"""Knots of the flakes along a fold, for three scales: long pieces, shorter ones, splinters."""


class _Line:
    """One fold of each image: horizontal or vertical, with an offset and a slope."""

    def __init__(self, *, upright: Tensor, offset: Tensor, slope: Tensor) -> None:
        self.upright, self.offset, self.slope = upright, offset, slope  # (batch, 1, 1, 1) each

    @classmethod
    def drawn(cls, rngs: Tensor, tilt: Tensor, height: int, width: int) -> _Line:
        side, offset, lean = rngs[:, :3, None, None, None].unbind(1)
        slope = torch.tan(torch.deg2rad(tilt * (2 * lean - 1)))
        upright = side < width / (height + width)  # wide prints have more vertical folds
        return cls(upright=upright, offset=0.08 + 0.84 * offset, slope=slope)

    def points(self, along: Tensor, aside: Tensor, height: int, width: int) -> Tensor:
        """Knots in pixels, (batch, knots, down and across)."""
        upright, offset, slope = (
            each.view(-1, 1) for each in (self.upright, self.offset, self.slope)
        )
        level = torch.stack(
            [
                offset * height + slope * (along - 0.5) * width + aside,
                (along * width).expand_as(aside),
            ],
            -1,
        )
        steep = torch.stack(
            [
                (along * height).expand_as(aside),
                offset * width + slope * (along - 0.5) * height + aside,
            ],
            -1,
        )
        return torch.where(upright[..., None], steep, level)

    def relief(self, height: int, width: int) -> Tensor:
        """Relative brightness on both sides of the fold, -1 to 1, within a tenth of the shorter side, (batch, 1, height, width)."""
        down = (middles(height, self.slope.device) * height)[:, None]
        across = middles(width, self.slope.device) * width
        # distance as a plane over the image, a + b·down + c·across
        one, slope = torch.ones_like(self.slope), self.slope
        rises = torch.where(self.upright, -slope, one)
        runs = torch.where(self.upright, one, -slope)
        start = -torch.where(
            self.upright,
            self.offset * width - slope * height / 2,
            self.offset * height - slope * width / 2,
        )
        tenth = 0.1 * min(height, width) * (1 + slope * slope).sqrt()
        distance = ((start + rises * down) / tenth + runs / tenth * across).clamp_(-1, 1)
        rest = 1 - distance.abs()
        return distance.mul_(rest).mul_(rest).mul_(27 / 4)


class Creases(Degradation, kind="creases"):
    r"""Creases of crumpled paper: facets that reflect the light differently, $y = x\,(1 + s \sum_k a_k)$.

    Each crease is a short ridge or valley in any direction. The side towards the light is brighter, the other darker, and both
    fade out with the distance. The crease itself is a fine line, bright on a ridge and dark in a valley.

    >>> from restorae.randomness import generator
    >>> paper = Creases(count=30, strength=0.2).draw(generator(0), count=1).apply(torch.full((1, 1, 100, 100), 0.8))
    >>> 0.01 < paper.std().item() < 0.2
    True
    """

    count: Annotated[Count, Within(0, 400)] = 40
    """Number of creases."""
    size: Annotated[Amount, Within(0.0, 2.0)] = 0.5
    """Length of the longest as a fraction of the image's shorter side; the others have at least a third of it."""
    strength: Annotated[Amount, Within(0.0, 1.0)] = 0.15
    """Relative change of brightness beside the strongest crease, 0 to 1; the others have at least a quarter of it."""
    lines: Annotated[Amount, Within(0.0, 1.0)] = 0.3
    """Relative change of brightness by the line of the strongest crease, 0 to 1."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        batch, _, height, width = images.shape
        most, short = int(bounds(self.count)[1]), min(height, width)
        if most == 0:
            return images
        rngs, ways = rng.uniform((batch, most, 5)), rng.normal((batch, most, 2))
        ways = ways / ways.square().sum(-1, keepdim=True).sqrt().clamp(min=1e-6)
        down, across = (
            (middles(height, images.device) * height)[:, None],
            middles(width, images.device) * width,
        )
        light = torch.zeros(batch, 1, height, width, device=images.device)
        for index in range(most):
            top, left, large, strong, kind = rngs[:, index, :, None, None, None].unbind(1)
            y, x = down - (1.2 * top - 0.1) * height, across - (1.2 * left - 0.1) * width
            rise, run = ways[:, index, :, None, None, None].unbind(1)
            reach = amounts["size"] * short * (1 / 3 + 2 / 3 * large) / 2
            aside = rise * y + run * x
            near = (1 - (y * y + x * x) / (reach * reach).clamp(min=1e-3)).clamp(min=0)
            weight = (0.25 + 0.75 * strong) * (index < amounts["count"])
            # bright on one side, dark on the other, with an edge one pixel wide; reversed in a valley
            tilt = amounts["strength"] * aside.clamp(-1, 1)
            line = amounts["lines"] * (1 - aside.abs()).clamp(min=0)
            sign = torch.where(kind < 0.5, -1.0, 1.0)
            light += weight * near * (near * tilt + sign * line)
        return images * (1 + light).clamp(min=0)
