"""The film cleaner: a U-Net on a frame and its aligned neighbours, which also says where the film is damaged.

Time is handled before the network, by optical flow on whole frames (FastDVDnet of Tassano, Delon, Veit, CVPR 2020, leaves
it to the network, at many times the cost). What is left is a network for images with more input planes.
"""

from __future__ import annotations

from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from restorae.errors import BadSpec
from restorae.networks.contract import Network
from restorae.networks.layers import MIDDLE_GREY
from restorae.networks.unet import UNet


class FilmUNet(Network, kind="film-unet"):
    """Cleans the frame in the middle of a stack of aligned frames.

    The module maps (batch, planes, height, width), the planes of `restorae.film.stack`, to (batch, 2, height, width): the
    clean frame, and the logit of the probability that a pixel is damaged.

    >>> import torch
    >>> FilmUNet().build()(torch.zeros(1, 11, 32, 32)).shape
    torch.Size([1, 2, 32, 32])
    """

    aliases: ClassVar[tuple[str, ...]] = ("film",)

    channels: int = Field(11, ge=2)
    """Planes of a stack. The first is the estimate that the network corrects."""
    brightness_planes: int = Field(6, ge=1)
    """How many of them are frames; the others are validities and evidence, centred on zero already."""
    body: UNet = UNet(
        channels=1,
        widths=(32, 64, 128),
        encoder_blocks=(1, 2, 2),
        decoder_blocks=(1, 1),
        padding="replicate",
        residual=True,
    )
    """The network between the first and the last layer."""

    @property
    def multiple_of(self) -> tuple[int, int]:
        return self.body.multiple_of

    @property
    def neighbours(self) -> int:
        return 2

    @property
    def halo(self) -> int | None:
        return self.body.halo

    def fitted(self, channels: int, size: tuple[int, int] | None) -> Self:
        if channels != self.channels:
            raise BadSpec("film-unet learns from stacks of aligned frames, not from images")
        return self

    def build(self) -> FilmUNetNetwork:
        return FilmUNetNetwork(self)


class FilmUNetNetwork(nn.Module):
    """The module that `FilmUNet` builds."""

    def __init__(self, settings: FilmUNet) -> None:
        super().__init__()
        self.body = settings.body.build()
        self.brightness_planes, patch = settings.brightness_planes, settings.body.patch
        width = settings.body.widths[0]
        self.others = nn.Conv2d(
            (settings.channels - 1) * patch**2, width, 3, padding=1, padding_mode=self.body.padding
        )
        self.mask = nn.Conv2d(width, patch**2, 3, padding=1, padding_mode=self.body.padding)
        if not self.others.weight.is_meta:  # begins as the body on the first plane
            nn.init.zeros_(self.others.weight)
            nn.init.zeros_(self.others.bias)  # type: ignore[arg-type]
            nn.init.constant_(self.mask.bias, -4.0)  # type: ignore[arg-type]

    def forward(self, planes: Tensor) -> Tensor:
        body, patch = self.body, self.body.patch
        first = planes[:, :1]
        # differences to the first plane are small where all frames agree
        frames = planes[:, 1 : self.brightness_planes] - first
        others = torch.cat([frames, planes[:, self.brightness_planes :]], 1)
        features = body.input(functional.pixel_unshuffle(first - MIDDLE_GREY, patch))
        features = features + self.others(functional.pixel_unshuffle(others, patch))
        features = body.trunk(features)
        restored = first + functional.pixel_shuffle(body.output(features), patch)
        damaged = functional.pixel_shuffle(self.mask(features), patch)
        return torch.cat([restored, damaged], 1)
