"""Self-ensemble: a picture restored turned and mirrored, and the results averaged."""

from __future__ import annotations

import math
from collections.abc import Callable

from restorae.errors import UsageError
from restorae.networks import pad_to_multiple
from restorae.shapes import Images

VIEWS = (1, 2, 4, 8)
"""How many views may be averaged; any of these many first symmetries are closed under turning back."""
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
"""Quarter turns, and whether mirrored before that."""


def check_views(views: int) -> None:
    """Raise `UsageError` unless a picture can be seen from so many sides."""
    if views not in VIEWS:
        raise UsageError(
            f"A picture can be averaged over 1, 2, 4 or 8 views, turned and mirrored, not over {views}."
        )


def multiple_for(views: int, multiple_of: tuple[int, int]) -> tuple[int, int]:
    """What heights and widths must be multiples of: for several views those that a network takes lying down and standing up."""
    return multiple_of if views == 1 else (math.lcm(*multiple_of),) * 2


def average_of_views(
    restore: Callable[[Images], Images], images: Images, views: int, multiple_of: tuple[int, int]
) -> Images:
    """The mean of what `restore` makes of `views` symmetries of the images, each turned back.

    A network that saw a square's eight symmetries alike in training errs differently on each, and the mean errs less
    (geometric self-ensemble: Timofte, Rothe and Van Gool, "Seven ways to improve example-based single image super
    resolution", 2016). It takes as many times as long. Images are first continued to what the network needs, so that its
    grid lies alike in all views, and a tile gets what the whole picture would.
    """
    height, width = images.shape[-2:]
    padded = pad_to_multiple(images, multiple_for(views, multiple_of))
    total: Images | None = None
    for turns, mirrored in _SYMMETRIES[:views]:
        seen = padded.flip(3) if mirrored else padded
        back = restore(seen.rot90(turns, (2, 3)).contiguous()).rot90(-turns, (2, 3))
        back = back.flip(3) if mirrored else back
        total = back.clone() if total is None else total.add_(back)
    assert total is not None
    return total.div_(views)[..., :height, :width]
