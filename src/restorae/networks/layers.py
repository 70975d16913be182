"""Layers that more than one network uses."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

Padding: TypeAlias = Literal["zeros", "replicate"]
"""Padding of a convolution: zeros, or the outermost values replicated."""

MIDDLE_GREY = 0.5
"""Subtracted from the images before the first layer: a network learns faster from values around zero."""


class UpsampledConv(nn.Conv2d):
    """Nearest-neighbour doubling followed by a zero-padded 3 × 3 convolution, computed before the doubling.

    Each of the four pixels that one pixel becomes sees only 2 × 2 distinct pixels, so the convolution of the doubled
    image is a convolution of the small one with four times the outputs, its kernels sums of the original taps. Same
    parameters, same result up to rounding, without the doubled features: a quarter of the memory traffic.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        phases = [
            both for rows in _split(self.weight, 2) for both in _split(rows, 3)
        ]  # 4 × (out, in, 3, 3)
        weight = torch.stack(phases, 1).flatten(0, 1)  # (out · 4, in, 3, 3)
        assert self.bias is not None
        quarter = functional.conv2d(features, weight, self.bias.repeat_interleave(4), padding=1)
        return functional.pixel_shuffle(quarter, 2)  # (batch, out, 2·h, 2·w)


def _split(taps: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Kernels of the even and the odd pixel along `axis`: taps on the same source pixel are summed."""
    first, second, third = taps.unbind(axis)
    none = torch.zeros_like(first)
    return torch.stack([first, second + third, none], axis), torch.stack(
        [none, first + second, third], axis
    )


def initialise_for_relu(module: nn.Module) -> None:
    """He initialisation (He et al., 2015) for every convolution and linear layer below `module`; biases zero."""
    for layer in module.modules():
        if (
            not isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear))
            or layer.weight.is_meta
        ):
            continue  # weights to be loaded are not drawn
        if isinstance(layer, nn.ConvTranspose2d):
            # of its taps, each output pixel meets one in stride²
            taps = layer.in_channels * math.prod(layer.kernel_size) / math.prod(layer.stride)
            nn.init.normal_(layer.weight, std=math.sqrt(2 / taps))
        else:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


OUTPUT_STD = 0.01
"""Standard deviation of the initial weights of an auto-encoder's output layer."""


def initialise_dense(layers: Iterable[nn.Module]) -> None:
    """Initial weights of an auto-encoder of linear layers: Glorot (2010) inside, and an output that is nearly black.

    He initialisation of the *output* layer makes the first outputs as large as the features. The first steps then only
    make them small again, and what they teach the hidden layers on the way is not unlearned: it costs some 4 dB.
    """
    linear = [each for each in layers if isinstance(each, nn.Linear) and not each.weight.is_meta]
    for layer in linear:
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    if linear:
        nn.init.normal_(linear[-1].weight, std=OUTPUT_STD)


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to the input; starts as the identity.

    Args:
        width: features in and out.
        padding: `zeros` or `replicate`.
    """

    def __init__(self, width: int, padding: Padding = "zeros") -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, padding_mode=padding)
        self.second = nn.Conv2d(width, width, 3, padding=1, padding_mode=padding)
        initialise_for_relu(self.first)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.second(functional.relu(self.first(features)))
        return features + changed
