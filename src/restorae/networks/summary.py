"""The layers of a network as a table: output shapes and numbers of parameters."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Row(NamedTuple):
    """One layer."""

    name: str
    layer: str
    shape: tuple[int, ...]
    """Output shape without the batch."""
    parameters: int


def layer_table(module: nn.Module, channels: int, size: tuple[int, ...]) -> list[Row]:
    """One row for each layer without layers below it, in the order in which they are called.

    Args:
        module: the network.
        channels: channels of the input image.
        size: height and width of the input image.
    """
    rows: list[Row] = []
    hooks = []
    for name, layer in module.named_modules():
        if any(True for _ in layer.children()):
            continue

        def note(called: nn.Module, _inputs: object, output: Tensor, name: str = name) -> None:
            learned = sum(weights.numel() for weights in called.parameters())
            rows.append(Row(name, type(called).__name__, tuple(output.shape[1:]), learned))

        hooks.append(layer.register_forward_hook(note))
    try:
        with torch.inference_mode():
            module(torch.zeros(1, channels, *size))
    finally:
        for hook in hooks:
            hook.remove()
    return rows
