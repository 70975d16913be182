"""Evaluates a variational auto-encoder on unseen images: the bound, its parts, and the log-likelihood.

Two kinds of figures, which are not comparable: *grey* images under a Bernoulli likelihood (the digits exercise's loss: a
cross-entropy against values between 0 and 1, which is no probability), and *binarised* images, each pixel drawn black or
white with its grey value as probability (Salakhutdinov and Murray, 2008), which is what the literature reports.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from restorae.data import ImageSet
from restorae.errors import UsageError
from restorae.machine import choose_precision, computing_in
from restorae.model import Model
from restorae.networks import VAE, pad_to_multiple
from restorae.parts import Settings
from restorae.posterior import DiagonalGaussian, join
from restorae.progress import SILENT, Progress
from restorae.randomness import generator
from restorae.shapes import Images

COLLAPSED = 0.01
"""KL divergence in nats below which a latent dimension counts as collapsed."""
_BATCH = 500
_DECODED_AT_ONCE = 1000
_BINARISE, _LATENT, _IMPORTANCE = range(3)


class Bound(Settings):
    """Means per image, in nats, summed over pixels and latents."""

    elbo: float
    """Evidence lower bound, -(reconstruction + kl); larger is better."""
    reconstruction: float
    """Minus the log-likelihood of the image given one drawn latent."""
    kl: float
    """Divergence of the posterior from the prior."""
    log_likelihood: float | None = None
    """Estimate of log p(x) from importance samples (Burda et al., 2016): itself a lower bound, tighter with more."""
    standard_error: float | None = None
    """Standard error of `log_likelihood`, from the variation between images."""
    importance_samples: int | None = None
    """Importance samples per image."""


class LatentEvaluation(Settings):
    """A variational auto-encoder on a set of images."""

    count: int
    """Number of images."""
    likelihood: str
    """The likelihood that the figures refer to."""
    latent_dim: int
    """Dimensions of the latent."""
    active_units: int
    """Dimensions that carry information about the image; the others have collapsed onto the prior."""
    kl_by_dimension: tuple[float, ...]
    """Nats that each dimension carries, grey images."""
    grey: Bound
    """On the images as they are."""
    binarised: Bound | None
    """On images drawn black or white; none for a Gaussian likelihood."""
    seconds: float
    """Time it took."""


def evaluate_latent(
    model: Model,
    images: ImageSet,
    importance_samples: int = 0,
    seed: int = 0,
    with_binarised: bool = True,
    progress: Progress = SILENT,
) -> LatentEvaluation:
    """The bound of a variational auto-encoder on images, and with `importance_samples` the log-likelihood.

    Args:
        model: a variational auto-encoder.
        images: images of the size that it was trained on.
        importance_samples: latents drawn for each image to estimate its log-likelihood; 0 leaves that out.
        seed: seed of the binarisation and the latents.
        with_binarised: whether to score binarised images too.
        progress: reports the progress.

    Raises:
        UsageError: the model is not a variational auto-encoder.
        ShapeMismatch: the images have another size or number of channels.
    """
    network = model.network
    if not isinstance(network, VAE):
        raise UsageError(
            f"{model.card.name} is not a variational auto-encoder: {network.kind} has no latent vector"
        )
    network.check_channels(images.channels)
    sizes = (
        [images.common_size]
        if images.common_size
        else [images.size(index) for index in range(len(images))]
    )
    for size in sizes:
        network.check_size(*size)
    if importance_samples < 0:
        raise UsageError(f"Expected 0 or more importance samples, got {importance_samples}.")
    if importance_samples and network.likelihood == "bernoulli" and not with_binarised:
        raise UsageError(
            "Grey images have no log-likelihood under a Bernoulli likelihood: score binarised ones, or draw no importance samples."
        )
    started = time.perf_counter()
    scorer = _Scorer(model, network)
    black_and_white = with_binarised and network.likelihood == "bernoulli"
    on_binarised = importance_samples if black_and_white else 0
    on_grey = importance_samples if network.likelihood == "gaussian" else 0
    progress.begin("Evaluating", len(images) * (2 if black_and_white else 1), "images")
    try:
        grey, dimensions = scorer.score(images, None, on_grey, seed, progress)
        binarised = (
            scorer.score(images, seed, on_binarised, seed, progress)[0] if black_and_white else None
        )
    finally:
        progress.end()
    return LatentEvaluation(
        count=len(images),
        likelihood=network.likelihood,
        latent_dim=network.latent_dim,
        active_units=sum(nats >= COLLAPSED for nats in dimensions),
        kl_by_dimension=tuple(round(nats, 4) for nats in dimensions),
        grey=grey,
        binarised=binarised,
        seconds=round(time.perf_counter() - started, 3),
    )


def binarise(images: Images, source: torch.Generator) -> Images:
    """Each pixel 1 with its value as probability, else 0; values outside [0, 1] count as the nearer end."""
    return torch.bernoulli(images.clamp(0, 1), generator=source)


class _Scorer:
    def __init__(self, model: Model, network: VAE) -> None:
        self.network = network
        self.module: torch.nn.Module = model.module
        self.device = next(model.module.parameters()).device
        self.precision = choose_precision("auto", self.device)

    def score(
        self,
        image_set: ImageSet,
        binarise_seed: int | None,
        samples: int,
        seed: int,
        progress: Progress,
    ) -> tuple[Bound, list[float]]:
        reconstruction, dimensions = 0.0, torch.zeros(self.network.latent_dim, dtype=torch.float64)
        likelihoods: list[float] = []
        with torch.inference_mode(), computing_in(self.precision, self.device):
            for number, images in self._batches(image_set):
                if binarise_seed is not None:
                    images = binarise(images, generator(binarise_seed, _BINARISE, number))
                images = images.to(self.device)
                posterior = self._encode(images)
                latents = posterior.sample(generator(seed, _LATENT, number, device=self.device))
                reconstruction -= self._log_likelihood(latents, images).sum().item()
                dimensions += posterior.kl_by_dimension().double().sum(0).cpu()
                if samples:
                    source = generator(seed, _IMPORTANCE, number, device=self.device)
                    for one in range(len(images)):
                        likelihoods.append(
                            self._importance(
                                images[one : one + 1], posterior[one : one + 1], samples, source
                            )
                        )
                        progress.advance(1)
                else:
                    progress.advance(len(images))
        count, kl = len(image_set), dimensions.sum().item()
        bound = Bound(
            elbo=-(reconstruction + kl) / count,
            reconstruction=reconstruction / count,
            kl=kl / count,
            log_likelihood=statistics.fmean(likelihoods) if samples else None,
            standard_error=statistics.stdev(likelihoods) / math.sqrt(count)
            if len(likelihoods) > 1
            else None,
            importance_samples=samples or None,
        )
        return bound, (dimensions / count).tolist()

    def _batches(self, images: ImageSet) -> Iterator[tuple[int, Images]]:
        for number, start in enumerate(range(0, len(images), _BATCH)):
            yield number, images.batch(range(start, min(start + _BATCH, len(images))))

    def _encode(self, images: Images) -> DiagonalGaussian:
        padded = pad_to_multiple(images, self.network.multiple_of).contiguous(
            memory_format=torch.channels_last
        )
        return join([self.module.encode(padded)])  # type: ignore[operator]

    def _log_likelihood(self, latents: Tensor, images: Images) -> Tensor:
        outputs = self.module.decode(latents)[..., : self.network.height, : self.network.width]  # type: ignore[operator]
        return self.network.log_likelihood(outputs, images.expand(len(outputs), -1, -1, -1))

    def _importance(
        self, image: Images, posterior: DiagonalGaussian, samples: int, source: torch.Generator
    ) -> float:
        """Log of the mean of p(x, z) / q(z | x) over latents drawn from the posterior of one image."""
        weights = []
        for start in range(0, samples, _DECODED_AT_ONCE):
            count = min(_DECODED_AT_ONCE, samples - start)
            here = DiagonalGaussian(
                posterior.mean.expand(count, -1), posterior.log_var.expand(count, -1)
            )
            latents = here.sample(source)
            prior = DiagonalGaussian.standard(tuple(latents.shape), self.device)
            weights.append(
                self._log_likelihood(latents, image)
                + prior.log_prob(latents)
                - here.log_prob(latents)
            )
        return torch.logsumexp(torch.cat(weights).double(), 0).item() - math.log(samples)
