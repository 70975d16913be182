"""A U-Net (Ronneberger et al., 2015) of residual blocks that starts at a fraction of the resolution.

The image is first folded, `patch` × `patch` pixels into the channels of one position (pixel unshuffle; the inverse of Shi
et al., 2016), so the widest layers run on a quarter of the positions. On a CPU this gives more quality per second than full
resolution. There is no normalisation, so a result does not depend on the rest of the tile.
"""

from __future__ import annotations

from itertools import pairwise, zip_longest
from typing import ClassVar, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from restorae.errors import BadSpec
from restorae.networks.contract import Network
from restorae.networks.layers import MIDDLE_GREY, Padding, ResidualBlock
from restorae.shapes import Images


class UNet(Network, kind="unet"):
    """Residual blocks at decreasing resolution with additive skip connections; the default network.

    >>> import torch
    >>> UNet().build()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 1, 28, 28])
    """

    aliases: ClassVar[tuple[str, ...]] = ("u-net",)

    widths: tuple[PositiveInt, ...] = Field(default=(32, 96), min_length=1)
    """Features at each level, finest first; every level halves the resolution of the one before."""
    encoder_blocks: tuple[NonNegativeInt, ...] = Field(default=(0, 2), min_length=1)
    """Residual blocks at each level on the way down, the coarsest included."""
    decoder_blocks: tuple[NonNegativeInt, ...] = (1,)
    """Residual blocks at each level on the way up; one level fewer, because the coarsest has none."""
    patch: int = Field(default=2, ge=1, le=8)
    """Pixels along each side that are folded into one position before the first level."""
    padding: Literal["auto", "zeros", "replicate"] = "auto"
    """Padding of the convolutions: zeros, or the outermost values replicated. A network that is trained on patches with zero
    padding learns to rely on the borders of patches, so `auto` is zeros for training on whole images and replicate
    for training on patches."""
    residual: bool = False
    """Whether the network predicts the difference to the image; it learns light damage faster."""
    grey_too: bool = False
    """Whether a colour network has an input and an output for grey images too, and is trained on both."""

    def model_post_init(self, _context: object) -> None:
        levels = len(self.widths)
        if len(self.encoder_blocks) != levels or len(self.decoder_blocks) != levels - 1:
            raise BadSpec(
                f"unet: {levels} widths need {levels} encoder_blocks and {levels - 1} decoder_blocks; "
                f"got {len(self.encoder_blocks)} and {len(self.decoder_blocks)}"
            )
        if self.grey_too and self.channels == 1 and "channels" in self.model_fields_set:
            raise BadSpec(
                "unet: grey_too is for networks of 3 channels; a network of 1 channel takes grey images anyway"
            )

    @property
    def takes(self) -> tuple[int, ...]:
        return (1, self.channels) if self.grey_too and self.channels != 1 else (self.channels,)

    @property
    def multiple_of(self) -> tuple[int, int]:
        coarsest = self.patch * 2 ** (len(self.widths) - 1)
        return (coarsest, coarsest)

    @property
    def halo(self) -> int:
        reach = 2 * self.patch  # first and last convolution
        for level, blocks in enumerate(
            map(sum, zip_longest(self.encoder_blocks, self.decoder_blocks, fillvalue=0))
        ):
            reach += blocks * 2 * self.patch * 2**level  # two convolutions a block
        return reach + self.multiple_of[0] - 1  # the pixel's offset in its coarsest position

    def fitted(self, channels: int, size: tuple[int, int] | None) -> Self:
        return self.model_copy(
            update={"channels": channels, "grey_too": self.grey_too and channels != 1}
        )

    def for_patches(self) -> Self:
        return self.model_copy(update={"padding": "replicate"}) if self.padding == "auto" else self

    def build(self) -> UNetNetwork:
        return UNetNetwork(self)


class UNetNetwork(nn.Module):
    """The module that `UNet` builds."""

    def __init__(self, settings: UNet) -> None:
        super().__init__()
        widths = settings.widths
        self.patch, self.residual = settings.patch, settings.residual
        self.padding: Padding = "replicate" if settings.padding == "replicate" else "zeros"
        self.input, self.output = self._doors(settings.channels, widths[0])
        if settings.grey_too and settings.channels != 1:
            self.grey_input, self.grey_output = self._doors(1, widths[0])
        self.encoders = nn.ModuleList(
            self._blocks(width, count)
            for width, count in zip(widths, settings.encoder_blocks, strict=True)
        )
        self.downs = nn.ModuleList(
            nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairwise(widths)
        )
        self.ups = nn.ModuleList(
            nn.Conv2d(coarse, fine * 4, 1) for fine, coarse in pairwise(widths)
        )
        self.decoders = nn.ModuleList(
            self._blocks(width, count)
            for width, count in zip(widths[:-1], settings.decoder_blocks, strict=True)
        )

    def _doors(self, channels: int, width: int) -> tuple[nn.Conv2d, nn.Conv2d]:
        """Input and output layers for images of that many channels."""
        folded = channels * self.patch**2
        into = nn.Conv2d(folded, width, 3, padding=1, padding_mode=self.padding)
        out = nn.Conv2d(width, folded, 3, padding=1, padding_mode=self.padding)
        if self.residual and not out.weight.is_meta:  # begins as the identity
            nn.init.zeros_(out.weight)
            nn.init.zeros_(out.bias)  # type: ignore[arg-type]
        return into, out

    def _blocks(self, width: int, count: int) -> nn.Sequential:
        return nn.Sequential(*(ResidualBlock(width, self.padding) for _ in range(count)))

    def forward(self, images: Images) -> Images:
        grey = images.shape[1] == 1 and hasattr(self, "grey_input")
        into, out = (self.grey_input, self.grey_output) if grey else (self.input, self.output)
        features = self.trunk(into(functional.pixel_unshuffle(images - MIDDLE_GREY, self.patch)))
        restored: Images = functional.pixel_shuffle(out(features), self.patch)
        return images + restored if self.residual else restored

    def trunk(self, features: Tensor) -> Tensor:
        """Everything between the first and the last convolution."""
        skips = []
        for encoder, down in zip(self.encoders, self.downs, strict=False):
            features = encoder(features)
            skips.append(features)
            features = down(features)
        features = self.encoders[-1](features)
        for up, decoder in zip(reversed(self.ups), reversed(self.decoders), strict=True):
            features = decoder(skips.pop() + functional.pixel_shuffle(up(features), 2))
        return features
