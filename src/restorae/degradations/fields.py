"""Shared building blocks: splines, smooth noise, strokes, colours.

Only additions, products, roots and comparisons: these round identically on every processor and in every lane of a vector unit,
so the damage of an image does not depend on its batch.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from restorae.pixels import to_grey
from restorae.randomness import RandomSource
from restorae.shapes import Images, PerImage

FINE = 256
"""Largest grid of a smooth field, in cells per axis; larger images interpolate it."""


def middles(count: int, device: torch.device) -> Tensor:
    """The centres of `count` pixels as fractions of the axis."""
    return (torch.arange(count, device=device, dtype=torch.float32) + 0.5) / count


def spline(knots: Tensor, at: Tensor, dim: int) -> Tensor:
    """The cubic B-spline with `knots` along `dim`, at the positions `at`, where 0 to 1 takes all knots but the outer two.

    Its first cell begins beside the second knot; at least four knots are needed.
    """
    cells = knots.shape[dim] - 3
    position = at * cells
    first = position.floor().clamp(0, cells - 1)
    into = position - first
    rest = 1 - into
    weights = (
        rest * rest * rest / 6,
        (3 * into * into * into - 6 * into * into + 4) / 6,
        (3 * rest * rest * rest - 6 * rest * rest + 4) / 6,
        into * into * into / 6,
    )
    total: Tensor | None = None
    for tap, weight in enumerate(weights):
        part = knots.index_select(dim, first.long() + tap)
        part *= weight.reshape([-1] + [1] * (-dim - 1))
        total = part if total is None else total.add_(part)
    assert total is not None
    return total


def slope(knots: Tensor, at: Tensor, dim: int) -> Tensor:
    """The derivative of that spline, per cell."""
    cells = knots.shape[dim] - 3
    position = at * cells
    first = position.floor().clamp(0, cells - 1)
    into = position - first
    rest = 1 - into
    weights = (
        -rest * rest / 2,
        (3 * into - 4) * into / 2,
        (4 - 3 * rest) * rest / 2,
        into * into / 2,
    )
    parts = [
        knots.index_select(dim, first.long() + tap) * weight.reshape([-1] + [1] * (-dim - 1))
        for tap, weight in enumerate(weights)
    ]
    return parts[0] + parts[1] + parts[2] + parts[3]


def sheet(field: Tensor, height: int, width: int) -> Tensor:
    """A grid of knots (batch, n, rows + 3, columns + 3) as a smooth field (batch, n, height, width)."""
    across = spline(field, middles(width, field.device), -1)
    return spline(across, middles(height, field.device), -2)


def knots_of(length: int, device: torch.device) -> Tensor:
    """Positions of the knots of a smooth field along an axis of `length` pixels, as fractions of it."""
    cells = min(length, FINE)
    return (torch.arange(cells + 3, device=device, dtype=torch.float32) - 1) / cells


def clouds(
    rng: RandomSource, batch: int, cells: int, octaves: int, rows: Tensor, columns: Tensor
) -> Tensor:
    """Smooth noise of mean 0 and variance 1, (batch, 1, rows, columns): each octave twice as fine and half as strong.

    The coarsest octave has `cells` cells along each axis.
    """
    total = torch.zeros(batch, 1, len(rows), len(columns), device=rows.device)
    for octave in range(octaves):
        knots = rng.normal((batch, 1, (cells << octave) + 3, (cells << octave) + 3))
        total += spline(spline(knots, columns.clamp(0, 1), -1), rows.clamp(0, 1), -2) * 0.5**octave
    # a B-spline of independent knots keeps 151/315 of their variance along each axis
    power = (151 / 315) ** 2 * sum(0.25**octave for octave in range(octaves))
    return total / math.sqrt(power)


def smooth_step(value: Tensor) -> Tensor:
    """From 0 at 0 to 1 at 1, level at both ends."""
    value = value.clamp(0, 1)
    return value * value * (3 - 2 * value)


class Stroke(NamedTuple):
    """A line drawn with a pen whose width and pressure change, one for each image."""

    points: Tensor
    """Knots of the path's spline in pixels, (batch, knots, down and across)."""
    width: Tensor
    """Knots of the width in pixels, (batch, knots)."""
    opacity: Tensor
    """Knots of the opacity, clipped to [0, 1], (batch, knots)."""
    aside: Tensor | None = None
    """Knots of the offset of the stroke's centre to the right of its path, in pixels, (batch, knots)."""


