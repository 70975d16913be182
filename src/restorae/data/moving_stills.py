"""Clips made of stills: a drawn camera moves over the image, and cut-outs of other images move in front of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from restorae.degradations.fields import smooth_step
from restorae.shapes import Image, Images

FASTEST = 12.0
"""Fastest motion, in pixels per frame."""
_SHUTTER = 3
"""Positions that are averaged where the motion blurs."""


def move_over(
    still: Image,
    others: Sequence[Image],
    *,
    frames: int,
    patch: int,
    generator: torch.Generator,
) -> Images:
    """A clip of a patch of `still` (channels, height, width) as a moving camera sees it: (frames, channels, patch, patch).

    The camera's speed is drawn, mostly low, up to 12 pixels per frame; it turns, zooms, shakes, and sees a slow change of
    perspective. Each of `others` gives one cut-out with a smooth outline and a motion of its own; what it uncovers was
    hidden before. In a third of the clips motion blurs, over half of the time between two frames.

    Args:
        still: the background.
        others: images to take cut-outs of; they may be of any size.
        frames: number of frames.
        patch: side of the frames, in pixels.
        generator: of all that is drawn.
    """
    blurs = _uniform(generator, 1).item() < 1 / 3
    steps = _SHUTTER if blurs else 1
    times = torch.arange(frames, dtype=torch.float32)[:, None] - (frames - 1) / 2
    times = (times + (torch.arange(steps) / steps - 0.5 + 0.5 / steps) * 0.5 * blurs).flatten()
    clip = _seen(still, _camera(still, times, patch, generator), patch)
    for other in others:
        layer = _seen(other, _camera(other, times, patch, generator), patch)
        outline = _outline(times, patch, generator)
        clip = clip + outline * (layer - clip)
    return clip.view(frames, steps, *clip.shape[1:]).mean(1).clamp_(0, 1)


def _uniform(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(shape, generator=generator)


def _normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator)


def _path(times: Tensor, generator: torch.Generator) -> Tensor:
    """Offsets in pixels at each time, (times, 2): steady motion, a little acceleration, and sometimes shaking hands."""
    chance, turn, fast, shake = _uniform(generator, 4).tolist()
    # a tenth of the clips stand still; the others are slow more often than fast
    speed = 0.0 if chance < 0.1 else FASTEST * fast * fast
    direction = torch.tensor([math.sin(2 * math.pi * turn), math.cos(2 * math.pi * turn)])
    steady = speed * direction + 0.08 * speed * _normal(generator, 2) * times[:, None]
    knots = _normal(generator, 2, 7) * (0.6 if shake < 0.3 else 0.0)
    at = (times - times[0]).clamp(max=5.99)
    low = at.floor().long()
    shaken = knots[:, low] + (at - low) * (knots[:, low + 1] - knots[:, low])
    return steady * times[:, None] + shaken.mT


def _camera(image: Image, times: Tensor, patch: int, generator: torch.Generator) -> Tensor:
    """Where each pixel of the patch lies in the image at each time, (times, patch, patch, 2), columns and rows in pixels."""
    turn, zoom, tilt_y, tilt_x = _normal(generator, 4).tolist()
    height, width = image.shape[-2:]
    offset = _path(times, generator)
    reach = torch.tensor([max(0, height - patch), max(0, width - patch)], dtype=torch.float32)
    centre = torch.tensor([height, width]) / 2 + (_uniform(generator, 2) - 0.5) * reach
    angle = 0.006 * turn * times
    scale = (0.75 + 0.35 * _uniform(generator, 1)) * torch.exp(0.006 * zoom * times)
    axis = torch.arange(patch) + 0.5 - patch / 2
    y, x = (each[None] for each in torch.meshgrid(axis, axis, indexing="ij"))
    cosine, sine, size = (
        each[:, None, None] for each in (torch.cos(angle), torch.sin(angle), scale)
    )
    depth = 1 + (tilt_y * y + tilt_x * x) / patch * 0.01 * times[:, None, None]
    rows = centre[0] + size * (cosine * y - sine * x) / depth + offset[:, :1, None]
    columns = centre[1] + size * (sine * y + cosine * x) / depth + offset[:, 1:, None]
    return torch.stack([columns, rows], -1)


def _seen(image: Image, where: Tensor, patch: int) -> Images:
    height, width = image.shape[-2:]
    low, high = where.flatten(0, 2).amin(0), where.flatten(0, 2).amax(0)
    # only the part that is seen: the image may be large
    left, top = (int(max(0, value - 3)) for value in low.tolist())
    right, bottom = int(min(width, high[0].item() + 4)), int(min(height, high[1].item() + 4))
    left, top = min(left, width - 4), min(top, height - 4)
    part = image[:, top : max(bottom, top + 4), left : max(right, left + 4)]
    size = torch.tensor([part.shape[-1], part.shape[-2]], dtype=torch.float32)
    grid = (where - torch.tensor([left, top])) * 2 / size - 1
    return functional.grid_sample(
        part[None].expand(len(where), -1, -1, -1),
        grid,
        mode="bicubic",
        padding_mode="reflection",
        align_corners=False,
    )


def _outline(times: Tensor, patch: int, generator: torch.Generator) -> Tensor:
    """A blob that moves over the patch, (times, 1, patch, patch), 1 inside, its edge about two pixels wide."""
    radius, down, right = _uniform(generator, 3).tolist()
    radius = patch * (0.12 + 0.25 * radius)
    bumps = _normal(generator, 4).tolist()
    offset = _path(times, generator)
    axis = torch.arange(patch) + 0.5
    y = axis[None, :, None] - patch * down - offset[:, :1, None]
    x = axis[None, None, :] - patch * right - offset[:, 1:, None]
    angle = torch.atan2(y, x)
    edge = radius * (
        1
        + 0.2 * (bumps[0] * torch.cos(2 * angle) + bumps[1] * torch.sin(3 * angle))
        + 0.1 * (bumps[2] * torch.cos(5 * angle) + bumps[3] * torch.sin(7 * angle))
    )
    distance = (y * y + x * x).sqrt()
    return smooth_step((edge - distance) / 2 + 0.5)[:, None]
