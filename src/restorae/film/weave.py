"""Weave of a film, removed by moving each frame; pans and other motion of the camera stay.

How far most of a frame moves from one frame to the next adds up to a path. What weaves is the path's distance from its trend, a trend
of straight parts as for flicker (`restorae.film.deflicker`), so that a pan that begins at once is not taken for weave.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from restorae.film.deflicker import trend
from restorae.film.opencv import import_cv2
from restorae.formats.video.layout import PixelLayout

_UNIT_LINES = 10
"""Weave of a tenth of the height weighs in the trend as a change of tone of the full range."""
_MOST_LINES = 0.02
"""No frame is moved by more than this share of its height."""
_LEAST_PX = 0.02
"""Smaller moves are left out: they would only soften the frame."""
_ROUNDS, _EDGE, _TRUSTED = 4, 4, 1.5
_PARTS = 32
_FLAT = 1e-6
"""Keeps frames without any structure where they are."""

Move = tuple[float, float]
"""Down and to the right, in pixels."""


def moves_against_weave(shifts: Sequence[Move], height: int) -> list[Move | None]:
    """How each frame of a shot is moved so that it does not weave; None leaves it where it is.

    Args:
        shifts: how far each frame lies from the one before, down and to the right in pixels; the first is not read.
        height: of the frames, in pixels.
    """
    steps = np.asarray(shifts, np.float64).reshape(-1, 2).copy()
    if len(steps) < 3:
        return [None] * len(steps)
    steps[0] = 0
    path = np.cumsum(steps, axis=0) * _UNIT_LINES / height
    moves = (trend(path) - path) * height / _UNIT_LINES
    moves = np.clip(moves, -_MOST_LINES * height, _MOST_LINES * height).round(3)
    return [
        (float(down), float(right)) if max(abs(down), abs(right)) >= _LEAST_PX else None
        for down, right in moves
    ]


def shift_between(now: np.ndarray, before: np.ndarray, start: Move) -> Move:
    """By how far most of a frame lies lower and more to the right than in the frame before, in pixels.

    Least squares on the gradients of whole frames (Lucas and Kanade, 1981), in which what moves otherwise weighs little. Optical flow
    alone is off by up to a fifth of such small shifts.

    Args:
        now: a frame, (height, width) float32, smooth.
        before: the frame before it.
        start: an estimate.
    """
    cv2 = import_cv2()
    down, right = start
    inside = (slice(_EDGE, -_EDGE), slice(_EDGE, -_EDGE))
    for _ in range(_ROUNDS):
        # OpenCV rounds places to these parts of a pixel
        down, right = (round(each * _PARTS) / _PARTS for each in (down, right))
        matrix = np.array([[1, 0, right], [0, 1, down]], np.float64)
        warped = cv2.warpAffine(
            before,
            matrix,
            before.shape[::-1],
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        rows, columns = np.gradient(warped)
        missed = (now - warped)[inside]
        missed = missed - np.median(missed)
        trust = 1 / np.maximum(1, np.abs(missed) / (_TRUSTED * np.median(np.abs(missed)) + 1e-6))
        slopes = np.stack([rows[inside].ravel(), columns[inside].ravel()], 1)
        weighted = slopes * trust.reshape(-1, 1)
        normal = slopes.T @ weighted + _FLAT * np.eye(2)
        # what lies lower has grown where brightness falls downwards
        step = -np.linalg.solve(normal, weighted.T @ missed.ravel())
        down, right = down + float(step[0]), right + float(step[1])
    return down, right


def moved(planes: Sequence[np.ndarray], move: Move, layout: PixelLayout) -> list[np.ndarray]:
    """The planes of a frame, moved; at the border the outermost pixels are repeated.

    Args:
        planes: (height, width) each, in the film's layout.
        move: down and to the right, in pixels of the first plane.
        layout: of the frame.
    """
    cv2 = import_cv2()
    height, width = planes[0].shape
    result = []
    for plane in planes:
        # a chroma value lies over several pixels: its plane moves by as much less
        down, right = move[0] * plane.shape[0] / height, move[1] * plane.shape[1] / width
        matrix = np.array([[1, 0, right], [0, 1, down]], np.float64)
        done = cv2.warpAffine(
            np.ascontiguousarray(plane),
            matrix,
            plane.shape[::-1],
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        result.append(np.minimum(done, layout.largest).astype(layout.dtype, copy=False))
    return result
