"""Chroma carried from frame to frame by optical flow, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from restorae.colouring.sizes import resize, working_size
from restorae.film.alignment import Flow, Motion, flow_between, motion_of, prepare_for_flow
from restorae.film.opencv import import_cv2

Prepared = NDArray[np.uint8]
"""Luma of a frame at its working size, prepared for flow."""

_FADING = 0.98
"""Trust that is left of carried colours after a frame."""
_LENIENCE = 3.0
"""How much further than pixels that are averaged colours may land from where they came: they are coarse."""
_LEAST = 0.5
"""Trust that is left after a frame where the motion is lost; whether it was right is seen by luma."""
_SQUARE_PX = 5
"""Side of the squares whose mean luma is compared."""


@dataclass(frozen=True, kw_only=True)
class Colours:
    """The colours of a frame at its working size."""

    chroma: np.ndarray
    """(height, width, 2) float32."""
    trust: np.ndarray
    """(height, width) float32: 1 where the colour is a reference's own, 0 where nothing is known."""
    luma: np.ndarray
    """(height, width) float32: luma of the place that the colours come from."""


def difference_of_luma(luma: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How much a frame's luma differs from that of the place that its colours come from.

    Grain and exposure do not count: means of small squares are compared, less the usual difference.
    """
    difference = import_cv2().blur(luma - other, (_SQUARE_PX, _SQUARE_PX))
    return np.asarray(difference - np.median(difference), np.float32)


def working_luma(luma: np.ndarray) -> np.ndarray:
    """The luma of a frame, (height, width), at its working size."""
    return resize(luma, working_size(*luma.shape))


def prepare(luma: np.ndarray) -> tuple[np.ndarray, Prepared]:
    """The luma of a frame, (height, width), at its working size, as it is and prepared for flow."""
    small = working_luma(luma)
    return small, prepare_for_flow(small)


@dataclass(frozen=True, kw_only=True)
class Step:
    """The motion between two consecutive frames, both ways, computed once."""

    earlier: Prepared
    later: Prepared
    flows: tuple[Flow, Flow]
    """From the later frame to the earlier one, and back."""

    @classmethod
    def between(cls, earlier: Prepared, later: Prepared) -> Step:
        """Find the motion."""
        flows = flow_between(later, earlier), flow_between(earlier, later)
        return cls(earlier=earlier, later=later, flows=flows)

    def forwards(self, colours: Colours) -> Colours:
        """The colours of the earlier frame as the later one would have them."""
        return _carry(colours, self._to_later)

    def backwards(self, colours: Colours) -> Colours:
        """The colours of the later frame as the earlier one would have them."""
        return _carry(colours, self._to_earlier)

    @cached_property
    def _to_later(self) -> Motion:
        height, width = self.later.shape
        return motion_of(self.later, self.earlier, self.flows, height=height, width=width)

    @cached_property
    def _to_earlier(self) -> Motion:
        height, width = self.earlier.shape
        flows = self.flows[::-1]
        return motion_of(self.earlier, self.later, flows, height=height, width=width)


def _carry(colours: Colours, motion: Motion) -> Colours:
    cv2 = import_cv2()
    planes = np.dstack([colours.chroma, colours.trust, colours.luma])
    moved = cv2.remap(
        planes, motion.source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    doubt = (1 / np.maximum(motion.validity, 1e-6) - 1) / np.float32(_LENIENCE**4)
    sure = np.float32(_FADING) * (_LEAST + (1 - _LEAST) / (1 + doubt))
    return Colours(
        chroma=np.ascontiguousarray(moved[..., :2]),
        trust=moved[..., 2] * sure.astype(np.float32),
        luma=np.ascontiguousarray(moved[..., 3]),
    )
