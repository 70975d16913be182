"""Self-ensemble: an image is restored rotated and flipped, and the results are averaged.

A network that saw the eight symmetries of a square alike in training errs differently on each, and the mean errs less (Timofte,
Rothe and Van Gool, "Seven ways to improve example-based single image super resolution", 2016).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from restorae.errors import Fix, UsageError
from restorae.networks import pad_to_multiple
from restorae.shapes import Images

SIZES = (1, 2, 4, 8)
"""How many rotations and flips may be averaged; any of these many first symmetries are closed under turning back."""
_SYMMETRIES = (
    (0, False),
    (1, True),
    (2, False),
    (3, True),
    (1, False),
    (3, False),
    (0, True),
    (2, True),
)
"""Quarter turns, and whether flipped before that."""


def check_self_ensemble(count: int) -> None:
    """Raise `UsageError` unless so many rotations and flips can be averaged."""
    if count not in SIZES:
        raise UsageError(
            f"expected 1, 2, 4 or 8 rotations and flips, got {count}",
            subject="self_ensemble",
            fix=Fix("self_ensemble", 8),
        )


def multiple_for(count: int, multiple_of: tuple[int, int]) -> tuple[int, int]:
    """What heights and widths must be multiples of: for several rotations, what the network takes upright and lying down."""
    return multiple_of if count == 1 else (math.lcm(*multiple_of),) * 2


def average_over_symmetries(
    restore: Callable[[Images], Images],
    images: Images,
    count: int,
    multiple_of: tuple[int, int],
) -> Images:
    """The mean of what `restore` makes of `count` rotations and flips.

    Images are first continued to what the network needs, so that its grid lies alike in all of them, and a tile gets what
    the whole image would.
    """
    height, width = images.shape[-2:]
    padded = pad_to_multiple(images, multiple_for(count, multiple_of))
    total: Images | None = None
    for turns, flipped in _SYMMETRIES[:count]:
        seen = padded.flip(3) if flipped else padded
        back = restore(seen.rot90(turns, (2, 3)).contiguous()).rot90(-turns, (2, 3))
        back = back.flip(3) if flipped else back
        total = back.clone() if total is None else total.add_(back)
    assert total is not None
    return total.div_(count)[..., :height, :width]
