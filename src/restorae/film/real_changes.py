"""What a cleaner took for damage though it was there: eyes that close, limbs that are fast.

A change that the cleaner made to a pixel is undone where evidence speaks against damage: the neighbouring frames disagree with
each other, as they do where something moves; the pixels around became both lighter and darker, as where an edge was moved, while
a speck is one or the other; and the network itself does not suspect damage. A logistic regression weighs these. Its numbers
were found on clips of `davis-train` by `benchmarks/film/real_changes.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restorae.film.alignment import Luma
from restorae.film.opencv import import_cv2
from restorae.film.repairs import grain_of

_WEIGHTS = (0.72, -1.09, 1.7, 1.22, -1.38, -4.34)
"""Of each of `Evidence.planes`."""
_SMOOTHED_PX, _SMOOTHED_NEIGHBOURS_PX = 0.8, 1.0
"""Standard deviations of blurs, by which grain counts less."""
_AROUND, _LEAST_AROUND_PX = 11 / 240, 7
"""Side of the squares in which changes to both sides are looked for, as a share of the frame's short side, and its least."""
_IN_GRAIN = 2.0
"""Standard deviations of the grain up to which a change counts for nothing there."""
_LEAST, _LEAST_GRAINS = 0.03, 2.5
"""Change from which it may be undone: on the [0, 1] scale, and in standard deviations of the grain."""
_FROM, _TO = 0.7, 1.3
"""Shares of that from which a change is undone in part, and as a whole."""
_LEAST_SUSPICION = 0.003
_EDGE_PX = 0.7
"""Standard deviation of the blur of what is undone: it has no hard edges."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What speaks for and against a change, pixel by pixel, (height, width) each."""

    disagreement: Luma
    """Of two neighbours, over their disagreement and the change together: 0 to 1."""
    both_sides: Luma
    """1 where pixels around became as much lighter as darker, 0 where all changed to one side."""
    suspicion: Luma
    """Logarithm of the network's probability of damage."""
    strength: Luma
    """0 for changes like those of grain, 1 for strong ones."""

    @classmethod
    def of(cls, change: Luma, suspected: Luma, neighbours: tuple[Luma, Luma] | None) -> Evidence:
        """The evidence.

        Args:
            change: by how much the cleaner made each pixel lighter, [0, 1] scale.
            suspected: the network's probability of damage.
            neighbours: the frames before and after, moved onto the one that was cleaned; None where one of them is not used.
        """
        cv2 = import_cv2()
        grain = np.float32(grain_of(change) + 1e-4)
        smooth = cv2.GaussianBlur(change, (0, 0), _SMOOTHED_PX)
        size = np.abs(smooth)
        beyond = np.maximum(size - np.float32(_IN_GRAIN) * grain, 0)
        side = max(_LEAST_AROUND_PX, 2 * round(_AROUND * min(change.shape) / 2 - 0.5) + 1)
        lighter, darker = (
            cv2.blur(np.where(is_so, beyond, 0), (side, side), borderType=cv2.BORDER_REFLECT)
            for is_so in (smooth > 0, smooth < 0)
        )
        both = 2 * np.minimum(lighter, darker) / (lighter + darker + np.float32(1e-5))
        disagreement = np.zeros_like(change)
        if neighbours is not None:
            apart = neighbours[0] - neighbours[1]
            apart = np.abs(cv2.GaussianBlur(apart, (0, 0), _SMOOTHED_NEIGHBOURS_PX))
            disagreement = apart / (size + apart + grain / 2)
        strength = size / max(_LEAST, _LEAST_GRAINS * float(grain))
        return cls(
            disagreement=disagreement,
            both_sides=both,
            suspicion=np.log(np.clip(suspected, _LEAST_SUSPICION, 1)),
            strength=np.clip((strength - _FROM) / (_TO - _FROM), 0, 1).astype(np.float32),
        )

    @property
    def planes(self) -> tuple[Luma, ...]:
        """What is weighed."""
        ones = np.ones_like(self.strength)
        return (
            self.both_sides,
            self.both_sides * self.suspicion,
            self.disagreement,
            np.square(self.disagreement),
            self.disagreement * self.suspicion,
            ones,
        )

    def undone(self, weights: tuple[float, ...] = _WEIGHTS) -> Luma:
        """Share of the change that is undone: none where it is more likely right than wrong."""
        cv2 = import_cv2()
        odds = sum(
            np.float32(weight) * plane for weight, plane in zip(weights, self.planes, strict=True)
        )
        wrong = 1 / (1 + np.exp(-np.asarray(odds, np.float32)))
        share = np.clip(2 * wrong - 1, 0, 1) * self.strength
        share = cv2.dilate(share, np.ones((3, 3), np.uint8))
        found: Luma = cv2.GaussianBlur(share, (0, 0), _EDGE_PX)
        return found


def without_real_changes(
    centre: Luma, cleaned: Luma, suspected: Luma, neighbours: tuple[Luma, Luma] | None
) -> Luma:
    """The cleaned frame, with what was there put back.

    Args:
        centre: the frame as it was.
        cleaned: the frame as the network would have it.
        suspected: the network's probability of damage.
        neighbours: as `Evidence.of` says.
    """
    change = cleaned - centre
    return cleaned - Evidence.of(change, suspected, neighbours).undone() * change
