"""DnCNN, the yardstick of learned denoising, built from its description (Zhang et al., 2017) with random weights.

Seventeen convolutions of 3 × 3 at full resolution, 64 features between them. Batch normalisation, which a trained network
folds into the convolutions, is left as what remains of it: a bias each. For speed that is all there is to know.
"""

from __future__ import annotations

import torch
from torch import nn

from restorae.shapes import Images

LAYERS, FEATURES, PARAMETERS = 17, 64, 555_137
"""Parameters of the one for grey images."""


class DnCNN(nn.Module):
    """Says what is noise; the restored image is the rest.

    Args:
        channels: 1 for grey, 3 for colour, whose channels go in and come out together.
    """

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(channels, FEATURES, 3, padding=1),
            nn.ReLU(inplace=True),
        ]
        for _ in range(LAYERS - 2):
            layers += [nn.Conv2d(FEATURES, FEATURES, 3, padding=1), nn.ReLU(inplace=True)]
        self.noise = nn.Sequential(*layers, nn.Conv2d(FEATURES, channels, 3, padding=1))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, images: Images) -> Images:
        # as restorae lays images out too: on a processor twice as fast as PyTorch's default
        restored: Images = images - self.noise(images.contiguous(memory_format=torch.channels_last))
        return restored


def parameters(channels: int) -> int:
    """How many numbers it learns for images of so many channels.

    >>> parameters(1) == PARAMETERS
    True
    """
    return sum(weights.numel() for weights in DnCNN(channels).parameters())
