"""How a module is called with pictures of any size."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from restorae.shapes import Images


def send_through(module: nn.Module, images: Images, multiple_of: tuple[int, int]) -> Images:
    """What a module makes of images of any size: padded to the multiples it needs, and cut back. Training does the same."""
    height, width = images.shape[-2:]
    restored: Images = module(pad_to_multiple(images, multiple_of).contiguous(memory_format=torch.channels_last))
    return restored[..., :height, :width]


def pad_to_multiple(images: Images, multiple_of: tuple[int, int]) -> Images:
    """Images continued below and to the right to multiples of the given height and width, mirrored where there is enough."""
    height, width = images.shape[-2:]
    below, right = -height % multiple_of[0], -width % multiple_of[1]
    if not below and not right:
        return images
    mirrored = below < height and right < width
    return functional.pad(images, (0, right, 0, below), mode="reflect" if mirrored else "replicate")
