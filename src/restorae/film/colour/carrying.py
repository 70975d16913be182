"""Chroma carried from frame to frame by optical flow, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restorae.colouring.sizes import resize, working_size
from restorae.film.alignment import Flow, flow_between, motion_of, prepare_for_flow
from restorae.film.opencv import import_cv2

Prepared = NDArray[np.uint8]
"""Luma of a frame at its working size, prepared for flow."""

_FADING = 0.98
"""Trust that is left of carried colours after a frame."""


@dataclass(frozen=True, kw_only=True)
class Colours:
    """The colours of a frame at its working size."""

    chroma: np.ndarray
    """(height, width, 2) float32."""
    trust: np.ndarray
    """(height, width) float32: 1 where the colour is a reference's own, 0 where nothing is known."""

    @property
    def planes(self) -> np.ndarray:
        """Both as one array, (height, width, 3)."""
        return np.dstack([self.chroma, self.trust])

    @classmethod
    def of_planes(cls, planes: np.ndarray) -> Colours:
        """What `planes` returned."""
        chroma = np.ascontiguousarray(planes[..., :2], np.float32)
        return cls(chroma=chroma, trust=np.ascontiguousarray(planes[..., 2], np.float32))


def prepare(luma: np.ndarray) -> tuple[np.ndarray, Prepared]:
    """The luma of a frame, (height, width), at its working size, as it is and prepared for flow."""
    small = resize(luma, working_size(*luma.shape))
    return small, prepare_for_flow(small)


@dataclass(frozen=True)
class Step:
    """The motion between two consecutive frames, both ways, computed once."""

    earlier: Prepared
    later: Prepared
    flows: tuple[Flow, Flow]
    """From the later frame to the earlier one, and back."""

    @classmethod
    def between(cls, earlier: Prepared, later: Prepared) -> Step:
        """Find the motion."""
        return cls(earlier, later, (flow_between(later, earlier), flow_between(earlier, later)))

    def forwards(self, colours: Colours) -> Colours:
        """The colours of the earlier frame as the later one would have them."""
        return _carry(colours, self.later, self.earlier, self.flows)

    def backwards(self, colours: Colours) -> Colours:
        """The colours of the later frame as the earlier one would have them."""
        there, back = self.flows
        return _carry(colours, self.earlier, self.later, (back, there))


def _carry(
    colours: Colours, target: Prepared, source: Prepared, flows: tuple[Flow, Flow]
) -> Colours:
    cv2 = import_cv2()
    height, width = colours.trust.shape
    motion = motion_of(target, source, flows, height=height, width=width)
    moved = cv2.remap(
        colours.planes, motion.source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    carried = Colours.of_planes(moved)
    trust = carried.trust * motion.validity * np.float32(_FADING)
    return Colours(chroma=carried.chroma, trust=trust)


def blend(parts: list[tuple[Colours, float]]) -> Colours:
    """A mean of several colours of a frame, weighted by their trust and a weight each."""
    weights = [weight * (each.trust + 1e-4) for each, weight in parts]
    total = np.sum(weights, axis=0)
    chroma = sum(
        each.chroma * (weight / total)[..., None]
        for (each, _), weight in zip(parts, weights, strict=True)
    )
    trust = sum(
        each.trust * (weight / total) for (each, _), weight in zip(parts, weights, strict=True)
    )
    return Colours(chroma=np.asarray(chroma, np.float32), trust=np.asarray(trust, np.float32))
