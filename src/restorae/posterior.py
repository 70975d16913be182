"""Normal distributions with independent dimensions: the encoder's posterior of an image's latent.

Kingma and Welling, "Auto-Encoding Variational Bayes", 2014 (arXiv 1312.6114).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from restorae.shapes import NumberPerImage

LOG_VAR_LIMIT = 20.0
"""Log-variances are kept within ± this: exp(20) is 5e8, far beyond any use and far from overflowing."""


@dataclass(frozen=True)
class DiagonalGaussian:
    r"""$\mathcal{N}(\mu, \operatorname{diag} \exp(\log \sigma^2))$, one for each image of a batch.

    >>> posterior = DiagonalGaussian(torch.tensor([[1.0, 0.0]]), torch.zeros(1, 2))
    >>> posterior.kl()
    tensor([0.5000])
    """

    mean: Tensor
    """(batch, latent) or, for a map of latents, (batch, latent, height, width)."""
    log_var: Tensor
    """Natural logarithm of the variance, shaped like `mean`."""

    @classmethod
    def bounded(cls, mean: Tensor, log_var: Tensor) -> DiagonalGaussian:
        """In float32, with `log_var` clipped to ± `LOG_VAR_LIMIT`; the gradient ignores the clipping, so that the value can return."""
        mean, log_var = mean.float(), log_var.float()
        return cls(
            mean,
            log_var.clamp(-LOG_VAR_LIMIT, LOG_VAR_LIMIT).detach() + (log_var - log_var.detach()),
        )

    @classmethod
    def standard(
        cls, shape: tuple[int, ...], device: torch.device | str = "cpu"
    ) -> DiagonalGaussian:
        """Mean 0 and variance 1 everywhere: the usual prior."""
        return cls(torch.zeros(shape, device=device), torch.zeros(shape, device=device))

    @property
    def std(self) -> Tensor:
        """Standard deviation, exp(½ log_var), shaped like `mean`."""
        return torch.exp(0.5 * self.log_var)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One draw per image, mean + std ⊙ ε with ε ~ N(0, I): the reparameterisation, so gradients reach both moments."""
        noise = torch.randn(
            self.mean.shape, generator=generator, device=self.mean.device, dtype=self.mean.dtype
        )
        return self.mean + self.std * noise

    def kl_by_dimension(self, prior: DiagonalGaussian | None = None) -> Tensor:
        """KL divergence from `prior` (standard normal if none is given) in nats, per dimension; shaped like `mean`."""
        if prior is None:
            return 0.5 * (self.mean.square() + self.log_var.exp() - 1 - self.log_var)
        ahead = (self.mean - prior.mean).square() * torch.exp(-prior.log_var)
        return 0.5 * (
            ahead + torch.exp(self.log_var - prior.log_var) - 1 - self.log_var + prior.log_var
        )

    def kl(self, prior: DiagonalGaussian | None = None) -> NumberPerImage:
        """KL divergence from `prior` (standard normal if none is given) in nats, (batch,)."""
        return self.kl_by_dimension(prior).flatten(1).sum(1)

    def log_prob(self, latents: Tensor) -> NumberPerImage:
        """Log-density of `latents`, shaped like `mean`, in nats, (batch,)."""
        squares = (latents - self.mean).square() * torch.exp(-self.log_var)
        return -0.5 * (squares + self.log_var + math.log(2 * math.pi)).flatten(1).sum(1)

    def repeated(self, count: int) -> DiagonalGaussian:
        """The whole batch repeated `count` times."""
        if count == 1:
            return self
        repeats = (count, *[1] * (self.mean.dim() - 1))
        return DiagonalGaussian(self.mean.repeat(repeats), self.log_var.repeat(repeats))

    def __getitem__(self, index: slice) -> DiagonalGaussian:
        """The posteriors of a slice of the batch."""
        return DiagonalGaussian(self.mean[index], self.log_var[index])

    def __len__(self) -> int:
        return len(self.mean)


def join(batches: list[DiagonalGaussian]) -> DiagonalGaussian:
    """Concatenate batches."""
    return DiagonalGaussian(
        torch.cat([each.mean for each in batches]), torch.cat([each.log_var for each in batches])
    )
