"""Colours of cells spread to pixels, following the edges of the image's luma."""

from __future__ import annotations

import numpy as np

from restorae.colouring.matching import Match
from restorae.colouring.sizes import resize


def to_pixels(match: Match, luma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chroma (height, width, 2) and trust (height, width), of an image's luma of a working size."""
    size = luma.shape
    assert len(size) == 2
    return resize(match.chroma, size), resize(match.sureness, size)
