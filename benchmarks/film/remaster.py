"""DeepRemaster's two networks, built from their description (Iizuka, Simo-Serra, 2019) with random weights.

`RemasterR` restores blocks of five frames by thirteen 3 × 3 × 3 convolutions, `RemasterC` colours them from references by attention.
A trained network folds its batch normalisation into the convolutions. Attention is computed in blocks, which costs the same time
and less memory than the whole matrix.
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


def _elu(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*(each for layer in layers for each in (layer, nn.ELU())))


def _space(before: int, after: int, stride: int = 1) -> nn.Conv3d:
    return nn.Conv3d(before, after, (1, 3, 3), (1, stride, stride), padding=(0, 1, 1))


def _time(before: int, after: int) -> nn.Conv3d:
    return nn.Conv3d(before, after, 3, padding=1)


def _ladder(channels: int) -> nn.Sequential:
    """From images to 512 features at an eighth of their size."""
    widths = [(channels, 64, 2), (64, 128, 1), (128, 128, 1), (128, 256, 2), (256, 256, 1)]
    widths += [(256, 256, 1), (256, 512, 2), (512, 512, 1), (512, 512, 1)]
    return _elu(*(_space(*each) for each in widths))


def _doubled(features: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(
        features, scale_factor=(1, 2, 2), mode="trilinear", align_corners=False
    )


class _Attention(nn.Module):
    """A source that attends to all places of a reference."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key = nn.Conv3d(512, 64, 1), nn.Conv3d(512, 64, 1)
        self.value, self.gain = nn.Conv3d(512, 512, 1), nn.Parameter(torch.zeros(1))

    def forward(self, source: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        query, key, value = (
            layer(given).flatten(2).mT
            for layer, given in (
                (self.query, source),
                (self.key, reference),
                (self.value, reference),
            )
        )
        found = functional.scaled_dot_product_attention(query, key, value, scale=1.0)
        return self.gain * found.mT.reshape(source.shape) + source


class RemasterC(nn.Module):
    """Frames (batch, 1, time, height, width) and references (batch, 3, count, height, width) to a and b of Lab, 0 to 1.

    Sides are multiples of 16.
    """

    def __init__(self) -> None:
        super().__init__()
        self.down, self.of_references = _ladder(1), _ladder(3)
        self.flat = _elu(_space(512, 512), _space(512, 512))
        self.further = _elu(_space(512, 512, 2), _space(512, 512))
        self.of_references_further = _elu(_space(512, 512, 2), _space(512, 512), _space(512, 512))
        self.attentions = nn.ModuleList(_Attention() for _ in range(4))
        self.middle = _elu(_space(512, 512))
        self.joined, self.narrowed = _elu(_time(1024, 512)), _elu(_time(512, 256))
        self.up = nn.ModuleList(
            [_elu(_time(256, 128), _time(128, 64)), _elu(_time(64, 32), _time(32, 16))]
        )
        self.last = nn.Sequential(_time(16, 8), nn.ELU(), _time(8, 2))

    def forward(self, frames: torch.Tensor, references: torch.Tensor) -> torch.Tensor:
        known = self.of_references(references - 0.48)
        features = self.attentions[0](self.down(frames - _MEAN), known)
        skip, known = self.flat(features), self.of_references_further(known)
        features = self.attentions[1](self.further(features), known)
        features = self.middle(features)
        features = _doubled(self.attentions[2](features, features))
        features = self.joined(torch.cat([features, skip], 1))
        features = self.narrowed(self.attentions[3](features, features))
        for layer in self.up:
            features = layer(_doubled(features))
        colours: torch.Tensor = self.last(_doubled(features)).sigmoid()
        return colours
