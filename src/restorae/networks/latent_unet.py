"""A U-Net with a latent at its coarsest level: restores one image to several plausible samples.

After the probabilistic U-Net (Kohl et al., 2018, arXiv 1806.05034) with a map of latents in place of one vector, so that
it works on any size. One branch predicts the prior of the latents from the degraded image; another, used in training
only, predicts their posterior from the degraded and the clean image.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from restorae.networks.latent import Explanation, LatentModule, LatentNetwork
from restorae.networks.layers import MIDDLE_GREY, ResidualBlock, initialise_for_relu
from restorae.posterior import DiagonalGaussian
from restorae.shapes import Images


class LatentUNet(LatentNetwork, kind="latent-unet"):
    """Two levels of residual blocks; the latent enters at the coarse one, (latent_dim, height/4, width/4).

    >>> LatentUNet().build()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 1, 28, 28])
    """

    latent_dim: int = Field(default=4, ge=1, le=4096)
    """Numbers in the latent of each coarse position."""
    likelihood: Literal["bernoulli", "gaussian"] = "gaussian"
    """Distribution of a pixel given the decoder's output: Bernoulli, or normal around a mean."""
    sigma: float = Field(default=0.05, gt=0)
    """Standard deviation of the Gaussian likelihood on the [0, 1] pixel scale: smaller leaves more to the latent."""
    widths: tuple[PositiveInt, PositiveInt] = (32, 96)
    """Features at half and at a quarter of the resolution."""

    @property
    def generates(self) -> bool:
        return False

    @property
    def multiple_of(self) -> tuple[int, int]:
        return (4, 4)

    @property
    def halo(self) -> int:
        # first and last convolution 2 px each, two coarse blocks and the entrance of the latent 8 px each and 4, a fine
        # block 4, and the pixel's offset in its coarse position
        return 2 + 2 + 8 + 8 + 4 + 4 + 3

    def build(self) -> nn.Module:
        return LatentUNetModule(self)


class LatentUNetModule(LatentModule):
    """The module that `LatentUNet` builds."""

    def __init__(self, settings: LatentUNet) -> None:
        super().__init__()
        self.settings = settings
        (fine, coarse), folded = settings.widths, 4 * settings.channels
        self.input = nn.Conv2d(folded, fine, 3, padding=1)
        self.down = nn.Conv2d(fine, coarse, 2, stride=2)
        self.coarse = nn.Sequential(ResidualBlock(coarse))
        self.prior = nn.Conv2d(coarse, 2 * settings.latent_dim, 1)
        self.both = nn.Conv2d(2 * folded, fine, 3, padding=1)
        self.both_down = nn.Conv2d(fine, coarse, 2, stride=2)
        self.both_coarse = ResidualBlock(coarse)
        self.posterior = nn.Conv2d(coarse, 2 * settings.latent_dim, 1)
        self.enter = nn.Conv2d(settings.latent_dim, coarse, 3, padding=1)
        self.joined = ResidualBlock(coarse)
        self.up = nn.Conv2d(coarse, 4 * fine, 1)
        self.fine = ResidualBlock(fine)
        self.output = nn.Conv2d(fine, folded, 3, padding=1)
        for layer in (
            self.input,
            self.down,
            self.both,
            self.both_down,
            self.enter,
            self.up,
            self.output,
        ):
            initialise_for_relu(layer)
        with torch.no_grad():
            self.output.weight.mul_(
                0.1
            )  # begins near one grey: a Gaussian likelihood makes a wild start very expensive
        for head in (
            self.prior,
            self.posterior,
        ):  # both start as the standard normal, with a KL divergence of 0
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)  # type: ignore[arg-type]

    def see(self, degraded: Images) -> tuple[Tensor, Tensor, DiagonalGaussian]:
        """Fine and coarse features of the degraded image, and the prior of the latents."""
        fine = self.input(
            functional.pixel_unshuffle(degraded - MIDDLE_GREY, 2)
        )  # (batch, fine, h/2, w/2)
        coarse = self.coarse(self.down(fine))  # (batch, coarse, h/4, w/4)
        return (
            fine,
            coarse,
            DiagonalGaussian.bounded(*self.prior(functional.relu(coarse)).chunk(2, dim=1)),
        )

    def recognise(self, degraded: Images, clean: Images) -> DiagonalGaussian:
        """The posterior of the latents, given the degraded and the clean image."""
        both = functional.pixel_unshuffle(torch.cat([degraded, clean], 1) - MIDDLE_GREY, 2)
        seen = self.both_coarse(self.both_down(functional.relu(self.both(both))))
        return DiagonalGaussian.bounded(*self.posterior(functional.relu(seen)).chunk(2, dim=1))

    def decode(self, fine: Tensor, coarse: Tensor, latents: Tensor) -> Images:
        """Outputs for latents, given the features of the degraded image."""
        x = self.joined(coarse + self.enter(latents))
        x = self.fine(fine + functional.pixel_shuffle(self.up(x), 2))
        return functional.pixel_shuffle(self.output(x), 2)

    def forward(self, images: Images) -> Images:
        fine, coarse, prior = self.see(images)
        return self.settings.image(self.decode(fine, coarse, prior.mean))

    def explain(
        self, degraded: Images, clean: Images, generator: torch.Generator, count: int = 1
    ) -> Explanation:
        fine, coarse, prior = self.see(degraded)
        posterior = self.recognise(degraded, clean).repeated(count)
        if count > 1:
            fine, coarse, prior = (
                fine.repeat(count, 1, 1, 1),
                coarse.repeat(count, 1, 1, 1),
                prior.repeated(count),
            )
        latents = posterior.sample(generator)
        return Explanation(
            outputs=self.decode(fine, coarse, latents),
            latents=latents,
            posterior=posterior,
            prior=prior,
        )

    def draw(self, degraded: Images, generator: torch.Generator) -> Images:
        fine, coarse, prior = self.see(degraded)
        return self.settings.image(self.decode(fine, coarse, prior.sample(generator)))
