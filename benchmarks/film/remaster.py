"""DeepRemaster's restoration network, built from its description (Iizuka, Simo-Serra, 2019) with random weights.

Thirteen 3 × 3 × 3 convolutions on blocks of five frames. A trained network folds its batch normalisation into the convolutions.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

BLOCK = 5
"""Frames of a block."""
_MEAN = 0.4462414


class RemasterR(nn.Module):
    """Frames (batch, 1, time, height, width) in [0, 1] to restored ones; sides are multiples of 4."""

    def __init__(self) -> None:
        super().__init__()
        spatial = (1, 2, 2)
        self.first = nn.Conv3d(1, 64, 3, stride=spatial)
        widths = [(64, 128, 1), (128, 128, 1), (128, 256, spatial), *[(256, 256, 1)] * 4]
        self.down = nn.ModuleList(nn.Conv3d(a, b, 3, s, padding=1) for a, b, s in widths)
        self.up = nn.ModuleList(
            nn.Conv3d(a, b, 3, padding=1) for a, b in ((256, 128), (128, 64), (64, 64), (64, 16))
        )
        self.last = nn.Conv3d(16, 1, 3, padding=1)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        features = functional.elu(
            self.first(functional.pad(frames - _MEAN, (1,) * 6, mode="replicate"))
        )
        for layer in self.down:
            features = functional.elu(layer(features))
        for number, layer in enumerate(self.up):
            if number in (0, 3):
                features = functional.interpolate(
                    features, scale_factor=(1, 2, 2), mode="trilinear", align_corners=False
                )
            features = functional.elu(layer(features))
        restored: torch.Tensor = (frames + self.last(features).tanh()).clamp(0, 1)
        return restored
