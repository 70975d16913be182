"""What is drawn once for a film: how old film looks at a given age.

Sizes and densities of dust and hairs follow statistics of 976 annotated damage stamps and of 12,137 annotated marks on ten
scans of 35 mm film (D. Ivanova et al., "Simulating analogue film damage to analyse and improve artefact restoration on
high-resolution scans", 2023); flicker, weave and the correlation of grain follow measurements of five silent films.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from restorae.parts import Settings

LINES = 480
"""Height of a frame, in pixels, for which lengths in pixels are given."""


class FilmParameters(Settings):
    """Numbers that describe the damage of one film. Lengths are fractions of the frame's height unless they say pixels."""

    grain: float
    """Standard deviation of the grain at mid grey, [0, 1] pixel scale."""
    grain_size: float
    """Standard deviation of the fine grain's kernel, in pixels of a frame of 480 lines."""
    grain_coarse: float
    """Share of the grain's variance that is coarse, 0 to 1."""
    grain_shadows: float
    """Exponent with which grain vanishes towards black."""
    grain_lights: float
    """Exponent with which grain vanishes towards white."""
    grain_common: float
    """Share of the grain's variance that the channels of a colour film have in common, 0 to 1."""
    dust: float
    """Specks per frame, for each square with the frame's height as its side."""
    dust_size: float
    """Median diameter of a speck."""
    dust_light: float
    """Share of the specks that are light, 0 to 1."""
    dirt: float
    """Share of the specks that are large, soft blots, 0 to 1."""
    hairs: float
    """Hairs per frame, for each square with the frame's height as its side."""
    scratches: float
    """Mean number of vertical scratches for each width of one frame's height."""
    scratch_strength: float
    """Median opacity of a scratch, 0 to 1."""
    scratch_life: float
    """Mean number of frames for which a scratch stays."""
    scratch_wander: float
    """Standard deviation of a wandering scratch's step from frame to frame."""
    scratch_light: float
    """Share of the scratches that are light, 0 to 1."""
    flicker: float
    """Standard deviation of the logarithm of the exposure over time."""
    flicker_gamma: float
    """Standard deviation of the logarithm of the contrast's exponent over time."""
    flicker_local: float
    """Standard deviation over time of the exposure's logarithm in parts of the frame."""
    flicker_correlation: float
    """Correlation of the flicker of consecutive frames, 0 to 1."""
    weave: float
    """Standard deviation of the frame's position."""
    weave_correlation: float
    """Correlation of the positions of consecutive frames, 0 to 1."""
    splices: float
    """Splices per frame."""
    blur: float
    """Standard deviation of the blur, in pixels of a frame of 480 lines."""
    vignette: float
    """Share of the light that is lost in the corners, 0 to 1."""
    fading: float
    """Share of the contrast that is lost, 0 to 1."""
    fading_tone: float
    """Brightness towards which the film fades, [0, 1] pixel scale."""
    quality: float
    """Quality of the JPEG compression of each frame, 1 to 100; 0 for none."""


def draw_parameters(age: float, source: np.random.Generator) -> FilmParameters:
    """Draw a film of the given age, 0 (new) to 1 (very old). Always takes the same number of values from `source`."""
    spread: Iterator[float] = iter(source.standard_normal(24).tolist())
    share: Iterator[float] = iter(source.random(24).tolist())

    def about(median: float, deviation: float) -> float:
        """A positive number around `median`, with that standard deviation of its logarithm."""
        return median * math.exp(deviation * max(-2.0, min(2.0, next(spread))))

    def between(low: float, high: float) -> float:
        return low + (high - low) * next(share)

    return FilmParameters(
        grain=about(0.05 * age, 0.3),
        grain_size=between(0.4, 0.8),
        grain_coarse=between(0.25, 0.65),
        grain_shadows=between(0.1, 0.6),
        grain_lights=between(0.0, 0.6),
        grain_common=between(0.3, 0.9),
        dust=about(36 * age**1.3, 0.5),
        dust_size=about(0.006, 0.2),
        dust_light=between(0.25, 0.9),
        dirt=between(0.01, 0.06),
        hairs=about(0.5 * age, 0.5),
        scratches=about(1.8 * age, 0.5),
        scratch_strength=about(0.15 + 0.25 * age, 0.3) * (age > 0),
        scratch_life=about(25, 0.8),
        scratch_wander=about(0.003, 0.7),
        scratch_light=between(0.3, 0.9),
        flicker=about(0.06 * age, 0.35),
        flicker_gamma=about(0.03 * age, 0.35),
        flicker_local=about(0.045 * age, 0.4),
        flicker_correlation=between(0.3, 0.85),
        weave=about(0.0025 * age, 0.4),
        weave_correlation=between(0.2, 0.8),
        splices=about(0.004 * age, 0.5),
        blur=about(0.8 * age, 0.3),
        vignette=between(0.1, 0.5) * age,
        fading=between(0.1, 0.5) * age,
        fading_tone=between(0.35, 0.75),
        quality=round(between(70, 98) - 30 * age) * (age > 0) if between(0, 1) < 0.6 else 0.0,
    )
