"""Colours of cells spread to pixels, and how much of them is known."""

from __future__ import annotations

import numpy as np

from restorae.colouring.matching import Match
from restorae.colouring.sizes import resize

KNOWN = 0.3
"""Trust from which a colour counts as known."""


def to_pixels(match: Match, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Chroma (height, width, 2) and trust (height, width), interpolated to a working size."""
    return resize(match.chroma, size), resize(match.sureness, size)


def known_share(trust: np.ndarray) -> float:
    """Share of an image whose colours are known."""
    return float((trust > KNOWN).mean())
