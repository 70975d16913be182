"""Changes of tone from frame to frame, measured where both show the same.

Each frame is laid onto the one before it by dense optical flow (DIS: Kroeger, Timofte, Dai, Van Gool, ECCV 2016), so that
what moves does not count as a change of tone. Differences are then medians within classes of equal brightness, so that dust
and what comes into view do not count either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from restorae.film.opencv import import_cv2
from restorae.film.weave import shift_between

KNOTS = np.linspace(0.0, 1.0, 5)
"""Brightnesses, [0, 1], at which a change of tone is stated; between them it is linear."""
_WIDTH = 320
"""Frames are measured at this many columns at most."""
_CLASSES = 32
_SMOOTHNESS = 0.02
"""Weight of the curve's bend, against differences whose weights add up to 1."""
_SMALLNESS = 1e-4
_ROUNDS = 5
_LEAST = 100
"""Pixels of which fewer say nothing."""
_ALIKE = 0.6
"""Frames that correlate by less do not show the same. Measured in damaged films: above 0.8 within a shot."""
_UNKNOWN: tuple[np.ndarray, tuple[float, float]] = np.zeros(len(KNOTS)), (0.0, 0.0)
_BEND = np.diff(np.eye(len(KNOTS)), 2, axis=0)


@dataclass(frozen=True, kw_only=True)
class Tone:
    """The tone of a frame."""

    change: np.ndarray
    """How it differs from the frame before at each of `KNOTS`, [0, 1] scale; zeros where that cannot be known."""
    mean: float
    """Mean brightness, [0, 1]."""
    shares: np.ndarray
    """By how much the mean changes with the tone at each of `KNOTS`; their sum is 1."""
    shift: tuple[float, float] = (0.0, 0.0)
    """By how far most of it lies lower and more to the right than in the frame before, in pixels; zeros where that cannot be known."""


class ToneMeter:
    """Is given the luma of each frame in turn, and returns its tone.

    Args:
        with_shifts: whether it measures by how far each frame lies from the one before.
    """

    def __init__(self, with_shifts: bool = False) -> None:
        self.with_shifts = with_shifts
        self._cv2 = import_cv2()
        self._flow = self._cv2.DISOpticalFlow_create(self._cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._before: tuple[np.ndarray, np.ndarray] | None = None

    def put(self, luma: np.ndarray) -> Tone:
        """The tone of the next frame: (height, width), [0, 1]."""
        blurred = self._small(luma)
        shares = np.array([hats.mean() for hats in _hats(blurred.reshape(-1))])
        change, shift = self._change(blurred)
        scale = luma.shape[1] / blurred.shape[1]
        return Tone(
            change=change,
            mean=float(blurred.mean()),
            shares=shares,
            shift=(shift[0] * scale, shift[1] * scale),
        )

    def _change(self, blurred: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
        matched = _matched(blurred)
        before, self._before = self._before, (blurred, matched)
        if before is None or min(blurred.shape) < 12:
            return _UNKNOWN
        rows, columns = self._positions(matched, before[1])
        height, width = blurred.shape
        seen = (columns > 1) & (columns < width - 2) & (rows > 1) & (rows < height - 2)
        moved = self._cv2.remap(before[0], columns, rows, self._cv2.INTER_LINEAR)
        now, then = blurred[seen], moved[seen]
        if _correlation(now, then) < _ALIKE:
            return _UNKNOWN
        shift = 0.0, 0.0
        if self.with_shifts:
            down, right = np.mgrid[:height, :width]
            rough = float(np.median(down - rows)), float(np.median(right - columns))
            shift = shift_between(blurred, before[0], rough)
        return fit_curve((now + then) / 2, now - then), shift

    def _positions(self, now: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where each pixel was in the frame before: rows, columns."""
        flow: Any = self._flow.calc(now, before, None)
        rows, columns = np.mgrid[0 : now.shape[0], 0 : now.shape[1]].astype(np.float32)
        return rows + flow[..., 1], columns + flow[..., 0]

    def _small(self, luma: np.ndarray) -> np.ndarray:
        small = luma.astype(np.float32)
        if luma.shape[1] > _WIDTH:
            height = max(1, round(_WIDTH * luma.shape[0] / luma.shape[1]))
            small = self._cv2.resize(small, (_WIDTH, height), interpolation=self._cv2.INTER_AREA)
        return np.asarray(self._cv2.GaussianBlur(small, (0, 0), 1.0), np.float32)


def fit_curve(levels: np.ndarray, changes: np.ndarray) -> np.ndarray:
    """The change of tone as a curve over `KNOTS`, from pixels' brightness and change.

    Brightness is the mean of both frames': that of one of them alone would make grain look like a change of contrast. Classes
    are of equal size and weigh by how much their pixels agree; those that the curve does not meet weigh less.
    """
    if levels.size < _LEAST:
        return np.zeros(len(KNOTS))
    order = np.argsort(levels, kind="stable")
    edges = np.linspace(0, levels.size, _CLASSES + 1).astype(int)
    middles, differences, weights = np.zeros((3, _CLASSES))
    for number, (start, stop) in enumerate(pairwise(edges)):
        pixels = order[start:stop]
        middles[number] = levels[pixels].mean()
        differences[number] = np.median(changes[pixels])
        spread = np.median(np.abs(changes[pixels] - differences[number]))
        weights[number] = 1 / (spread + 1e-3) ** 2
    weights /= weights.sum()
    hats = np.stack(list(_hats(middles)), -1)  # (class, knot)
    ridge = _SMOOTHNESS * _BEND.T @ _BEND + _SMALLNESS * np.eye(len(KNOTS))
    trust = np.ones(_CLASSES)
    curve: np.ndarray = np.zeros(len(KNOTS))
    for _ in range(_ROUNDS):
        weighted = (weights * trust)[:, None] * hats
        curve = np.asarray(np.linalg.solve(hats.T @ weighted + ridge, weighted.T @ differences))
        missed = np.abs(differences - hats @ curve)
        trust = 1 / np.maximum(1, missed / (1.5 * (np.median(missed) + 1e-4)))
    return np.asarray(curve)


def _hats(levels: np.ndarray) -> Iterator[np.ndarray]:
    """For each knot, how much it counts at each level; beyond the outermost knots only these count."""
    inside = np.clip(levels, KNOTS[0], KNOTS[-1])
    for knot in KNOTS:
        yield np.maximum(0, 1 - np.abs(inside - knot) * (len(KNOTS) - 1))


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    spread = float(one.std() * other.std()) if one.size else 0.0
    if spread < 1e-6:
        return 1.0
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread)


def _matched(luma: np.ndarray) -> np.ndarray:
    """An 8-bit copy of fixed mean and contrast, on which motion is found: flicker would be taken for motion."""
    spread = max(float(luma.std()), 0.01)
    copy: np.ndarray = np.clip((luma - luma.mean()) / spread * 50 + 128, 0, 255).astype(np.uint8)
    return copy
