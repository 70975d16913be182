"""Flicker of a film, removed by a tone curve for each frame; fades and changes of light stay.

Changes of tone from frame to frame add up to a path for each brightness. What flickers is the path's distance from its trend,
which is found by ℓ1 trend filtering (Kim, Koh, Boyd, Gorinevsky, *ℓ1 trend filtering*, SIAM Review 2009): a trend of straight
parts, so that fades keep their corners. A Gaussian low-pass over as long a window would round them.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solveh_banded

SIGNIFICANT = 0.0015
"""Removable change of the mean brightness from frame to frame, on the scale [0, 1], from which it is removed without being asked
for. Measured in 19 clean clips: up to 0.0011; in five real old films: 0.0022 to 0.0083."""
_BEND_COST = 0.5
"""Weight of the trend's bends against its distance from the path. Of 0.1 to 8, measured on eleven damaged clips (`docs/film.md`): lower
leaves more flicker, higher rounds fades."""
_ROUNDS = 40
_STRAIGHT = 1e-5
"""Bends below this count as none."""


def flicker_of(steps: np.ndarray) -> np.ndarray:
    """What is to be added to each frame's tones so that they do not flicker.

    Args:
        steps: how each frame of one shot differs from the one before, (frame, knot), [0, 1] scale; the first is not read. Fewer than
            3 frames have no flicker.

    Returns:
        (frame, knot).
    """
    changes = np.asarray(steps, np.float64).copy()
    if len(changes) < 3:
        return np.zeros_like(changes)
    changes[0] = 0
    path = np.cumsum(changes, axis=0)
    return trend(path) - path


def trend(path: np.ndarray) -> np.ndarray:
    """The trend of a path (frame, knot): minimises |trend - path|² + cost · Σ|bend|, by reweighted least squares.

    Bends fall on the same frames for all knots.
    """
    count = len(path)
    weights = np.ones(count - 2)
    found = path
    for _ in range(_ROUNDS):
        found = solveh_banded(_bands(count, _BEND_COST * weights), path)
        weights = 1 / np.maximum(np.abs(np.diff(found, 2, axis=0)).max(axis=1), _STRAIGHT)
    return found


def _bands(count: int, weights: np.ndarray) -> np.ndarray:
    """The upper diagonals of 1 + Bᵀ W B, B the second difference."""
    bands = np.zeros((3, count))
    bands[2] = 1
    bands[2, :-2] += weights
    bands[2, 1:-1] += 4 * weights
    bands[2, 2:] += weights
    bands[1, 1:-1] -= 2 * weights
    bands[1, 2:] -= 2 * weights
    bands[0, 2:] += weights
    return bands


def removable_change(means: np.ndarray, after: np.ndarray) -> float:
    """How much less the mean brightness of a shot changes from frame to frame with its curves than without.

    Args:
        means: of the frames, [0, 1].
        after: the same with the curves applied.
    """
    if len(means) < 2:
        return 0.0
    return float(np.abs(np.diff(means)).mean() - np.abs(np.diff(after)).mean())
