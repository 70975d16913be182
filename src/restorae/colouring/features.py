"""What a cell of a grey image looks like: tones, contrast, edges and surroundings, in numbers that fading does not change."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from restorae.colouring.means import box_means
from restorae.colouring.sizes import CELL

_LEVELS = 256
_ORIENTATIONS = 4
_EQUALISED = 0.5
"""Share of histogram equalisation in the tones."""
_WEIGHTS = {"tone": 2.0, "wide": 1.2, "context": 2.0, "contrast": 1.0, "edges": 1.0, "place": 0.7}
"""How much each kind of number counts; chosen on the clips `davis-train`."""


def describe(luma: np.ndarray) -> Tensor:
    """A vector for each cell of an image.

    Args:
        luma: (height, width) float32 of a working size, so both are multiples of `CELL`.

    Returns:
        (height / CELL, width / CELL, numbers).
    """
    tones = torch.from_numpy(_equalised(luma))[None, None]
    mean = functional.avg_pool2d(tones, CELL)
    wide = box_means(mean, 3), box_means(mean, 9)
    spread = (functional.avg_pool2d(tones.square(), CELL) - mean.square()).clamp_min(0)
    contrast = [
        (each + 1e-5).log() / 4 for each in (spread, box_means(spread, 3), box_means(spread, 9))
    ]
    edges = _edges(tones)
    context = _around(box_means(mean, 3)) - mean
    rows, columns = mean.shape[-2:]
    place = torch.stack(
        torch.meshgrid(
            torch.linspace(-0.5, 0.5, rows), torch.linspace(-0.5, 0.5, columns), indexing="ij"
        )
    )[None]
    kinds = {
        "tone": [mean],
        "wide": list(wide),
        "context": [context / 2],
        "contrast": contrast,
        "edges": [edges / 2],
        "place": [place],
    }
    parts = [_WEIGHTS[kind] * torch.cat(each, 1) for kind, each in kinds.items()]
    return torch.cat(parts, 1)[0].permute(1, 2, 0).contiguous()


def _equalised(luma: np.ndarray) -> np.ndarray:
    """Tones partly replaced by their rank: exposure, fading and contrast drop out."""
    levels = np.clip(luma * (_LEVELS - 1), 0, _LEVELS - 1).astype(np.uint8)
    counts = np.bincount(levels.ravel(), minlength=_LEVELS)
    ranks = (np.cumsum(counts) - counts / 2) / levels.size
    low, high = np.percentile(luma, (1, 99))
    stretched = np.clip((luma - low) / max(float(high - low), 1e-3), 0, 1)
    mixed = _EQUALISED * ranks[levels] + (1 - _EQUALISED) * stretched
    return np.asarray(mixed, np.float32)


def _around(maps: Tensor) -> Tensor:
    """The maps three cells away in eight directions."""
    padded = functional.pad(maps, (3, 3, 3, 3), "replicate")
    rows, columns = maps.shape[-2:]
    steps = [(y, x) for y in (0, 3, 6) for x in (0, 3, 6) if (y, x) != (3, 3)]
    return torch.cat([padded[..., y : y + rows, x : x + columns] for y, x in steps], 1)


def _edges(tones: Tensor) -> Tensor:
    """Strength of edges by direction, in the cell and around it, over the strength of all."""
    across = functional.pad(tones[..., 2:] - tones[..., :-2], (1, 1, 0, 0))
    down = functional.pad(tones[..., 2:, :] - tones[..., :-2, :], (0, 0, 1, 1))
    angle = torch.atan2(down, across) % torch.pi
    strength = (across.square() + down.square()).sqrt()
    bins = (angle / torch.pi * _ORIENTATIONS).long() % _ORIENTATIONS
    split = torch.cat([strength * (bins == each) for each in range(_ORIENTATIONS)], 1)
    near = functional.avg_pool2d(split, CELL)
    both = torch.cat([near, box_means(near, 3)], 1)
    total = both.view(1, 2, _ORIENTATIONS, *both.shape[-2:]).sum(2, keepdim=True)
    return (both.view(1, 2, _ORIENTATIONS, *both.shape[-2:]) / (total + 0.02)).view_as(both)
