"""Neighbouring frames moved onto the frame between them by dense optical flow. Needs OpenCV (extra `film`).

The flow is DIS (Kroeger, Timofte, Dai, Van Gool, *Fast Optical Flow using Dense Inverse Search*, ECCV 2016), computed on
blurred copies with equal mean and contrast: grain and flicker would otherwise be taken for motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from restorae.film.opencv import import_cv2

Luma: TypeAlias = NDArray[np.float32]
"""Luma of one frame, (height, width), [0, 1] when clean."""
Flow: TypeAlias = NDArray[np.float32]
"""Where each pixel went, (height, width, 2): columns, then rows, in pixels."""

_FLOW_SHORT_SIDE = 270
"""Flow is computed on frames reduced to about this height or width: motion is smooth, and time grows with the area."""
_SMALLEST_PX = 16
"""Frames below this have no flow: they are smaller than the patches that are searched for."""
_BLUR_PX = 1.0
_CONTRAST = 48.0
"""Standard deviation of the 8-bit copies on which flow is computed."""
_FLAT = 1.0
"""Variance of a prepared frame, in grey levels, below which it shows nothing."""
_ALLOWED_PX = 1.0
"""Error of going there and back at which a pixel counts half."""

_TRUSTED = 0.35
"""Share of a frame whose motion must be known for a neighbour to be used."""
_ALIKE = 0.5
"""Correlation with the centre that a moved neighbour must have to be used: flow finds motion in any two images."""


@dataclass(frozen=True, kw_only=True)
class Motion:
    """How a neighbour moves onto the centre frame."""

    source: Flow
    """Where in the neighbour each pixel of the centre is found, columns and rows in pixels."""
    validity: Luma
    """How far each pixel can be trusted, 0 to 1: whether the flow there and the flow back agree."""

    likeness: float
    """Correlation of the centre with the moved neighbour, 1 where they show the same."""

    @property
    def share(self) -> float:
        """Share of the frame in which the motion can be trusted, 0 to 1."""
        return float(self.validity.mean())

    @property
    def is_known(self) -> bool:
        """Whether the motion is known well enough for the neighbour to be used."""
        return self.share >= _TRUSTED and self.likeness >= _ALIKE

    def move(self, plane: Luma) -> Luma:
        """A plane of the neighbour as the centre frame would show it."""
        cv2 = import_cv2()
        moved: Luma = cv2.remap(
            plane, self.source, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        return moved


def prepare_for_flow(luma: Luma) -> NDArray[np.uint8]:
    """A frame blurred, reduced, and equal in mean and contrast to every other frame."""
    cv2 = import_cv2()
    height, width = luma.shape
    factor = max(1, round(min(height, width) / _FLOW_SHORT_SIDE))
    blurred = cv2.GaussianBlur(luma, (0, 0), _BLUR_PX, borderType=cv2.BORDER_REPLICATE)
    if factor > 1:
        size = (max(1, round(width / factor)), max(1, round(height / factor)))
        blurred = cv2.resize(blurred, size, interpolation=cv2.INTER_AREA)
    mean, deviation = float(blurred.mean()), float(blurred.std())
    scaled = (blurred - mean) * (_CONTRAST / max(deviation, 1e-3)) + 128
    return np.asarray(np.clip(np.rint(scaled), 0, 255), np.uint8)


def flow_between(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Flow:
    """Flow from the first prepared frame to the second, in pixels of the prepared ones."""
    cv2 = import_cv2()
    if min(first.shape) < _SMALLEST_PX:
        return np.zeros((*first.shape, 2), np.float32)
    finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found: Flow = finder.calc(first, second, None)
    return found


def motion_of(
    centre: NDArray[np.uint8],
    neighbour: NDArray[np.uint8],
    flows: tuple[Flow, Flow],
    *,
    height: int,
    width: int,
) -> Motion:
    """The motion for frames of a size.

    Args:
        centre: the frame that is restored, prepared.
        neighbour: the other, prepared.
        flows: from the centre to the neighbour, and back.
        height: of the frames.
        width: of the frames.
    """
    cv2 = import_cv2()
    there, back = flows
    rows, columns = there.shape[:2]
    target = _grid(rows, columns) + there
    error = np.square(there + _sample(back, target)).sum(-1) / np.float32(_ALLOWED_PX**2)
    x, y = target[..., 0], target[..., 1]
    inside = (x >= -0.5) & (x <= columns - 0.5) & (y >= -0.5) & (y <= rows - 0.5)
    validity = (inside / (1 + np.square(error))).astype(np.float32)
    moved = cv2.remap(neighbour, target, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    likeness = _correlation(centre, moved)
    if (height, width) != (rows, columns):
        scale = np.array([width / columns, height / rows], np.float32)
        there = cv2.resize(there, (width, height), interpolation=cv2.INTER_LINEAR) * scale
        validity = cv2.resize(validity, (width, height), interpolation=cv2.INTER_LINEAR)
        target = _grid(height, width) + there
    return Motion(source=target, validity=validity, likeness=likeness)


def _correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Correlation of two images, -1 to 1; 1 where one of them is flat."""
    first, second = (each - np.float32(each.mean()) for each in (one, other))
    scale = float(np.sqrt(np.square(first).mean() * np.square(second).mean()))
    return float((first * second).mean()) / scale if scale > _FLAT else 1.0


def _sample(flow: Flow, points: NDArray[np.float32]) -> Flow:
    cv2 = import_cv2()
    found: Flow = cv2.remap(flow, points, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found


def _grid(height: int, width: int) -> NDArray[np.float32]:
    """Columns and rows of every pixel, (height, width, 2)."""
    return np.stack(
        np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)), -1
    )
