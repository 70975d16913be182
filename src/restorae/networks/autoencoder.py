"""Plain auto-encoders (Hinton and Salakhutdinov, 2006): an image to a few numbers, its code, and back.

Unlike a variational auto-encoder, nothing says how the codes are laid out: they may lie anywhere, with empty regions between
them. `docs/concepts.md` shows both planes side by side.
"""

from __future__ import annotations

import abc
from itertools import pairwise
from typing import ClassVar

from pydantic import Field, PositiveInt
from torch import nn
from torch.nn import functional

from restorae.networks.code import CodeModule
from restorae.networks.conv_vae import ConvDecoder
from restorae.networks.layers import MIDDLE_GREY, OUTPUT_STD, initialise_for_relu
from restorae.networks.one_size import OneSizeNetwork
from restorae.shapes import Images, Latents


class AutoEncoder(OneSizeNetwork, abc.ABC, family="network"):
    """Settings of an auto-encoder with a code of a few numbers, for images of one size. `build` returns a `CodeModule`."""

    described: ClassVar[str] = "An auto-encoder"
    latent_dim: int = Field(default=2, ge=1, le=4096)
    """Numbers in the code."""


class DenseAutoEncoder(AutoEncoder, kind="dense-autoencoder"):
    """Dense layers with ReLU down to a code, and the same layers mirrored; code and output are linear.

    >>> import torch
    >>> module = DenseAutoEncoder(latent_dim=2).build()
    >>> module.encode(torch.zeros(5, 1, 28, 28)).shape, module.decode(torch.zeros(5, 2)).shape
    (torch.Size([5, 2]), torch.Size([5, 1, 28, 28]))
    """

    aliases: ClassVar[tuple[str, ...]] = ("dense-auto-encoder",)
    hidden: tuple[PositiveInt, ...] = (512, 128)
    """Units of each hidden layer before the code; after it they are mirrored."""

    @property
    def multiple_of(self) -> tuple[int, int]:
        return (self.height, self.width)

    def build(self) -> nn.Module:
        return DenseAutoEncoderModule(self)


class DenseAutoEncoderModule(CodeModule):
    """The module that `DenseAutoEncoder` builds."""

    def __init__(self, settings: DenseAutoEncoder) -> None:
        super().__init__()
        self.code_shape = (settings.latent_dim,)
        self.image_shape = (settings.channels, settings.height, settings.width)
        pixels = settings.channels * settings.height * settings.width
        sizes = (pixels, *settings.hidden, settings.latent_dim)
        self.encoder, self.decoder = _dense(sizes), _dense(sizes[::-1])
        _initialise(self, first=self.decoder[0], output=self.decoder[-1])

    def encode(self, images: Images) -> Latents:
        codes: Latents = self.encoder((images - MIDDLE_GREY).flatten(1))
        return codes

    def decode(self, codes: Latents) -> Images:
        images: Images = self.decoder(codes).unflatten(1, self.image_shape)
        return images


class ConvAutoEncoder(AutoEncoder, kind="conv-autoencoder"):
    """The layers of `conv-vae` with a code in place of a posterior: conv 32, conv 64, dense 16, code, and the same decoder.

    >>> import torch
    >>> module = ConvAutoEncoder(latent_dim=2).build()
    >>> module.encode(torch.zeros(5, 1, 28, 28)).shape, module.decode(torch.zeros(5, 2)).shape
    (torch.Size([5, 2]), torch.Size([5, 1, 28, 28]))
    """

    aliases: ClassVar[tuple[str, ...]] = ("autoencoder", "auto-encoder", "conv-auto-encoder", "ae")
    features: int = Field(default=32, ge=1)
    """Features of the first convolution; the second has twice as many."""
    hidden: int = Field(default=16, ge=1)
    """Units of the dense layer before the code."""

    @property
    def multiple_of(self) -> tuple[int, int]:
        return (4, 4)

    @property
    def coarse(self) -> tuple[int, int]:
        """Height and width of the coarsest features: a quarter of the image's, rounded up."""
        return -(-self.height // 4), -(-self.width // 4)

    def build(self) -> nn.Module:
        return ConvAutoEncoderModule(self)


class ConvAutoEncoderModule(CodeModule):
    """The module that `ConvAutoEncoder` builds."""

    def __init__(self, settings: ConvAutoEncoder) -> None:
        super().__init__()
        features, (height, width) = settings.features, settings.coarse
        self.code_shape = (settings.latent_dim,)
        self.conv1 = nn.Conv2d(settings.channels, features, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(features, 2 * features, 3, stride=2, padding=1)
        self.dense = nn.Linear(2 * features * height * width, settings.hidden)
        self.code = nn.Linear(settings.hidden, settings.latent_dim)
        self.decoder = ConvDecoder(
            features,
            coarse=settings.coarse,
            latent_dim=settings.latent_dim,
            channels=settings.channels,
        )
        _initialise(self, first=self.decoder.dense, output=self.decoder.output)

    def encode(self, images: Images) -> Latents:
        x = functional.relu_(self.conv1(images))  # (batch, 32, h/2, w/2)
        x = functional.relu_(self.conv2(x))  # (batch, 64, h/4, w/4)
        x = functional.relu_(self.dense(x.movedim(1, -1).flatten(1)))  # (batch, 16)
        codes: Latents = self.code(x)
        return codes

    def decode(self, codes: Latents) -> Images:
        images: Images = self.decoder(codes)
        return images


def _dense(sizes: tuple[int, ...]) -> nn.Sequential:
    """Dense layers with ReLU between and a linear end."""
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _initialise(module: nn.Module, first: nn.Module, output: nn.Module) -> None:
    """Initial weights: He's for convolutions, Glorot's (2010) for dense layers, and a nearly black output.

    The biases of the decoder's `first` layer are drawn, not zero. With zero biases the decoder starts as a cone, decode(s · z) =
    s · decode(z): all ReLUs bend at the origin, which costs accuracy in short trainings. The `output` is small
    for the reason that `initialise_dense` gives.
    """
    assert isinstance(first, nn.Linear)
    assert isinstance(output, nn.Linear | nn.ConvTranspose2d)
    if output.weight.is_meta:
        return  # weights to be loaded are not drawn
    initialise_for_relu(module)
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
    nn.init.normal_(first.bias)
    nn.init.normal_(output.weight, std=OUTPUT_STD)
