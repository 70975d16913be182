"""A variational auto-encoder that can be solved on paper: everything that is estimated elsewhere is known exactly here.

Its decoder is linear and its likelihood Gaussian, x = b + W z + sigma · noise, so that x is Gaussian with mean b and
covariance W Wᵀ + sigma² I (Tipping and Bishop, 1999). The columns of W are orthogonal, so the true posterior is diagonal.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import LowRankMultivariateNormal

from restorae.model import Model, make_card
from restorae.networks import VAE, VAEModule
from restorae.posterior import DiagonalGaussian

OUTSIDE = 7.0
"""What the decoder puts where there is no image: whoever counts these pixels is far off."""


class LinearVAE(VAE, kind="linear-vae-of-the-tests"):
    """Each latent dimension moves one pixel; its encoder gives the exact posterior, or one that is too wide."""

    likelihood: Literal["bernoulli", "gaussian"] = "gaussian"
    height: int = 3
    width: int = 5
    strengths: tuple[float, ...] = (0.3, -0.2)
    """How far each dimension moves its pixel, the dimensions' pixels being the first ones of the image."""
    stretch: float = 1.0
    """How much too wide the posterior is."""

    def build(self) -> nn.Module:
        return LinearVAEModule(self)


class LinearVAEModule(VAEModule):
    """The module that `LinearVAE` builds. Written with element-wise products, which no precision setting touches."""

    settings: LinearVAE

    def __init__(self, settings: LinearVAE) -> None:
        super().__init__(settings)
        pixels = settings.channels * settings.height * settings.width
        self.shape = (settings.channels, settings.height, settings.width)
        weight = torch.zeros(pixels, settings.latent_dim)
        for dimension, strength in enumerate(settings.strengths):
            weight[dimension, dimension] = strength
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.linspace(0.3, 0.7, pixels))

    def encode(self, images: Tensor) -> DiagonalGaussian:
        seen = (
            images[..., : self.shape[1], : self.shape[2]].flatten(1) - self.bias
        )  # (batch, pixels)
        projected = (seen[:, :, None] * self.weight).sum(1) / self.settings.sigma**2
        precision = 1 + self.weight.square().sum(0) / self.settings.sigma**2
        log_var = 2 * torch.tensor(self.settings.stretch).log() - precision.log()
        return DiagonalGaussian.bounded(projected / precision, log_var.expand_as(projected))

    def decode(self, latents: Tensor) -> Tensor:
        values = (latents[:, None, :] * self.weight).sum(2) + self.bias
        down, right = (4 * side for side in self.settings.coarse)
        padding = (0, right - self.shape[2], 0, down - self.shape[1])
        return nn.functional.pad(values.view(-1, *self.shape), padding, value=OUTSIDE)

    def distribution(self) -> LowRankMultivariateNormal:
        """The law of the images, flattened."""
        return LowRankMultivariateNormal(
            self.bias, self.weight, torch.full_like(self.bias, self.settings.sigma**2)
        )


def linear_model(restores: bool = False, **settings: object) -> Model:
    """A model with such a network."""
    network = LinearVAE(**settings)
    module = network.build()
    return Model(network, module, card=make_card(network, module, restores=restores))
