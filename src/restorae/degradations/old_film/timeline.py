"""Damage in time: flicker, weave, splices, and scratches that stay, each a random process over the frames."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from restorae.degradations.old_film.parameters import FilmParameters

KNOTS = 4
"""Knots of the local flicker, along each axis."""
PAIRS = 7
"""Values that are drawn for each new scratch."""


class Scratch(NamedTuple):
    """A scratch in one frame."""

    column: float
    """Where it crosses the middle of the frame, in frame heights from the left edge."""
    width: float
    """Width in frame heights."""
    opacity: float
    """Opacity, 0 to 1."""
    is_dark: bool
    """Dark or light."""
    top: float
    """Upper end, in frame heights."""
    bottom: float
    """Lower end, in frame heights."""
    phase: float
    """Where its bends begin, in radians."""


class Moment(NamedTuple):
    """The state of the processes at one frame."""

    gain: float
    """Exposure; 1 leaves the frame as it is."""
    gamma: float
    """Exponent of the contrast; 1 leaves the frame as it is."""
    local: np.ndarray
    """Logarithm of the exposure at knots over the frame, (knots, knots), float32."""
    shift: tuple[float, float]
    """How far the frame lies below and right of its place, in frame heights."""
    soiling: float
    """How much more dust than usual there is."""
    splice: int
    """1 in the last frame before a splice, -1 in the first after it, else 0."""
    scratches: tuple[Scratch, ...]
    """Scratches in this frame."""


@dataclass(kw_only=True)
class _Slot:
    """Where at most one scratch is at a time."""

    left: int = 0
    scratch: Scratch | None = None
    wanders: bool = False


class Timeline:
    """The processes from the first frame on; `next_moment` goes on by a frame.

    Args:
        parameters: of the film.
        source: where randomness comes from.
        width: the frame's width, in frame heights.
    """

    def __init__(
        self, parameters: FilmParameters, source: np.random.Generator, *, width: float
    ) -> None:
        self.parameters, self.source, self.width = parameters, source, width
        # gain, gamma, shift down, shift right, then the knots: all start in their stationary state
        self._state = source.standard_normal(4 + KNOTS * KNOTS)
        correlation = np.full(len(self._state), parameters.flicker_correlation)
        correlation[2:4] = parameters.weave_correlation
        self._correlation, self._fresh = correlation, np.sqrt(1 - correlation**2)
        # as many places as scratches are to be expected, each of them taken half of the time
        self._slots = [_Slot() for _ in range(source.poisson(2 * parameters.scratches * width))]
        for slot in self._slots:
            slot.left = self._lifetime() if source.random() < 0.5 else -self._lifetime()
            slot.scratch = self._new_scratch(slot) if slot.left > 0 else None
        self._splices_next = False
        self._jump = 0.0
        self._level = 0.0

    @classmethod
    def of(cls, parameters: FilmParameters, seed: int, width: float) -> Self:
        """The timeline that belongs to a seed."""
        return cls(parameters, np.random.Generator(np.random.Philox(seed)), width=width)

    def next_moment(self) -> Moment:
        """The next frame's state."""
        parameters, source = self.parameters, self.source
        after_splice = self._splices_next
        uniform = source.random(3)
        self._splices_next = bool(uniform[0] < parameters.splices)
        self._state = self._correlation * self._state + self._fresh * source.standard_normal(
            len(self._state)
        )
        self._jump *= 0.4
        if after_splice:
            self._jump = (uniform[1] - 0.5) * 8 * parameters.weave
            self._level = (uniform[2] - 0.5) * 3 * parameters.flicker
        state = self._state
        for slot in self._slots:
            self._advance(slot)
        return Moment(
            gain=math.exp(parameters.flicker * state[0] + self._level),
            gamma=math.exp(parameters.flicker_gamma * state[1]),
            local=(parameters.flicker_local * state[4:]).reshape(KNOTS, KNOTS).astype(np.float32),
            shift=(
                parameters.weave * state[2] + self._jump,
                0.6 * parameters.weave * state[3],
            ),
            soiling=math.exp(0.5 * source.standard_normal())
            * (3.0 if after_splice or self._splices_next else 1.0),
            splice=-1 if after_splice else int(self._splices_next),
            scratches=tuple(slot.scratch for slot in self._slots if slot.scratch is not None),
        )

    def _lifetime(self) -> int:
        return 1 + int(self.source.exponential(self.parameters.scratch_life))

    def _advance(self, slot: _Slot) -> None:
        if slot.left == 0:
            slot.left = -self._lifetime() if slot.scratch else self._lifetime()
            slot.scratch = self._new_scratch(slot) if slot.left > 0 else None
        slot.left -= 1 if slot.left > 0 else -1
        if slot.scratch is None:
            return
        step, strength = self.source.standard_normal(2)
        wander = self.parameters.scratch_wander * (1.0 if slot.wanders else 0.1)
        slot.scratch = slot.scratch._replace(
            column=slot.scratch.column + wander * step,
            opacity=min(1.0, slot.scratch.opacity * math.exp(0.15 * strength)),
            phase=slot.scratch.phase + 0.7,
        )

    def _new_scratch(self, slot: _Slot) -> Scratch:
        place, wide, dark, wanders, whole, top, length = self.source.random(PAIRS)
        slot.wanders = bool(wanders < 0.5)
        # two in three run through the whole frame
        top = -0.1 if whole < 0.65 else top
        return Scratch(
            column=place * self.width,
            width=0.0012 + 0.0028 * wide * wide,
            opacity=min(
                1.0,
                self.parameters.scratch_strength * math.exp(0.4 * self.source.standard_normal()),
            ),
            is_dark=bool(dark >= self.parameters.scratch_light),
            top=top,
            bottom=1.1 if whole < 0.65 else top + 0.1 + 0.7 * length,
            phase=6.2832 * whole,
        )
