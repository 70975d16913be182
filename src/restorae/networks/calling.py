"""How a module is called with images of any size."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from restorae.networks.contract import Network
from restorae.shapes import Images

_PROBED = 64


def send_through(module: nn.Module, images: Images, multiple_of: tuple[int, int]) -> Images:
    """Call a module on images of any size: pads them to the multiples it needs, and crops the result."""
    height, width = images.shape[-2:]
    restored: Images = module(
        pad_to_multiple(images, multiple_of).contiguous(memory_format=torch.channels_last)
    )
    return restored[..., :height, :width]


def working_memory(module: nn.Module, network: Network) -> float:
    """Estimate of a module's working memory, in bytes per pixel, from the outputs of its layers on a small image.

    An upper estimate, since not all outputs are in memory at once; it includes a padded copy of the image.
    """
    size = [-(-_PROBED // step) * step for step in network.multiple_of]
    found = 0

    def count(_module: nn.Module, _entering: Any, leaving: Any) -> None:
        nonlocal found
        if isinstance(leaving, torch.Tensor):
            found += leaving.numel() * leaving.element_size()

    weights = next(module.parameters(), torch.empty(0))
    hooks = [
        layer.register_forward_hook(count)
        for layer in module.modules()
        if not any(layer.children())
    ]
    try:
        with torch.inference_mode():
            module(
                torch.zeros(1, network.channels, *size, dtype=weights.dtype, device=weights.device)
            )
    finally:
        for hook in hooks:
            hook.remove()
    return 8.0 * network.channels + found / (size[0] * size[1])


def pad_to_multiple(images: Images, multiple_of: tuple[int, int]) -> Images:
    """Pad images at the bottom and right to multiples of a height and width: mirrored, or replicated if they are too small."""
    height, width = images.shape[-2:]
    below, right = -height % multiple_of[0], -width % multiple_of[1]
    if not below and not right:
        return images
    mirrored = below < height and right < width
    return functional.pad(images, (0, right, 0, below), mode="reflect" if mirrored else "replicate")
