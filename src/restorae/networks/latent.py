"""Networks with a latent: variational auto-encoders and latent restorers.

Two kinds. A *variational auto-encoder* explains an image by a latent vector alone, so that latents drawn from the prior
decode to new images. A *latent restorer* explains the clean image by the degraded one and a latent, which holds what the
degraded image does not determine.
"""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from restorae.networks.contract import Network
from restorae.networks.one_size import OneSizeNetwork
from restorae.posterior import DiagonalGaussian
from restorae.shapes import Images, Latents, NumberPerImage


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A network's outputs, latents and distributions for clean images, as training needs them."""

    outputs: Images
    """The decoder's output for the clean images: logits or means, by the network's likelihood."""
    latents: Tensor
    """The latents that were drawn from the posterior and decoded."""
    posterior: DiagonalGaussian
    """The posterior of the latents given the images."""
    prior: DiagonalGaussian | None = None
    """The prior of the latents; `None` is the standard normal."""


class LatentNetwork(Network, abc.ABC, family="network"):
    """Settings of an architecture with a latent. `build` returns a `LatentModule`."""

    latent_dim: int = Field(default=2, ge=1, le=4096)
    """Dimensions of the latent (of each position, if the latent is a map)."""
    likelihood: Literal["bernoulli", "gaussian"] = "bernoulli"
    """Distribution of a pixel given the decoder's output: black or white with a probability, or normal around a mean."""
    sigma: float = Field(default=0.1, gt=0)
    """Standard deviation of the Gaussian likelihood, on the [0, 1] pixel scale."""

    @property
    @abc.abstractmethod
    def generates(self) -> bool:
        """Whether an image can be decoded from a latent alone; then there are `encode`, `decode` and `sample`."""

    def image(self, outputs: Tensor) -> Images:
        """The images that the decoder's outputs describe: the mean of each pixel."""
        return torch.sigmoid(outputs) if self.likelihood == "bernoulli" else outputs

    def log_likelihood(self, outputs: Tensor, images: Images) -> NumberPerImage:
        """Log-probability of images given the decoder's outputs: nats, summed over pixels and channels, (batch,).

        Bernoulli: minus the binary cross-entropy, from logits; images in [0, 1]. Gaussian: the log-density.
        """
        outputs = outputs.float()
        if self.likelihood == "bernoulli":
            return (
                -functional.binary_cross_entropy_with_logits(outputs, images, reduction="none")
                .flatten(1)
                .sum(1)
            )
        pixels = images[0].numel()
        constant = pixels * (math.log(self.sigma) + 0.5 * math.log(2 * math.pi))
        return -0.5 * ((images - outputs) / self.sigma).square().flatten(1).sum(1) - constant


class LatentModule(nn.Module, abc.ABC):
    """The module of a `LatentNetwork`. `forward` returns the restored images at the latent's mean, [0, 1]."""

    @abc.abstractmethod
    def explain(
        self, degraded: Images, clean: Images, generator: torch.Generator, count: int = 1
    ) -> Explanation:
        """The terms of the bound for clean images, given degraded ones; latents are drawn from `generator`.

        With a `count` above 1 everything in the explanation is (count · batch, …): the whole batch, then once more, and so on.
        """

    @abc.abstractmethod
    def draw(self, degraded: Images, generator: torch.Generator) -> Images:
        """One restoration of each degraded image, its latent drawn; [0, 1]."""


class VAE(OneSizeNetwork, LatentNetwork, abc.ABC, family="network"):
    """Settings of a variational auto-encoder for images of one size. `build` returns a `VAEModule`.

    Trained on clean images alone it models them; trained on pairs it encodes the degraded image and decodes the clean
    one. The prior is the standard normal.
    """

    described: ClassVar[str] = "A variational auto-encoder"

    @property
    def generates(self) -> bool:
        return True

    @property
    def multiple_of(self) -> tuple[int, int]:
        return (4, 4)

    @property
    def coarse(self) -> tuple[int, int]:
        """Height and width of the coarsest features: a quarter of the image's, rounded up."""
        return -(-self.height // 4), -(-self.width // 4)


class VAEModule(LatentModule, abc.ABC):
    """A module with the two halves of a variational auto-encoder."""

    def __init__(self, settings: VAE) -> None:
        super().__init__()
        self.settings = settings

    @abc.abstractmethod
    def encode(self, images: Images) -> DiagonalGaussian:
        """The posterior q(z | images)."""

    @abc.abstractmethod
    def decode(self, latents: Latents) -> Images:
        """Outputs (logits or means) for latents (batch, latent_dim), padded as the module's input is."""

    def forward(self, images: Images) -> Images:
        return self.settings.image(self.decode(self.encode(images).mean))

    def explain(
        self, degraded: Images, clean: Images, generator: torch.Generator, count: int = 1
    ) -> Explanation:
        posterior = self.encode(degraded).repeated(count)
        latents = posterior.sample(generator)
        return Explanation(outputs=self.decode(latents), latents=latents, posterior=posterior)

    def draw(self, degraded: Images, generator: torch.Generator) -> Images:
        return self.settings.image(self.decode(self.encode(degraded).sample(generator)))
