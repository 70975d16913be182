"""How a module is called with pictures of any size."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from restorae.networks.contract import Network
from restorae.shapes import Images

_PROBED = 64


def send_through(module: nn.Module, images: Images, multiple_of: tuple[int, int]) -> Images:
    """What a module makes of images of any size: padded to the multiples it needs, and cut back. Training does the same."""
    height, width = images.shape[-2:]
    restored: Images = module(
        pad_to_multiple(images, multiple_of).contiguous(memory_format=torch.channels_last)
    )
    return restored[..., :height, :width]


def working_memory(module: nn.Module, network: Network) -> float:
    """About how many bytes each pixel takes while it goes through a module, by the outputs of its layers on a small picture.

    Not all of them are held at once, so this errs on the safe side; a padded copy of each is counted.
    """
    sides = [-(-_PROBED // side) * side for side in network.multiple_of]
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
                torch.zeros(1, network.channels, *sides, dtype=weights.dtype, device=weights.device)
            )
    finally:
        for hook in hooks:
            hook.remove()
    return 8.0 * network.channels + found / (sides[0] * sides[1])


def pad_to_multiple(images: Images, multiple_of: tuple[int, int]) -> Images:
    """Images continued below and to the right to multiples of the given height and width, mirrored where there is enough."""
    height, width = images.shape[-2:]
    below, right = -height % multiple_of[0], -width % multiple_of[1]
    if not below and not right:
        return images
    mirrored = below < height and right < width
    return functional.pad(images, (0, right, 0, below), mode="reflect" if mirrored else "replicate")
