"""Frames of old film: geometry, blur, tone, grain and marks, in the order in which film collects them.

The film weaves in the camera and is blurred by lens and copies; its contrast fades and its corners are dark; the emulsion
adds grain; dust, hairs and scratches lie on it; the exposure flickers as it is copied; the file is compressed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from restorae.degradations.blur import filter_rows, gaussian_kernels
from restorae.degradations.compression import Jpeg
from restorae.degradations.fields import lighten_and_darken, luminance, middles, spline
from restorae.degradations.old_film.marks import (
    Layers,
    paint_hairs,
    paint_scratches,
    paint_specks,
    paint_splices,
)
from restorae.degradations.old_film.parameters import FilmParameters
from restorae.degradations.old_film.timeline import Moment
from restorae.degradations.old_film.window import Window
from restorae.shapes import Images

BLACK = 0.02
"""Brightness of an opaque dark mark."""
TONES = 256
"""Tones for which the strength of the grain is computed."""
SPLINE_SPREAD = 151 / 315
"""Standard deviation of a cubic B-spline in two dimensions with independent knots of standard deviation 1."""
COARSE = 2.5
"""Kernel of the coarse grain, relative to that of the fine."""


class Rendered(NamedTuple):
    """Frames of old film, and what was done to them."""

    frames: Images
    """Degraded frames, clipped to [0, 1] like a file's."""
    toned: Images
    """The clean frames at the same place and of the same tone: without blur, grain, marks and compression."""
    defects: Tensor
    """Opacity of dust, dirt, hairs, scratches and splices, (frames, 1, height, width), 0 to 1."""
    scratches: Tensor
    """Opacity of the scratches alone, of the same shape."""
    change: Tensor
    """How far the marks move each pixel's brightness, down or up, (frames, 1, height, width)."""


def render(
    frames: Images,
    films: Sequence[FilmParameters],
    moments: Sequence[Moment],
    sources: Sequence[np.random.Generator],
    window: Window,
) -> Rendered:
    """Make old film of `frames` (frames, channels, height, width): a film, a moment and a generator for each of them."""
    at_place = _move(frames, [moment.shift for moment in moments], window)
    toned = _age(at_place, films, window)
    grainy = _add_grain(_blur(toned, films, window), films, sources, window)
    layers = Layers(len(frames), frames.shape[-2:])
    paint_scratches(layers, moments, sources, window)
    scratches = layers.opacity.amax(1, keepdim=True)
    paint_specks(layers, films, moments, sources, window)
    paint_hairs(layers, films, moments, sources, window)
    paint_splices(layers, moments, window)
    one = torch.ones(len(frames), 1, 1, 1)
    marked = BLACK + lighten_and_darken(grainy - BLACK, layers.opacity, one)
    expose = _exposures(moments, frames.shape[-2:], window)
    degraded = expose(marked)
    change = luminance(marked - grainy) * _column([moment.gain for moment in moments])
    return Rendered(
        frames=_compress(degraded.clamp(0, 1), films),
        toned=expose(toned).clamp(0, 1),
        defects=layers.opacity.amax(1, keepdim=True),
        scratches=scratches,
        change=change,
    )


