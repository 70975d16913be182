"""A restoration taken apart into defects (cracks, scratches, dust) and tone (fading, colour cast), each had by itself.

A network that learned old prints repairs cracks and changes brightness and colour at once. What it changes slowly over the
image is tone; what stands out from that is a defect, texture or noise. So a crack can be filled without a colour moving.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from restorae.separation import REACH, Separation
from restorae.shapes import Images

_RADIUS = 20
"""Tone is what two box filters of this radius leave of the change."""
_DEPARTURE = 0.06
"""Changes that differ more than this from their surroundings say nothing about tone."""
_STRONG, _WEAK = 0.10, 0.045
"""Defects begin where the change differs by the first and reach as far as it differs by the second."""
_WIDEST = 15
"""Defects are narrower than this many pixels; what is wider is part of the image, or a matter for a mask."""
_GROWTH = REACH - 4 * _RADIUS - (_WIDEST - 1) - 3
"""Pixels that a defect may reach beyond what is strong: all the context that the other filters leave."""


def separate(degraded: Images, restored: Images, parts: Separation) -> tuple[Images, Images]:
    """The restoration with only the parts that are kept, and where defects were found.

    Args:
        degraded: (batch, channel, height, width).
        restored: the same images as the network restored them.
        parts: what is kept.

    Returns:
        The images, and the defects (batch, 1, height, width), 0 to 1.

    >>> faded, restored = torch.full((1, 1, 8, 8), 0.2), torch.full((1, 1, 8, 8), 0.5)
    >>> torch.allclose(separate(faded, restored, Separation(tone=0))[0], faded)
    True
    """
    change = restored - degraded
    tone = _tone_of(change)
    rest = change - tone
    defects = _defects_in(rest)
    kept = defects * rest if parts.defects_only else rest
    return degraded + parts.tone * tone + kept, defects


def keeping(restore: Callable[[Images], Images], parts: Separation) -> Callable[[Images], Images]:
    """The function whose restorations hold only the parts that are kept."""
    return lambda degraded: keep(degraded, restore(degraded), parts)


def keep(degraded: Images, restored: Images, parts: Separation) -> Images:
    """The restoration with only the parts that are kept, image by image, since taking one apart takes several times its memory."""
    if parts.is_whole:
        return restored
    degraded = degraded.to(restored.device)
    kept = [
        separate(degraded[index : index + 1], restored[index : index + 1], parts)[0]
        for index in range(len(restored))
    ]
    return torch.cat(kept)


def _tone_of(change: Images) -> Images:
    """The part of a change that varies slowly, measured where nothing stands out."""
    first = _smooth(change)
    departure = (change - first).abs().amax(1, keepdim=True)
    weight = (departure < _DEPARTURE).to(change.dtype).clamp_min(1e-3)
    return _smooth(change * weight) / _smooth(weight)


def _defects_in(rest: Images) -> Images:
    """Where a change stands out: strong narrow places, grown within weaker ones, with a soft border of a pixel."""
    size = _box(rest.abs().amax(1, keepdim=True), 1)
    size = size - _opened(size)
    weak = (size > _WEAK).to(rest.dtype)
    found = (size > _STRONG).to(rest.dtype)
    for _ in range(_GROWTH):
        found = functional.max_pool2d(found, 3, stride=1, padding=1) * weak
    return _box(functional.max_pool2d(found, 3, stride=1, padding=1), 1)


def _opened(size: Tensor) -> Tensor:
    """Morphological opening: what remains of structures at least as wide as the square."""
    eroded = -functional.max_pool2d(-size, _WIDEST, stride=1, padding=_WIDEST // 2)
    return functional.max_pool2d(eroded, _WIDEST, stride=1, padding=_WIDEST // 2)


def _smooth(images: Tensor) -> Tensor:
    return _box(_box(images, _RADIUS), _RADIUS)


def _box(images: Tensor, radius: int) -> Tensor:
    """The mean over a square of each pixel's surroundings inside the image, one axis after the other."""
    side = 2 * radius + 1
    rows = functional.avg_pool2d(
        images, (side, 1), stride=1, padding=(radius, 0), count_include_pad=False
    )
    return functional.avg_pool2d(
        rows, (1, side), stride=1, padding=(0, radius), count_include_pad=False
    )
