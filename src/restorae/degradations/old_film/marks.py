"""Dust, dirt, hairs, scratches and splices as layers of opacity: how light and how dark each pixel is covered."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from restorae.degradations.fields import Stroke, stroke_pixels
from restorae.degradations.old_film.parameters import FilmParameters
from restorae.degradations.old_film.timeline import Moment
from restorae.degradations.old_film.window import Window

LARGEST = 0.06
"""Diameter of the largest speck, in frame heights."""
REACHES = (3, 6, 12, 24, 48, 96)
"""Half sides of the boxes in which specks are painted, in pixels; each speck takes the smallest that holds it."""
_SPECK = 13
_HAIR = 12


class Layers:
    """Opacity of light and of dark marks over some frames, (frames, 2, height, width): where two meet, the larger wins."""

    def __init__(self, frames: int, size: Sequence[int]) -> None:
        self.opacity = torch.zeros(frames, 2, *size)

    def put(self, rows: Tensor, columns: Tensor, which: Tensor, share: Tensor) -> None:
        """Put marks: `which` is the frame's number times two, plus one for dark ones."""
        height, width = self.opacity.shape[-2:]
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width) & (share > 0)
        index = (which * height + rows) * width + columns
        self.opacity.view(-1).scatter_reduce_(0, index[inside], share[inside], "amax")


def paint_specks(
    layers: Layers,
    films: Sequence[FilmParameters],
    moments: Sequence[Moment],
    sources: Sequence[np.random.Generator],
    window: Window,
) -> None:
    """Paint the dust and dirt of each frame; specks that only touch the patch from outside are painted too."""
    height, width = layers.opacity.shape[-2:]
    margin = LARGEST / 2 * window.height
    area = (height + 2 * margin) * (width + 2 * margin) / window.height**2
    values, frame = [], []
    for number, (film, moment, source) in enumerate(zip(films, moments, sources, strict=True)):
        count = source.poisson(film.dust * moment.soiling * area)
        drawn = source.random((count, _SPECK), np.float32)
        spread = source.standard_normal(count, np.float32)
        is_dirt = drawn[:, 0] < film.dirt
        diameter = np.where(
            is_dirt, 0.022 * np.exp(0.45 * spread), film.dust_size * np.exp(0.55 * spread)
        )
        drawn[:, 0] = diameter.clip(0, LARGEST) * window.height
        drawn[:, 1] = drawn[:, 1] * (height + 2 * margin) - margin
        drawn[:, 2] = drawn[:, 2] * (width + 2 * margin) - margin
        # most of the dust is nearly opaque; blots are not
        drawn[:, 3] = np.where(is_dirt, 0.25 + 0.5 * drawn[:, 3], 1 - 0.7 * drawn[:, 3] ** 1.5)
        drawn[:, 4] = drawn[:, 4] >= film.dust_light
        values.append(drawn)
        frame.append(np.full(count, number, np.int64))
    specks = torch.from_numpy(np.concatenate(values))
    numbers = torch.from_numpy(np.concatenate(frame))
    reach = 1.15 * specks[:, 0] + 1
    smallest = 0
    for largest in REACHES:
        chosen = (reach > smallest) & ((reach <= largest) | (largest == REACHES[-1]))
        smallest = largest
        if chosen.any():
            _paint_boxes(layers, specks[chosen], numbers[chosen], largest)


def _paint_boxes(layers: Layers, specks: Tensor, numbers: Tensor, reach: int) -> None:
    """Specks with wavy outlines, longer than wide, their edges softer than a pixel's."""
    diameter, down, right, opacity, dark, turn, long, *bumps, soft = specks[..., None, None].unbind(
        1
    )
    box = torch.arange(-reach, reach + 1, dtype=torch.float32)
    rows, columns = down.floor() + box[:, None], right.floor() + box
    y, x = rows + 0.5 - down, columns + 0.5 - right
    sine, cosine = _direction(turn)
    along, aside = y * cosine + x * sine, x * cosine - y * sine
    stretch = (1 + 2.5 * long * long * long).sqrt()
    along, aside = along / stretch, aside * stretch
    distance = (along * along + aside * aside).sqrt()
    safe = distance.clamp(min=1e-6)
    c, s = along / safe, aside / safe
    c2, s2 = c * c - s * s, 2 * c * s
    c3, s3 = c2 * c - s2 * s, s2 * c + c2 * s
    c5, s5 = c3 * c2 - s3 * s2, s3 * c2 + c3 * s2
    wave = (
        0.30 * ((2 * bumps[0] - 1) * c2 + (2 * bumps[1] - 1) * s2)
        + 0.22 * ((2 * bumps[2] - 1) * c3 + (2 * bumps[3] - 1) * s3)
        + 0.15 * ((2 * bumps[4] - 1) * c5 + 0.5 * s5)
    )
    radius = diameter / 2
    edge = 1 + soft * soft * radius * 0.6
    share = ((radius * (1 + wave) - distance) / edge + 0.5).clamp(0, 1)
    # what is smaller than a pixel covers a share of it
    share = share * opacity * (diameter * diameter).clamp(max=1)
    which = (numbers[:, None, None] * 2 + dark.long()).expand_as(share)
    layers.put(rows.long().expand_as(share), columns.long().expand_as(share), which, share)