def _column(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(-1, 1, 1, 1)


def _move(frames: Images, shifts: Sequence[tuple[float, float]], window: Window) -> Images:
    """Frames moved by parts of a pixel; what comes in from outside repeats the edge by reflection."""
    if not any(down or right for down, right in shifts):
        return frames
    pixels = _column([down * window.height for down, _ in shifts])
    frames = _shift_columns(frames.mT, pixels).mT
    return _shift_columns(
        frames, _column([right * window.height for _, right in shifts])
    ).contiguous()


def _shift_columns(frames: Images, pixels: Tensor) -> Images:
    """Each frame moved right by its number of pixels, interpolated by a cubic (R. Keys, 1981)."""
    width = frames.shape[-1]
    whole = pixels.ceil()
    into = whole - pixels  # how far the position lies behind the second of the four columns
    a = -0.5
    weights = []
    for tap in range(-1, 3):
        distance = (tap - into).abs()
        square = distance * distance
        near = ((a + 2) * distance - (a + 3)) * square + 1
        far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
        weights.append(torch.where(distance <= 1, near, far))
    # the columns from one before the first that is needed to two after the last
    start = torch.arange(-1, width + 2) + whole.neg().long().view(-1, 1)
    source = torch.stack(
        [
            frame.index_select(-1, index)
            for frame, index in zip(frames, _reflected(start, width), strict=True)
        ]
    )
    moved = torch.zeros_like(frames)
    for number, weight in enumerate(weights):
        moved.addcmul_(weight, source[..., number : number + width])
    return moved


def _reflected(index: Tensor, length: int) -> Tensor:
    """Positions beyond the edges as those that mirror them."""
    index = index.remainder(2 * length)
    return torch.where(index < length, index, 2 * length - 1 - index)


def _blur(frames: Images, films: Sequence[FilmParameters], window: Window) -> Images:
    sigma = _column([film.blur * window.scale for film in films])
    radius = math.ceil(2.5 * float(sigma.max()))
    if radius == 0:
        return frames
    kernels = gaussian_kernels(sigma, radius)
    return filter_rows(filter_rows(frames, kernels).mT, kernels).mT.contiguous()


def _age(frames: Images, films: Sequence[FilmParameters], window: Window) -> Images:
    """Fading and vignette, which stay the same for the whole film."""
    kept = 1 - _column([film.fading for film in films])
    tone = _column([film.fading_tone for film in films])
    vignette = _column([film.vignette for film in films])
    down, across = (
        ((torch.arange(length) + 0.5 + first) * 2 / whole - 1) ** 2
        for length, first, whole in (
            (frames.shape[-2], window.top, window.height),
            (frames.shape[-1], window.left, window.width),
        )
    )
    square = (down[:, None] + across) / 2
    return (tone + kept * (frames - tone)) * (1 - vignette * square * (0.6 + 0.4 * square))


def _add_grain(
    frames: Images,
    films: Sequence[FilmParameters],
    sources: Sequence[np.random.Generator],
    window: Window,
) -> Images:
    """Grain that is correlated over some pixels, and strongest in the middle tones."""
    _, channels, height, width = frames.shape
    fine = _column([max(film.grain_size * window.scale, 0.25) for film in films])
    radius = math.ceil(2 * COARSE * 0.8 * window.scale) + 1  # does not depend on the draw
    layers = channels + 1 if channels > 1 else 1
    noise = torch.from_numpy(
        np.stack(
            [
                source.standard_normal(
                    (2 * layers, height + 2 * radius, width + 2 * radius), np.float32
                )
                for source in sources
            ]
        )
    )
    share = _column([film.grain_coarse for film in films])
    grain = share.sqrt() * _filtered(noise[:, :layers], COARSE * fine, radius)
    grain += (1 - share).sqrt() * _filtered(noise[:, layers:], fine, radius)
    if channels > 1:
        common = _column([film.grain_common for film in films])
        grain = common.sqrt() * grain[:, :1] + (1 - common).sqrt() * grain[:, 1:]
    tone = torch.linspace(0, 1, TONES).view(1, 1, 1, -1)
    shadows = _column([film.grain_shadows for film in films])
    lights = _column([film.grain_lights for film in films])
    strength = ((tone + 0.05) / 0.55).pow(shadows) * ((1.05 - tone) / 0.55).pow(lights)
    strength = strength * _column([film.grain for film in films])  # (frames, 1, 1, tones)
    # looked up: a power of each pixel would take longer than the grain itself
    index = (frames.clamp(0, 1) * (TONES - 1)).long().flatten(1)
    return torch.addcmul(
        frames, strength.flatten(1).gather(1, index).view_as(frames), grain.contiguous()
    )


def _filtered(noise: Tensor, sigma: Tensor, radius: int) -> Tensor:
    """White noise through a Gaussian kernel, of variance 1; `radius` pixels on each side are used up."""
    kernels = gaussian_kernels(sigma, radius)
    kernels = kernels / kernels.square().sum(-1, keepdim=True).sqrt()
    height, width = (length - 2 * radius for length in noise.shape[-2:])
    rows = torch.zeros(*noise.shape[:2], noise.shape[2], width)
    for tap, weight in enumerate(kernels.unbind(-1)):
        rows.addcmul_(weight[..., None], noise[..., tap : tap + width])
    result = torch.zeros(*noise.shape[:2], height, width)
    for tap, weight in enumerate(kernels.unbind(-1)):
        result.addcmul_(weight[..., None], rows[:, :, tap : tap + height])
    return result


def _exposures(
    moments: Sequence[Moment], size: Sequence[int], window: Window
) -> Callable[[Images], Images]:
    """The flicker of each frame as a function of images: contrast, then exposure, not the same everywhere."""
    gamma = _column([moment.gamma for moment in moments])
    knots = torch.from_numpy(np.stack([moment.local for moment in moments]))[:, None]
    down, across = (
        (middles(length, knots.device) * length + first) / whole
        for length, first, whole in zip(
            size, (window.top, window.left), (window.height, window.width), strict=True
        )
    )
    local = spline(spline(knots, across, -1), down, -2) / SPLINE_SPREAD
    gain = _column([moment.gain for moment in moments]) * local.exp()

    def expose(images: Images) -> Images:
        return images.clamp(0, 1.5).pow_(gamma).mul_(gain)

    return expose


def _compress(frames: Images, films: Sequence[FilmParameters]) -> Images:
    """JPEG, for the frames of films that are compressed."""
    chosen = [number for number, film in enumerate(films) if film.quality]
    if not chosen:
        return frames
    quality = _column([films[number].quality for number in chosen])
    frames = frames.clone()
    frames[chosen] = Jpeg().compress(frames[chosen], quality)
    return frames
