"""Whether what is to be coloured is in colour already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from restorae.errors import BadImage, Fix

COLOURED = 0.012
"""Mean spread of chroma from which an image or a film is in colour; toned prints and tinted films have less."""


def colour_spread(chroma: np.ndarray) -> float:
    """Standard deviation of chroma, (height, width, 2), within an image."""
    return float(np.hypot(*chroma.std((0, 1))))


def require_grey(spreads: Sequence[float], path: Path) -> None:
    """Refuse what is in colour.

    Args:
        spreads: of an image, or of frames of a film; without any nothing is refused.
        path: the file.

    Raises:
        BadImage: it is in colour.
    """
    if spreads and np.mean(spreads) > COLOURED:
        raise BadImage(
            "is in colour already. Its colours would be replaced",
            subject=path,
            fix=Fix("recolour"),
        )
