"""The variational bound: the loss of variational auto-encoders."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from restorae.errors import BadSpec
from restorae.losses.contract import Batch, Loss
from restorae.networks import Explanation, LatentNetwork, Network, pad_to_multiple
from restorae.posterior import DiagonalGaussian


class NegativeELBO(Loss, kind="negative-elbo"):
    """Reconstruction + beta · KL: the negative evidence lower bound (Kingma and Welling, 2014), in nats per image.

    Summed over pixels and latents, averaged over the batch. The network sets the likelihood of the reconstruction
    term: Bernoulli (binary cross-entropy) or Gaussian. A beta other than 1 (Higgins et al., 2017) trades one for the other;
    `reconstruction` and `kl` are always reported as they are, unweighted.

    >>> from restorae.networks import ConvVAE
    >>> network, black = ConvVAE(), torch.zeros(4, 1, 28, 28)
    >>> batch = Batch(network, network.build(), degraded=black, clean=black, step=0, generator=torch.Generator().manual_seed(0))
    >>> sorted(NegativeELBO(beta=4).measure(batch))
    ['kl', 'loss', 'reconstruction']
    """

    aliases: ClassVar[tuple[str, ...]] = ("elbo", "vae", "kl")

    gradient_limit: ClassVar[float] = 0.0

    beta: float = Field(default=1.0, ge=0)
    """Weight of the KL divergence."""
    kl_warmup: int = Field(default=0, ge=0)
    """Steps over which that weight rises from 0, so that the network learns to use the latent first."""
    free_bits: float = Field(default=0.0, ge=0)
    """Nats of each latent dimension that are not penalised, on the mean of the batch (Kingma et al., 2016)."""
    importance_samples: int = Field(default=1, ge=1)
    """Latents drawn for each image; with more than one the tighter importance-weighted bound (Burda et al., 2016)."""

    def model_post_init(self, _context: Any) -> None:
        if self.importance_samples > 1 and (self.beta != 1 or self.kl_warmup or self.free_bits):
            raise BadSpec(
                "The importance-weighted bound has no separate KL term: leave beta at 1, kl_warmup and free_bits at 0"
            )

    def check(self, network: Network) -> None:
        if not isinstance(network, LatentNetwork):
            raise BadSpec(
                f"The loss {self.kind} needs a network with a latent, such as conv-vae; {network.kind} has none. "
                "Choose such a network, or a loss that compares images, such as mse."
            )

    def measure(self, batch: Batch) -> Mapping[str, Tensor]:
        network, (height, width) = batch.network, batch.clean.shape[-2:]
        assert isinstance(network, LatentNetwork)
        count, samples = len(batch.clean), self.importance_samples
        explained: Explanation = batch.module.explain(  # type: ignore[operator]
            pad_to_multiple(batch.degraded, network.multiple_of).contiguous(
                memory_format=torch.channels_last
            ),
            pad_to_multiple(batch.clean, network.multiple_of).contiguous(
                memory_format=torch.channels_last
            ),
            batch.generator,
            samples,
        )
        clean = batch.clean.repeat(samples, 1, 1, 1) if samples > 1 else batch.clean
        likelihood = network.log_likelihood(explained.outputs[..., :height, :width], clean)
        by_dimension = explained.posterior.kl_by_dimension(explained.prior).mean(0)
        kl, reconstruction = by_dimension.sum(), -likelihood.mean()
        parts = {"reconstruction": reconstruction.detach(), "kl": kl.detach()}
        if samples > 1:
            latents, posterior = explained.latents, explained.posterior
            prior = explained.prior or DiagonalGaussian.standard(
                tuple(latents.shape), latents.device
            )
            weights = likelihood + prior.log_prob(latents) - posterior.log_prob(latents)
            bound = torch.logsumexp(weights.view(samples, count), 0) - math.log(samples)
            return {"loss": -bound.mean(), **parts}
        charged = by_dimension.clamp_min(self.free_bits).sum() if self.free_bits else kl
        beta = (
            self.beta * min(1.0, (batch.step + 1) / self.kl_warmup) if self.kl_warmup else self.beta
        )
        return {"loss": reconstruction + beta * charged, **parts}
