"""What the film cleaner is given of a frame: the frame, its aligned neighbours, their median, and evidence of scratches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from restorae.film.alignment import Luma, Motion
from restorae.film.opencv import import_cv2

OFFSETS = (-2, -1, 1, 2)
"""Frames that are aligned with the centre frame."""
REACH = max(OFFSETS)
"""Frames on each side that reach a frame's result."""
PLANES = 2 + 2 * len(OFFSETS) + 1
"""Planes of a stack."""
_SCRATCH_ROWS, _SCRATCH_COLUMNS = 41, 9
_LEAST_SHARE, _LEAST_SPREAD = 0.05, 1e-6
"""Below these, mean and contrast of a neighbour are not matched."""


def stack_planes(centre: Luma, neighbours: Sequence[tuple[Luma, Motion] | None]) -> np.ndarray:
    """Median, centre, neighbours, validities and scratch evidence, (PLANES, height, width) float32.

    Args:
        centre: the frame to clean.
        neighbours: one for each of `OFFSETS`, with how it moves; None where the shot has none or its motion is unknown: it
            counts as invalid everywhere.
    """
    lumas, validities, voters = [], [], [centre]
    for each in neighbours:
        if each is None:
            lumas.append(centre)
            validities.append(np.zeros_like(centre))
            voters.append(centre)
            continue
        luma, motion = each
        matched = _matched(motion.move(luma), motion.validity, centre)
        lumas.append(matched)
        validities.append(motion.validity)
        voters.append(centre + (matched - centre) * motion.validity)
    return np.stack(
        [_median_of_five(voters), centre, *lumas, *validities, scratch_evidence(centre)]
    )


def adjacent(
    planes: np.ndarray, neighbours: Sequence[tuple[Luma, Motion] | None]
) -> tuple[Luma, Luma] | None:
    """The frames before and after, moved onto the centre; None where one of them is not used.

    Args:
        planes: what `stack_planes` returns.
        neighbours: what it was given.
    """
    before, after = OFFSETS.index(-1), OFFSETS.index(1)
    if neighbours[before] is None or neighbours[after] is None:
        return None
    return planes[2 + before], planes[2 + after]


def scratch_evidence(luma: Luma) -> Luma:
    """How much a column differs from its surroundings along 41 rows.

    A scratch of a tenth of the grain's strength is lost in each pixel but stands out when it is summed along its length.
    """
    cv2 = import_cv2()
    along = cv2.blur(luma, (1, _SCRATCH_ROWS), borderType=cv2.BORDER_REPLICATE)
    around = cv2.blur(along, (_SCRATCH_COLUMNS, 1), borderType=cv2.BORDER_REPLICATE)
    found: Luma = 4 * (along - around)
    return found


def _matched(neighbour: Luma, weight: Luma, centre: Luma) -> Luma:
    """The neighbour with the centre's mean and contrast where both show the same: what flicker leaves is no motion."""
    total = float(weight.sum())
    if total < _LEAST_SHARE * weight.size:
        return neighbour
    mine, its = (float((each * weight).sum()) / total for each in (neighbour, centre))
    mine_spread = float((np.square(neighbour - np.float32(mine)) * weight).sum()) / total
    its_spread = float((np.square(centre - np.float32(its)) * weight).sum()) / total
    gain = np.sqrt(its_spread / mine_spread) if mine_spread > _LEAST_SPREAD else 1.0
    gain = np.float32(np.clip(gain, 0.7, 1.4))
    matched: Luma = (neighbour - np.float32(mine)) * gain + np.float32(its)
    return matched


def _median_of_five(values: Sequence[Luma]) -> Luma:
    """Median of five planes by exchanges (Devillard, *Fast median search*, 1998); much faster than sorting."""
    a, b, c, d, e = values
    a, b = np.minimum(a, b), np.maximum(a, b)
    d, e = np.minimum(d, e), np.maximum(d, e)
    a, d = np.minimum(a, d), np.maximum(a, d)  # the smallest of four is no median
    b, e = np.minimum(b, e), np.maximum(b, e)  # neither is the largest
    b, c = np.minimum(b, c), np.maximum(b, c)
    b, d = np.minimum(b, d), np.maximum(b, d)  # of c, d and the smaller b: the middle one
    c, d = np.minimum(c, d), np.maximum(c, d)
    return np.maximum(b, c)
