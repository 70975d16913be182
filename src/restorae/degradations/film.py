"""Film damage: scratches, dust and hairs, light or dark."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from torch import Tensor

from restorae.degradations.contract import Amount, Amounts, Count, Degradation, bounds
from restorae.degradations.fields import Stroke, lighten_and_darken, paint
from restorae.randomness import RandomSource
from restorae.ranges import Within
from restorae.shapes import Images

MARKS = 1 << 20
"""Pixels of specks that are painted at once; bounds the memory."""


class Scratches(Degradation, kind="scratches"):
    """Thin scratches along the film: light where the emulsion is missing, dark where dirt collects.

    They waver a little, vary in opacity and taper off. The same draw gives the same scratches at every image size; lines thinner
    than a pixel are faint.

    >>> from restorae.randomness import generator
    >>> scratched = Scratches(count=1, light=1).draw(generator(0), count=1).apply(torch.zeros(1, 1, 200, 200))
    >>> 0 < (scratched > 0.05).float().mean().item() < 0.02
    True
    """

    count: Annotated[Count, Within(0, 1000)] = 5
    """Number of scratches."""
    width: Annotated[Amount, Within(0.0, 0.1)] = 0.004
    """Width of the widest as a fraction of the image's shorter side; the others have at least a third of it."""
    length: Annotated[Amount, Within(0.0, 2.0)] = 1.0
    """Length of the longest as a fraction of the image's height; the others have at least a quarter of it."""
    tilt: Annotated[Amount, Within(0.0, 90.0)] = 2.0
    """Largest angle to the vertical, in degrees; 90 gives all directions."""
    strength: Annotated[Amount, Within(0.0, 1.0)] = 0.8
    """Opacity of the strongest, 0 to 1; the others have at least half of it."""
    light: Annotated[Amount, Within(0.0, 1.0)] = 0.7
    """Share of the scratches that are light, 0 to 1; the others are dark."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        batch, _, height, width = images.shape
        most, short = int(bounds(self.count)[1]), min(height, width)
        if most == 0:
            return images
        rngs = rng.uniform((batch, most, 7))
        weave, pressure = rng.normal((batch, most, 9)), rng.uniform((batch, most, 22))
        layers = torch.zeros(batch, 2, height, width, device=images.device)
        along = (torch.arange(9, device=images.device, dtype=torch.float32) - 1) / 6 - 0.5
        ends = _tapered(22, images.device)
        for index in range(most):
            down, right, lean, long, wide, strong, colour = rngs[:, index].unbind(
                -1
            )  # (batch) each
            angle = torch.deg2rad(_flat(amounts["tilt"]) * (2 * lean - 1))
            length = _flat(amounts["length"]) * height * (0.25 + 0.75 * long)
            aside = length[:, None] * 0.002 * weave[:, index]
            points = (
                _across(angle, along * length[:, None], aside)
                + torch.stack([down * height, right * width], -1)[:, None]
            )
            counted = index < _flat(amounts["count"])
            opacity = (0.5 + 0.5 * strong) * counted
            stroke = Stroke(
                points,
                (_flat(amounts["width"]) * short * (1 / 3 + 2 / 3 * wide))[:, None].expand(-1, 4),
                (2.4 * pressure[:, index] - 0.3).clamp(0, 1) * ends * opacity[:, None],
            )
            dark = (colour >= _flat(amounts["light"])).float()
            paint(
                layers,
                dark,
                stroke,
                bounds(self.length)[1] * height * 1.05,
                bounds(self.width)[1] * short,
            )
        return lighten_and_darken(images, layers, amounts["strength"])


class Dust(Degradation, kind="dust"):
    r"""Small specks of irregular shape: light ones from dust on a negative, dark ones from dust on a print.

    Most are small: a speck's diameter is $d\,(1 + 3u^2) / 4$ with $u$ uniform. The same draw gives the same specks at every
    image size; those smaller than a pixel are faint.

    >>> from restorae.randomness import generator
    >>> dusty = Dust(count=50, light=1).draw(generator(0), count=1).apply(torch.zeros(1, 1, 200, 200))
    >>> 0 < (dusty > 0.05).float().mean().item() < 0.02
    True
    """

    count: Annotated[Count, Within(0, 10000)] = 80
    """Number of specks."""
    size: Annotated[Amount, Within(0.0, 0.2)] = 0.012
    """Diameter of the largest as a fraction of the image's shorter side."""
    strength: Annotated[Amount, Within(0.0, 1.0)] = 0.9
    """Opacity of the strongest, 0 to 1; the others have at least half of it."""
    light: Annotated[Amount, Within(0.0, 1.0)] = 0.7
    """Share of the specks that are light, 0 to 1; the others are dark."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        batch, _, height, width = images.shape
        most, short = int(bounds(self.count)[1]), min(height, width)
        if most == 0:
            return images
        rngs = rng.uniform((batch, most, 9))
        layers = torch.zeros(batch, 2, height, width, device=images.device)
        counted = torch.arange(most, device=images.device) < amounts["count"].view(-1, 1)
        # a bump reaches 1.57 radii at most; the box follows the setting, not the draw
        reach = math.ceil(0.8 * bounds(self.size)[1] * short) + 1
        at_once = max(1, MARKS // (batch * (2 * reach + 1) ** 2))
        for start in range(0, most, at_once):
            piece = slice(start, start + at_once)
            _specks(layers, rngs[:, piece], counted[:, piece], amounts, reach)
        return lighten_and_darken(images, layers, amounts["strength"])


class Hair(Degradation, kind="hair"):
    """Thin curved lines: hairs and fibres on the film, the print or the scanner's glass.

    >>> from restorae.randomness import generator
    >>> haired = Hair(count=1, light=1).draw(generator(0), count=1).apply(torch.zeros(1, 1, 200, 200))
    >>> 0 < (haired > 0.05).float().mean().item() < 0.02
    True
    """

    count: Annotated[Count, Within(0, 1000)] = 4
    """Number of hairs."""
    length: Annotated[Amount, Within(0.0, 2.0)] = 0.3
    """Length of the longest along its curve, as a fraction of the image's shorter side; the others have at least a quarter of it."""
    width: Annotated[Amount, Within(0.0, 0.05)] = 0.005
    """Width of the widest as a fraction of the image's shorter side; the others have at least half of it."""
    curl: Annotated[Amount, Within(0.0, 360.0)] = 120.0
    """Curvature: standard deviation of the turn from end to end, in degrees."""
    strength: Annotated[Amount, Within(0.0, 1.0)] = 0.8
    """Opacity of the strongest, 0 to 1; the others have at least half of it."""
    light: Annotated[Amount, Within(0.0, 1.0)] = 0.3
    """Share of the hairs that are light, 0 to 1; the others are dark."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        batch, _, height, width = images.shape
        most, short = int(bounds(self.count)[1]), min(height, width)
        if most == 0:
            return images
        rngs, turns = rng.uniform((batch, most, 7)), rng.normal((batch, most, 10))
        layers = torch.zeros(batch, 2, height, width, device=images.device)
        for index in range(most):
            down, right, towards, long, wide, strong, colour = rngs[:, index].unbind(
                -1
            )  # (batch) each
            # one bend for the whole hair and a smaller one of its own at each of eight steps; six of them are drawn
            bend = (
                turns[:, index, :1] * 0.8 / 6 + turns[:, index, 1:] * 0.6 / math.sqrt(6)
            ) * _flat(amounts["curl"])[:, None]
            heading = torch.deg2rad(360 * towards[:, None] + bend.cumsum(-1))  # (batch, 9)
            step = (_flat(amounts["length"]) * short * (0.25 + 0.75 * long) / 6)[:, None]
            points = torch.stack([heading.sin() * step, heading.cos() * step], -1).cumsum(-2)
            points = (
                points - points[:, 4:5] + torch.stack([down * height, right * width], -1)[:, None]
            )
            opacity = (0.5 + 0.5 * strong) * (index < _flat(amounts["count"]))
            stroke = Stroke(
                points,
                (_flat(amounts["width"]) * short * (0.5 + 0.5 * wide))[:, None]
                * _tapered(24, images.device, end=0.4),
                opacity[:, None].expand(-1, 4),
            )
            dark = (colour >= _flat(amounts["light"])).float()
            paint(
                layers, dark, stroke, bounds(self.length)[1] * short, bounds(self.width)[1] * short
            )
        return lighten_and_darken(images, layers, amounts["strength"])


def _flat(amount: Tensor) -> Tensor:
    return amount.reshape(-1)


def _tapered(knots: int, device: torch.device, end: float = 0.0) -> Tensor:
    """1 except at the first and last two knots, where a stroke ends."""
    shape = torch.ones(knots, device=device)
    shape[:2] = shape[-2:] = end
    return shape


def _across(angle: Tensor, along: Tensor, aside: Tensor) -> Tensor:
    """Points `along` a line that leans by `angle` from the vertical, and `aside` from it, (batch, knots, down and across)."""
    sine, cosine = angle.sin()[:, None], angle.cos()[:, None]
    return torch.stack([along * cosine - aside * sine, along * sine + aside * cosine], -1)


def _specks(layers: Tensor, rngs: Tensor, counted: Tensor, amounts: Amounts, reach: int) -> None:
    """Paint specks on each image: circles with two and three bumps, each in its own box."""
    batch, _, height, width = layers.shape
    down, right, large, strong, colour, *bumps = rngs[..., None, None].unbind(
        2
    )  # (batch, specks, 1, 1) each
    bumps = [2 * bump - 1 for bump in bumps]
    radius = amounts["size"] * min(height, width) * (1 + 3 * large * large) / 8
    down, right = down * height, right * width
    box = torch.arange(-reach, reach + 1, device=layers.device, dtype=torch.float32)
    row, column = (
        down.floor() + box[:, None],
        right.floor() + box,
    )  # (batch, specks, box, 1), (batch, specks, 1, box)
    y, x = row + 0.5 - down, column + 0.5 - right
    distance = (y * y + x * x).sqrt()
    sine, cosine = (offset / distance.clamp(min=1e-6) for offset in (y, x))
    twice = (2 * cosine * cosine - 1, 2 * sine * cosine)
    thrice = ((4 * cosine * cosine - 3) * cosine, (3 - 4 * sine * sine) * sine)
    edge = (
        1
        + 0.25 * (bumps[0] * twice[0] + bumps[1] * twice[1])
        + 0.15 * (bumps[2] * thrice[0] + bumps[3] * thrice[1])
    )
    # those below a pixel cover a share of it
    share = (radius * edge - distance + 0.5).clamp(0, 1) * (4 * radius * radius).clamp(max=1)
    share = share * (0.5 + 0.5 * strong) * counted[..., None, None]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    share = torch.where(inside, share, 0.0)
    dark = (colour >= amounts["light"]).long()
    index = (dark * height + row.clamp(0, height - 1).long()) * width + column.clamp(
        0, width - 1
    ).long()
    layers.view(batch, -1).scatter_reduce_(
        1, index.reshape(batch, -1), share.reshape(batch, -1), "amax"
    )
