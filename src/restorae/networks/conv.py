"""A convolutional auto-encoder: two poolings down, two upsamplings up (the network of the digits exercise)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from restorae.networks.code import CodeModule
from restorae.networks.contract import Network
from restorae.networks.layers import UpsampledConv, initialise_for_relu
from restorae.shapes import Images


class Conv(Network, kind="conv"):
    """Conv, pool, conv, pool; conv, double, conv, double, conv: 28,353 parameters at 32 features and one channel.

    The output is linear. With a sigmoid there and mean squared error, this noise sends every run to an all-black
    answer, where the sigmoid's gradient vanishes (docs/why-it-collapses.md).

    >>> sum(weights.numel() for weights in Conv().build().parameters())
    28353
    """

    aliases: ClassVar[tuple[str, ...]] = ("cnn", "convolutional")

    features: int = Field(default=32, ge=1)
    """Features of every hidden layer."""

    @property
    def multiple_of(self) -> tuple[int, int]:
        return (4, 4)

    @property
    def halo(self) -> int:
        # 1 + 2 + 4 + 2 + 1 pixels for the five convolutions, and 3 for the pixel's position in its 4 × 4 block
        return 13

    def build(self) -> nn.Module:
        return ConvNetwork(self)


class ConvNetwork(CodeModule):
    """The module that `Conv` builds."""

    def __init__(self, settings: Conv) -> None:
        super().__init__()
        features = settings.features
        self.code_shape = (features, None, None)
        self.encode1 = nn.Conv2d(settings.channels, features, 3, padding=1)
        self.encode2 = nn.Conv2d(features, features, 3, padding=1)
        self.decode1 = nn.Conv2d(features, features, 3, padding=1)
        self.decode2 = UpsampledConv(features, features)
        self.output = UpsampledConv(features, settings.channels)
        initialise_for_relu(self)

    def encode(self, images: Images) -> Tensor:
        # ReLU after pooling gives the same as ReLU before pooling, on a quarter of the values
        x = functional.relu(
            functional.max_pool2d(self.encode1(images), 2)
        )  # (batch, features, h/2, w/2)
        return functional.relu(
            functional.max_pool2d(self.encode2(x), 2)
        )  # (batch, features, h/4, w/4)

    def decode(self, codes: Tensor) -> Images:
        x = functional.relu(self.decode1(codes))
        x = functional.relu(self.decode2(x))  # (batch, features, h/2, w/2)
        images: Images = self.output(x)
        return images  # (batch, channels, h, w)
