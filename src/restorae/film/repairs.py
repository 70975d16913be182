"""The repair map: how sure it is that a pixel was damaged and has been repaired.

Its numbers are chosen on validation frames; `docs/benchmarks.md` says how much of the damage it finds on others.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

REPAIRED = 0.5
"""Sureness from which a pixel counts as repaired."""
_STRONG, _STRONG_GRAINS = 0.06, 6.75
"""Change that is a repair and no removed grain: so much on the [0, 1] scale, and so many standard deviations of the grain."""
_CHANGED = 0.25
"""Share of that change from which what the network suspects counts: the map shows what was done."""
_STREAK, _IN_STREAK, _MOVED = 0.2, 0.1, 0.03
"""Mean suspicion along a column from which it is a scratch, suspicion of the pixels that then belong to it, and by how much they were
made lighter or darker on average: edges that stand upright are suspected, too, but not changed to one side."""
_STREAK_LENGTH = 4
"""Part of the frame's height along which it is taken."""
_NORMAL = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


def repair_map(change: Tensor, suspected: Tensor) -> Tensor:
    """How sure it is that a pixel was damaged, 0 to 1: `REPAIRED` where the change is as strong as a repair's least.

    A faint scratch changes each pixel by less than grain does, and shows along its length.

    Args:
        change: by how much each pixel became lighter, (height, width), [0, 1] scale.
        suspected: the network's probability of damage, of the same shape.
    """
    size = change.abs()
    grain = grain_of(change.numpy())
    strength = (size / (2 * max(_STRONG, _STRONG_GRAINS * grain))).clamp(0, 1)
    sureness = torch.where(strength > _CHANGED, torch.maximum(strength, suspected), strength)
    is_scratch = (_along_columns(suspected) > _STREAK) & (suspected > _IN_STREAK)
    is_scratch &= _along_columns(change).abs() > _MOVED
    return torch.where(
        is_scratch, torch.maximum(sureness, REPAIRED + (1 - REPAIRED) * suspected), sureness
    )


def grain_of(change: np.ndarray) -> float:
    """Standard deviation of the grain that a change removed: most pixels are not damaged."""
    return _NORMAL * float(np.median(np.abs(change)))


def _along_columns(values: Tensor) -> Tensor:
    """The mean of a part of the column around each pixel."""
    reach = values.shape[-2] // (2 * _STREAK_LENGTH)
    padded = functional.pad(values[None], (0, 0, reach, reach), mode="replicate")
    return functional.avg_pool2d(padded, (2 * reach + 1, 1), 1)[0]
