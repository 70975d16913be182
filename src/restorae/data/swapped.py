"""Detects swapped clean and degraded images, by noise and stains (but not by blur)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from restorae.data.pairs import Pairs
from restorae.data.registration import looked_at
from restorae.page_detection import center_crop
from restorae.pixels import to_grey
from restorae.shapes import Image

_BLOCK = 8
_NOISIER, _VISIBLE = 2.0, 0.01
_EVEN = 0.25
_LEVELS = 50
_PAPER, _MORE_PAPER, _BRIGHT = 0.5, 0.25, 0.5
_LOOKED_AT = 50
_SIDE = 512
_SAMPLED = 20_000


@dataclass(frozen=True, kw_only=True)
class Traces:
    """Measurements that distinguish clean from degraded images; where there are two, the degraded one is first."""

    noise: tuple[float, float]
    """Standard deviation of the finest detail in the quietest tenth of the image."""
    evenness: float
    """Evenness of the difference's finest detail over the image, 0 to 1: noise is everywhere, lost detail is at edges."""
    paper: tuple[float, float]
    """Share of the pixels near the most common value, if that is bright."""


def seem_swapped(pairs: Pairs) -> str:
    """Evidence that clean and degraded images are swapped, as text; empty if there is none.

    Blur, compression, fading and fewer pixels make a degraded image smoother than its clean one, so smoothness
    is no evidence. Noise is, because it covers the whole image evenly. Paper is, because it has one value if clean and many if stained.
    """
    indices = looked_at(pairs)
    indices = indices[:: -(-len(indices) // _LOOKED_AT)]
    found = [traces(pairs.degraded[index], pairs.clean[index]) for index in indices]
    noise = [_median([each.noise[role] for each in found]) for role in (0, 1)]
    paper = [_median([each.paper[role] for each in found]) for role in (0, 1)]
    if (
        noise[1] > _NOISIER * noise[0] + _VISIBLE
        and _median([each.evenness for each in found]) > _EVEN
    ):
        return f"there is more noise in the clean images (standard deviation {noise[1]:.3f}) than in the degraded ones ({noise[0]:.3f})"
    if paper[0] > _PAPER and paper[0] - paper[1] > _MORE_PAPER:
        return f"{paper[0]:.0%} of the degraded images is even paper, and {paper[1]:.0%} of the clean ones"
    return ""


def traces(degraded: Image, clean: Image) -> Traces:
    """Measure one pair."""
    given, wanted = _grey(degraded), _grey(clean)
    quiet, busy = _quantiles(_detail(wanted - given), 0.1, 0.9)
    return Traces(
        noise=(_quantiles(_detail(given), 0.1)[0], _quantiles(_detail(wanted), 0.1)[0]),
        evenness=quiet / busy if busy > 0 else 0.0,
        paper=(_paper(given), _paper(wanted)),
    )


def _detail(image: Tensor) -> Tensor:
    """Standard deviation of the finest detail in each block: differences along both axes remove gradients."""
    finest = (image[1:, 1:] - image[:-1, 1:] - image[1:, :-1] + image[:-1, :-1]) / 2
    side = min(_BLOCK, *finest.shape)
    return (
        functional.avg_pool2d(finest.square()[None], side)[0].flatten().sqrt()
        if side
        else torch.zeros(1)
    )


def _paper(image: Tensor) -> float:
    values = image.flatten()[:: max(1, image.numel() // _SAMPLED)]
    low, high = _quantiles(values, 0.005, 0.995)
    if high <= low:
        return 0.0
    counts = torch.histc((values - low) / (high - low), _LEVELS, 0, 1)
    pairs = counts[1:] + counts[:-1]  # a value at the edge of two bins is counted in both
    bin_index = int(pairs.argmax())
    return float(pairs[bin_index]) / len(values) if bin_index / (_LEVELS - 1) > _BRIGHT else 0.0


def _grey(image: Image) -> Tensor:
    """The centre of an image in grey, as a sample."""
    image = center_crop(image, _SIDE)
    return to_grey(image[None])[0, 0] if len(image) == 3 else image.mean(0)


def _quantiles(values: Tensor, *shares: float) -> list[float]:
    return [float(found) for found in np.quantile(values.numpy(), shares)]


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
