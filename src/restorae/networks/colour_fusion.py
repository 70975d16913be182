"""The film colouriser: a U-Net that weighs colours from several sources against each other, pixel by pixel.

It is given where the colours disagree and how each was come by, and says how much to take of each. It gives no colours itself:
what it returns are weights, so nothing can be coloured that no reference shows.
"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field
from torch import Tensor, nn

from restorae.errors import BadSpec
from restorae.networks.contract import Network
from restorae.networks.unet import UNet


class ColourFusion(Network, kind="colour-fusion"):
    """Changes of the weights of colours.

    The module maps (batch, channels, height, width), the planes of `restorae.film.colour.fusing`, to (batch, sources + 1, height,
    width): what is added to the logarithms of the weights, and to the logit of the trust.

    >>> import torch
    >>> ColourFusion().build()(torch.zeros(1, 18, 32, 32)).shape
    torch.Size([1, 5, 32, 32])
    """

    aliases: ClassVar[tuple[str, ...]] = ("colouriser",)

    channels: int = Field(18, ge=1)
    """Planes that describe the sources."""
    sources: int = Field(4, ge=1)
    """Colours that are weighed."""
    body: UNet = UNet(
        channels=1,
        widths=(16, 32, 64),
        encoder_blocks=(1, 2, 2),
        decoder_blocks=(1, 1),
        patch=1,
        padding="replicate",
    )
    """The network between the first and the last layer."""

    @property
    def takes_images(self) -> bool:
        return False

    @property
    def multiple_of(self) -> tuple[int, int]:
        return self.body.multiple_of

    @property
    def halo(self) -> int | None:
        return self.body.halo

    def fitted(self, channels: int, size: tuple[int, int] | None) -> Self:
        raise BadSpec("colour-fusion learns from coloured clips, not from images")

    def build(self) -> ColourFusionNetwork:
        return ColourFusionNetwork(self)


class ColourFusionNetwork(nn.Module):
    """The module that `ColourFusion` builds."""

    def __init__(self, settings: ColourFusion) -> None:
        super().__init__()
        self.body = settings.body.build()
        del self.body.input, self.body.output
        width, padding = settings.body.widths[0], self.body.padding
        self.input = nn.Conv2d(settings.channels, width, 3, padding=1, padding_mode=padding)
        self.output = nn.Conv2d(width, settings.sources + 1, 3, padding=1, padding_mode=padding)
        if not self.output.weight.is_meta:  # begins with the weights that it is given
            for weights in self.output.parameters():
                nn.init.zeros_(weights)

    def forward(self, planes: Tensor) -> Tensor:
        found: Tensor = self.output(self.body.trunk(self.input(planes)))
        return found
