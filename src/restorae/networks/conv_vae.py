"""A convolutional variational auto-encoder (Kingma and Welling, 2014): two strided convolutions, and a mirrored decoder."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import nn
from torch.nn import functional

from restorae.networks.latent import VAE, VAEModule
from restorae.networks.layers import initialise_for_relu
from restorae.posterior import DiagonalGaussian
from restorae.shapes import Images, Latents


class ConvVAE(VAE, kind="conv-vae"):
    """Conv 32, conv 64, dense 16, two heads; dense, transposed conv 64, transposed conv 32, transposed conv to the image.

    69,076 parameters encode and 65,089 decode images of 28 × 28 at 2 latent dimensions.

    >>> module = ConvVAE(latent_dim=2).build()
    >>> [sum(p.numel() for p in half.parameters()) for half in (module.encoder, module.decoder)]
    [69076, 65089]
    """

    aliases: ClassVar[tuple[str, ...]] = ("vae",)

    features: int = Field(default=32, ge=1)
    """Features of the first convolution; the second has twice as many."""
    hidden: int = Field(default=16, ge=1)
    """Units of the dense layer before the two heads."""

    def build(self) -> nn.Module:
        return ConvVAEModule(self)


class ConvEncoder(nn.Module):
    """From an image to the mean and log-variance of its latent."""

    def __init__(self, settings: ConvVAE) -> None:
        super().__init__()
        features, (height, width) = settings.features, settings.coarse
        self.conv1 = nn.Conv2d(settings.channels, features, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(features, 2 * features, 3, stride=2, padding=1)
        self.dense = nn.Linear(2 * features * height * width, settings.hidden)
        self.z_mean = nn.Linear(settings.hidden, settings.latent_dim)
        self.z_log_var = nn.Linear(settings.hidden, settings.latent_dim)

    def forward(self, images: Images) -> DiagonalGaussian:
        x = functional.relu_(self.conv1(images))  # (batch, 32, h/2, w/2)
        x = functional.relu_(self.conv2(x))  # (batch, 64, h/4, w/4)
        # in the memory order of channels-last features, which avoids a copy
        x = functional.relu_(self.dense(x.movedim(1, -1).flatten(1)))  # (batch, 16)
        return DiagonalGaussian.bounded(self.z_mean(x), self.z_log_var(x))


class ConvDecoder(nn.Module):
    """From a latent to the logits or means of an image."""

    def __init__(
        self, features: int, *, coarse: tuple[int, int], latent_dim: int, channels: int
    ) -> None:
        super().__init__()
        self.coarse = (2 * features, *coarse)
        self.dense = nn.Linear(latent_dim, 2 * features * coarse[0] * coarse[1])
        self.up1 = nn.ConvTranspose2d(
            2 * features, 2 * features, 3, stride=2, padding=1, output_padding=1
        )
        self.up2 = nn.ConvTranspose2d(
            2 * features, features, 3, stride=2, padding=1, output_padding=1
        )
        self.output = nn.ConvTranspose2d(features, channels, 3, padding=1)

    def forward(self, latents: Latents) -> Images:
        channels, height, width = self.coarse
        x = functional.relu_(self.dense(latents)).view(-1, height, width, channels).movedim(-1, 1)
        x = functional.relu_(self.up1(x))  # (batch, 64, h/2, w/2)
        x = functional.relu_(self.up2(x))  # (batch, 32, h, w)
        outputs: Images = self.output(x)
        return outputs


class ConvVAEModule(VAEModule):
    """The module that `ConvVAE` builds."""

    def __init__(self, settings: ConvVAE) -> None:
        super().__init__(settings)
        self.encoder = ConvEncoder(settings)
        self.decoder = ConvDecoder(
            settings.features,
            coarse=settings.coarse,
            latent_dim=settings.latent_dim,
            channels=settings.channels,
        )
        initialise_for_relu(self)

    def encode(self, images: Images) -> DiagonalGaussian:
        posterior: DiagonalGaussian = self.encoder(images)
        return posterior

    def decode(self, latents: Latents) -> Images:
        outputs: Images = self.decoder(latents)
        return outputs
