"""A stronger variational auto-encoder: residual blocks at half and a quarter of the resolution, and a wider latent."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt
from torch import nn
from torch.nn import functional

from restorae.networks.latent import VAE, VAEModule
from restorae.networks.layers import MIDDLE_GREY, ResidualBlock, initialise_for_relu
from restorae.posterior import DiagonalGaussian
from restorae.shapes import Images, Latents


class ResidualVAE(VAE, kind="residual-vae"):
    """Pixels folded 2 × 2, residual blocks (He et al., 2016), one dense layer to the latent and one back.

    >>> import torch
    >>> ResidualVAE().build()(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 1, 28, 28])
    """

    latent_dim: int = Field(default=40, ge=1, le=4096)
    """Numbers in the latent."""
    features: int = Field(default=32, ge=1)
    """Features at half the resolution; a quarter has twice as many."""
    encoder_blocks: NonNegativeInt = 1
    """Residual blocks of the encoder, at a quarter of the resolution."""
    decoder_blocks: NonNegativeInt = 1
    """Residual blocks of the decoder at a quarter of the resolution."""
    fine_blocks: NonNegativeInt = 0
    """Residual blocks of the decoder at half the resolution."""

    def build(self) -> nn.Module:
        return ResidualVAEModule(self)


class ResidualVAEModule(VAEModule):
    """The module that `ResidualVAE` builds."""

    def __init__(self, settings: ResidualVAE) -> None:
        super().__init__(settings)
        fine, coarse, folded = settings.features, 2 * settings.features, 4 * settings.channels
        height, width = settings.coarse
        self.shape = (coarse, height, width)
        self.input = nn.Conv2d(folded, fine, 3, padding=1)
        self.down = nn.Conv2d(fine, coarse, 3, stride=2, padding=1)
        self.encoder = nn.Sequential(
            *(ResidualBlock(coarse) for _ in range(settings.encoder_blocks))
        )
        self.z_mean = nn.Linear(coarse * height * width, settings.latent_dim)
        self.z_log_var = nn.Linear(coarse * height * width, settings.latent_dim)
        self.dense = nn.Linear(settings.latent_dim, coarse * height * width)
        self.decoder = nn.Sequential(
            *(ResidualBlock(coarse) for _ in range(settings.decoder_blocks))
        )
        self.up = nn.Conv2d(coarse, 4 * fine, 1)
        self.fine = nn.Sequential(*(ResidualBlock(fine) for _ in range(settings.fine_blocks)))
        self.output = nn.Conv2d(fine, folded, 3, padding=1)
        for layer in (self.input, self.down, self.up, self.output):
            initialise_for_relu(layer)
        initialise_for_relu(self.dense)

    def encode(self, images: Images) -> DiagonalGaussian:
        x = functional.relu(
            self.input(functional.pixel_unshuffle(images - MIDDLE_GREY, 2))
        )  # (batch, fine, h/2, w/2)
        x = (
            functional.relu(self.encoder(self.down(x))).movedim(1, -1).flatten(1)
        )  # (batch, coarse · h/4 · w/4)
        return DiagonalGaussian.bounded(self.z_mean(x), self.z_log_var(x))

    def decode(self, latents: Latents) -> Images:
        channels, height, width = self.shape
        x = self.dense(latents).view(-1, height, width, channels).movedim(-1, 1)
        x = functional.relu(self.decoder(x))
        x = functional.relu(
            self.fine(functional.pixel_shuffle(self.up(x), 2))
        )  # (batch, fine, h/2, w/2)
        return functional.pixel_shuffle(self.output(x), 2)
