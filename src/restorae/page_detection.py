"""What a picture seems to show: enough to choose a model that suits it when nobody says which."""

from __future__ import annotations

import torch
from torch.nn import functional

from restorae.pixels import to_grey
from restorae.shapes import Image

_SEEN = 1024
"""Side in pixels of the middle part that is looked at."""
_BLOCK = 32
"""Side in pixels of the blocks that are judged by their own brightest part: a shadow over a page is no ink."""
_BRIGHT_END = 0.9
_LIGHT, _DARK = 0.85, 0.6
_SMALLEST_LIGHT, _LARGEST_BETWEEN = 0.6, 0.22
_DARK_SHARE = (0.03, 0.3)
_PAPER, _INKED = 0.5, 0.7


def looks_like_page(image: Image) -> bool:
    """Whether a picture, (1 or 3, height, width), seems to be a page of print: dark strokes on bright paper, little between.

    Stains, creases and shadows do not mislead it, since every block is judged by its own brightest part. The bounds were
    chosen on photographs, which it should leave alone (one of 400 is taken for a page), and on pages, made and scanned.

    >>> import torch
    >>> page = torch.full((1, 128, 128), 0.8)
    >>> page[:, ::8] = 0.1
    >>> looks_like_page(page), looks_like_page(torch.rand(1, 128, 128))
    (True, False)
    """
    if image.shape[0] not in (1, 3) or min(image.shape[1:]) < 2 * _BLOCK:
        return False
    image = center_crop(image, _SEEN)
    grey = to_grey(image[None]) if image.shape[0] == 3 else image[None]
    blocks = functional.unfold(grey, _BLOCK, stride=_BLOCK)[0].T  # (blocks, pixels)
    bright = torch.quantile(blocks, _BRIGHT_END, dim=1)
    relative = blocks / bright.clamp(min=1e-3)[:, None]
    dark = (relative < _DARK).float()
    light, ink = (relative > _LIGHT).float().mean().item(), dark.mean().item()
    return (
        light >= _SMALLEST_LIGHT
        and 1 - light - ink <= _LARGEST_BETWEEN
        and _DARK_SHARE[0] <= ink <= _DARK_SHARE[1]
        and bright.median().item() >= _PAPER
        and (dark.mean(1) > 0.02).float().mean().item() >= _INKED
    )


def center_crop(image: Image, size_px: int) -> Image:
    """The centre of an image, at most `size_px` pixels high and wide."""
    top, left = (max(0, (length - size_px) // 2) for length in image.shape[-2:])
    return image[..., top : top + size_px, left : left + size_px]