def paint(layers: Tensor, which: Tensor, stroke: Stroke, length: float, width: float) -> None:
    """Paint one stroke for each image onto `layers` (batch, layer, height, width), where the larger opacity wins.

    A pixel's share is that of a straight band of the stroke's width through a pixel's square, so that lines much thinner
    than a pixel are faint but not broken. Time and memory grow with the length of the stroke, not with the image.

    Args:
        layers: Opacity so far; modified in place.
        which: Layer of each image's stroke, (batch).
        stroke: The path.
        length: Largest length of a path, in pixels.
        width: Largest width of the band around a path, in pixels.
    """
    batch, _, height, columns = layers.shape
    row, column, share = stroke_pixels(stroke, length, width)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < columns)
    index = (
        which.reshape(-1, 1, 1) * height + row.clamp(0, height - 1)
    ).long() * columns + column.clamp(0, columns - 1).long()
    share = torch.where(inside, share, 0.0)
    layers.view(batch, -1).scatter_reduce_(1, index.view(batch, -1), share.view(batch, -1), "amax")


def stroke_pixels(stroke: Stroke, length: float, width: float) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, columns and opacities of the pixels of one stroke for each image, (batch, along, across) each.

    A pixel may come more than once; rows and columns are whole, and may lie outside the image.
    """
    device = stroke.points.device
    # a mark for each half pixel along and across: no pixel of the band is missed
    along = middles(2 * math.ceil(length) + 2, device)
    reach = math.ceil(width) + 2
    across = torch.arange(-reach, reach + 1, device=device, dtype=torch.float32) / 2
    path = spline(stroke.points, along, -2)[:, :, None]  # (batch, along, 1, 2)
    heading = slope(stroke.points, along, -2)[:, :, None]
    heading = heading / heading.square().sum(-1, keepdim=True).sqrt().clamp(min=1e-6)
    normal = torch.stack([heading[..., 1], -heading[..., 0]], -1)
    pixel = (path + across[:, None] * normal).floor()  # (batch, along, across, 2)
    offset = pixel + 0.5 - path
    distance = offset[..., 0] * normal[..., 0] + offset[..., 1] * normal[..., 1]
    if stroke.aside is not None:
        distance = distance - spline(stroke.aside, along, -1)[..., None]
    distance = distance.abs()
    wide = spline(stroke.width, along, -1).clamp(min=0)[..., None]
    share = (wide / 2 + 0.5 - distance).clamp(min=0).minimum(wide.clamp(max=1))
    share = share * spline(stroke.opacity, along, -1).clamp(0, 1)[..., None]
    row, column = pixel.unbind(-1)
    return row, column, share


def lighten_and_darken(images: Images, layers: Tensor, strength: PerImage) -> Images:
    """Blend white into the image by the first layer, black by the second."""
    light, dark = layers[:, :1] * strength, layers[:, 1:2] * strength
    return (images + light * (1 - images)) * (1 - dark)


def absorbed(hue: PerImage, channels: int) -> Tensor:
    """How much of each channel a filter of that hue takes (0 none, 1 all), (batch, channels, 1, 1).

    A filter transmits its own hue and absorbs the opposite one. For a grey image it is the absorbed brightness.
    """
    taken = torch.cat(
        [(1 - torch.cos(torch.deg2rad(hue - own))) / 2 for own in (0.0, 120.0, 240.0)], 1
    )
    if channels == 3:
        return taken
    return luminance(taken).expand(-1, channels, -1, -1)


def luminance(images: Images) -> Images:
    """Luminance of colour images, (batch, 1, height, width); grey images are returned as they are."""
    return to_grey(images) if images.shape[1] == 3 else images