def _direction(turn: Tensor) -> tuple[Tensor, Tensor]:
    return torch.sin(2 * math.pi * turn), torch.cos(2 * math.pi * turn)


def paint_hairs(
    layers: Layers,
    films: Sequence[FilmParameters],
    moments: Sequence[Moment],
    sources: Sequence[np.random.Generator],
    window: Window,
) -> None:
    """Paint the hairs of each frame: thin curved lines."""
    height, width = layers.opacity.shape[-2:]
    lines = window.height
    margin = 0.1 * lines
    area = (height + 2 * margin) * (width + 2 * margin) / lines**2
    for number, (film, moment, source) in enumerate(zip(films, moments, sources, strict=True)):
        count = source.poisson(film.hairs * min(moment.soiling, 3.0) * area)
        if not count:
            continue
        down, right, towards, wide, strong, dark = source.random((6, count), np.float32)
        spread, *turns = source.standard_normal((9, count), np.float32)
        length = (0.045 * np.exp(0.6 * spread)).clip(0.01, 0.25) * lines
        bend = 1.2 * (np.stack(turns, 1) * 0.35 + turns[0][:, None] * 0.3)
        heading = 2 * math.pi * towards[:, None] + bend.cumsum(1)
        steps = np.stack([np.sin(heading), np.cos(heading)], -1) * (length / 5)[:, None, None]
        points = steps.cumsum(1)
        middle = np.stack([down * (height + 2 * margin), right * (width + 2 * margin)], -1) - margin
        points += (middle - points[:, 4])[:, None]
        thick = np.maximum((0.0012 + 0.0016 * wide) * lines, 0.5)[:, None].repeat(4, 1)
        opacity = (0.35 + 0.5 * strong)[:, None].repeat(4, 1)
        stroke = Stroke(*(torch.from_numpy(np.float32(each)) for each in (points, thick, opacity)))
        rows, columns, share = stroke_pixels(stroke, float(length.max()), float(thick.max()))
        is_dark = torch.from_numpy(dark >= 0.35 * film.dust_light).long()
        which = (2 * number + is_dark)[:, None, None].expand_as(share)
        layers.put(rows.long(), columns.long(), which, share)


def paint_scratches(
    layers: Layers,
    moments: Sequence[Moment],
    sources: Sequence[np.random.Generator],
    window: Window,
) -> None:
    """Paint the scratches that the timeline has in each frame."""
    height, width = layers.opacity.shape[-2:]
    lines = window.height
    seen = [
        (number, scratch, sources[number].standard_normal(32).tolist())
        for number, moment in enumerate(moments)
        for scratch in moment.scratches
        if -0.03 * lines < scratch.column * lines - window.left < width + 0.03 * lines
    ]
    if not seen:
        return
    rows = torch.arange(height, dtype=torch.float32)
    at = ((rows + window.top) / lines)[None]  # (1, height), in frame heights
    facts = torch.tensor(
        [[*scratch[:3], *scratch[4:]] for _, scratch, _ in seen], dtype=torch.float32
    )
    column, wide, opacity, top, bottom, phase = facts[..., None].unbind(1)  # (scratches, 1)
    pressure = torch.tensor([drawn for *_, drawn in seen])
    cell = (at * 29 + 1).clamp(0, 30)
    low = cell.floor().long().clamp(max=30)
    into = cell - low
    uneven = (
        pressure.gather(1, low.expand(len(seen), -1)) * (1 - into)
        + pressure.gather(1, low.expand(len(seen), -1) + 1) * into
    )
    centre = (column + 0.0012 * torch.sin(phase + 5 * at)) * lines - window.left
    pixels = (wide * lines).clamp(min=0.6)
    ends = ((at - top) * lines / 8).clamp(0, 1) * ((bottom - at) * lines / 8).clamp(0, 1)
    strength = (opacity * (1 + 0.5 * uneven)).clamp(0, 1) * ends
    reach = math.ceil(float(pixels.max()) / 2) + 1
    columns = centre[..., None].floor() + torch.arange(-reach, reach + 1)
    distance = (columns + 0.5 - centre[..., None]).abs()
    share = (
        (pixels[..., None] / 2 + 0.5 - distance)
        .clamp(min=0)
        .minimum(pixels[..., None].clamp(max=1))
    )
    share = share * strength[..., None]
    which = torch.tensor([2 * number + scratch.is_dark for number, scratch, _ in seen])
    layers.put(
        rows.long()[None, :, None].expand_as(share),
        columns.long(),
        which[:, None, None].expand_as(share),
        share,
    )


def paint_splices(layers: Layers, moments: Sequence[Moment], window: Window) -> None:
    """Paint the seams of splices: at the lower edge of the last frame, at the upper edge of the first after it."""
    height = layers.opacity.shape[-2]
    at = (torch.arange(height, dtype=torch.float32) + window.top + 0.5) / window.height
    for number, moment in enumerate(moments):
        if not moment.splice:
            continue
        from_edge = at if moment.splice < 0 else 1 - at
        seam = ((0.012 - (from_edge - 0.025).abs()) * window.height).clamp(0, 1) * 0.7
        cement = ((0.025 - from_edge) * window.height).clamp(0, 1) * 0.35
        layers.opacity[number, 0] = layers.opacity[number, 0].maximum(seam[:, None])
        layers.opacity[number, 1] = layers.opacity[number, 1].maximum(cement[:, None])
