"""Fine grain that a restoration removed, put back in part: film and skin without any look like plastic."""

from __future__ import annotations

from torch.nn import functional

from restorae.pixels import to_grey
from restorae.restoring.request import RestoreRequest
from restorae.shapes import Images

_WINDOW = 2 * RestoreRequest.GRAIN_REACH + 1


def add_grain(degraded: Images, restored: Images, share: float) -> Images:
    """Put back a share of the removed grain: restored + share · grain, (batch, channel, height, width).

    The grain is the removed residual's brightness less its mean over 5 × 5 pixels. Colour noise, stains, fading and blur
    are not grain and stay removed; that is the difference from a lower strength.

    >>> import torch
    >>> faded, restored = torch.full((1, 1, 8, 8), 0.2), torch.full((1, 1, 8, 8), 0.5)
    >>> torch.allclose(add_grain(faded, restored, 1.0), restored)
    True
    """
    removed = degraded - restored
    if removed.shape[1] == 3:
        removed = to_grey(removed)
    smooth = functional.avg_pool2d(
        removed, _WINDOW, stride=1, padding=_WINDOW // 2, count_include_pad=False
    )
    return restored + share * (removed - smooth)
