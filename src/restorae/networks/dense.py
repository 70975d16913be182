"""A fully connected auto-encoder (Hinton and Salakhutdinov, 2006): every pixel is connected to every hidden unit."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar, Self

from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from restorae.errors import ShapeMismatch
from restorae.networks.code import CodeModule
from restorae.networks.contract import Network
from restorae.networks.layers import MIDDLE_GREY, initialise_dense
from restorae.shapes import Images

LARGEST = 64


class Dense(Network, kind="dense"):
    """Dense layers down to a narrow bottleneck and up again, with ReLU between and a linear output.

    A dense network has one input size. Images of up to 64 × 64 are processed whole; larger images, and images of other
    sizes, as a mosaic of blocks of that size.

    >>> import torch
    >>> Dense(height=28, width=28).build()(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 1, 28, 28])
    """

    aliases: ClassVar[tuple[str, ...]] = ("mlp", "fully-connected")

    height: int = Field(default=28, ge=1, le=LARGEST)
    """Height of the image or block that the network sees, in pixels."""
    width: int = Field(default=28, ge=1, le=LARGEST)
    """Width of the image or block that the network sees, in pixels."""
    hidden: tuple[PositiveInt, ...] = Field(default=(512, 128, 512), min_length=1)
    """Units of each hidden layer."""

    @property
    def multiple_of(self) -> tuple[int, int]:
        return (self.height, self.width)

    @property
    def halo(self) -> None:
        return None

    def fitted(self, channels: int, size: tuple[int, int] | None) -> Self:
        height, width = size or (LARGEST // 2, LARGEST // 2)
        if max(height, width) > LARGEST:
            height = width = LARGEST // 2
        return self.model_copy(update={"channels": channels, "height": height, "width": width})

    def build(self) -> nn.Module:
        return DenseNetwork(self)


class DenseNetwork(CodeModule):
    """The module that `Dense` builds."""

    def __init__(self, settings: Dense) -> None:
        super().__init__()
        self.block = (settings.height, settings.width)
        pixels = settings.channels * settings.height * settings.width
        sizes = (pixels, *settings.hidden, pixels)
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])
        narrowest = settings.hidden.index(min(settings.hidden))
        self.code_shape = (settings.hidden[narrowest],)
        self.code_at = 2 * (narrowest + 1)  # layers up to the narrowest one's ReLU
        initialise_dense(self.layers)

    def encode(self, images: Images) -> Tensor:
        if images.shape[-2:] != self.block:
            raise ShapeMismatch(
                f"a dense network encodes images of {self.block[0]} × {self.block[1]} px, got "
                f"{images.shape[-2]} × {images.shape[-1]}"
            )
        codes: Tensor = self.layers[: self.code_at]((images - MIDDLE_GREY).flatten(1))
        return codes

    def decode(self, codes: Tensor) -> Images:
        images: Images = self.layers[self.code_at :](codes).unflatten(1, (-1, *self.block))
        return images

    def forward(self, images: Images) -> Images:
        images = images - MIDDLE_GREY
        if images.shape[-2:] == self.block:
            restored: Tensor = self.layers(images.flatten(1)).reshape(images.shape)
            return restored
        blocks = functional.unfold(images, self.block, stride=self.block)  # (batch, pixels, blocks)
        blocks = self.layers(blocks.mT).mT
        return functional.fold(blocks, images.shape[-2:], self.block, stride=self.block)
