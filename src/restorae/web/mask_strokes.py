"""Masks painted with a pointer: strokes in, pixels out.

A page sends where the brush went, not pixels: a stroke is as long for an image of a gigapixel as for a small one, can be
taken back, and needs no canvas of the image's size in the browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

Coordinate = Annotated[float, Field(ge=-1e6, le=1e6)]
"""A position in pixels; a brush may leave the image."""


class Stroke(BaseModel):
    """One movement of the brush, in pixels of the upright image."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    radius: float = Field(gt=0, le=10_000)
    """Of the brush."""
    points: list[tuple[Coordinate, Coordinate]] = Field(min_length=1, max_length=20_000)
    """Where it went, (x, y) from the upper left corner."""
    erase: bool = False
    """Whether it takes away what was painted before."""


def paint(
    strokes: Sequence[Stroke], height: int, width: int, base: np.ndarray | None = None
) -> np.ndarray:
    """The mask that the strokes make: (height, width) uint8, 255 where the last brush that came by painted.

    Args:
        strokes: in the order in which they were painted.
        height: of the upright image, in pixels.
        width: of the upright image, in pixels.
        base: the mask that they are painted on; changed in place.

    >>> paint([Stroke(radius=1, points=[(2.5, 1.5)])], 3, 5).tolist()
    [[0, 0, 255, 0, 0], [0, 255, 255, 255, 0], [0, 0, 255, 0, 0]]
    """
    mask = np.zeros((height, width), np.uint8) if base is None else base
    for stroke in strokes:
        ends = [*stroke.points[1:], stroke.points[-1]]
        for start, end in zip(stroke.points, ends, strict=True):
            _press(mask, start, end, stroke.radius, 0 if stroke.erase else 255)
    return mask


def _press(
    mask: np.ndarray,
    start: tuple[float, float],
    end: tuple[float, float],
    radius: float,
    value: int,
) -> None:
    """Set the pixels whose centres lie within `radius` of the line from `start` to `end`."""
    height, width = mask.shape
    left, right = _span(start[0], end[0], radius, width)
    top, bottom = _span(start[1], end[1], radius, height)
    if left >= right or top >= bottom:
        return
    x = np.arange(left, right, dtype=np.float64) + 0.5 - start[0]
    y = (np.arange(top, bottom, dtype=np.float64) + 0.5 - start[1])[:, None]
    along, down = end[0] - start[0], end[1] - start[1]
    length = along * along + down * down
    place = np.clip((x * along + y * down) / length, 0, 1) if length else 0.0
    near = (x - place * along) ** 2 + (y - place * down) ** 2 <= radius * radius
    mask[top:bottom, left:right][near] = value


def _span(one: float, other: float, radius: float, side: int) -> tuple[int, int]:
    return max(0, int(np.floor(min(one, other) - radius))), min(
        side, int(np.ceil(max(one, other) + radius)) + 1
    )
