"""Noise of sensors, film grain and low light."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch

from restorae.degradations.contract import Amount, Amounts, Degradation
from restorae.randomness import RandomSource
from restorae.ranges import Within
from restorae.shapes import Images


class GaussianNoise(Degradation, kind="gaussian-noise"):
    r"""Additive white Gaussian noise, $y = x + m + \sigma\varepsilon$ with $\varepsilon \sim \mathcal{N}(0, I)$.

    The noise of the exercise is `gaussian-noise(mean=0.5,sigma=0.3)`, not clipped.

    >>> from restorae.randomness import generator
    >>> noise = GaussianNoise(sigma=0.1).draw(generator(0), count=1).apply(torch.zeros(1, 1, 64, 64))
    >>> round(noise.std().item(), 2)
    0.1
    """

    aliases: ClassVar[tuple[str, ...]] = ("noise", "gaussian", "white-noise", "awgn")

    mean: Annotated[Amount, Within()] = 0.0
    """Mean of the noise on the [0, 1] pixel scale."""
    sigma: Annotated[Amount, Within(0.0)] = 0.1
    """Standard deviation on the [0, 1] pixel scale; a range is sampled once per image."""
    alike: bool = False
    """Whether all channels get the same noise, as in film grain or luminance noise."""
    clip: bool = False
    """Whether the result is clipped to [0, 1], as in a file of integers."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        count, channels, height, width = images.shape
        shape = (count, 1 if self.alike else channels, height, width)
        noisy = images + rng.normal(shape).mul_(amounts["sigma"]).add_(amounts["mean"])
        return noisy.clamp_(0, 1) if self.clip else noisy


class SaltAndPepper(Degradation, kind="salt-and-pepper"):
    """Stuck pixels: a share of all values becomes 1 (salt) or 0 (pepper), independently per channel.

    >>> from restorae.randomness import generator
    >>> spoilt = SaltAndPepper(amount=0.2).draw(generator(0), count=1).apply(torch.full((1, 1, 64, 64), 0.5))
    >>> round((spoilt != 0.5).float().mean().item(), 1)
    0.2
    """

    aliases: ClassVar[tuple[str, ...]] = ("impulse-noise",)

    amount: Annotated[Amount, Within(0.0, 1.0)] = 0.05
    """Share of all values that are replaced, 0 to 1."""
    salt: Annotated[Amount, Within(0.0, 1.0)] = 0.5
    """Share of the replaced values that become white, 0 to 1."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        chance = rng.uniform(images.shape)
        colour = (rng.uniform(images.shape) < amounts["salt"]).to(images.dtype)
        return torch.where(chance < amounts["amount"], colour, images)


class PoissonNoise(Degradation, kind="poisson-noise"):
    r"""Photon noise, $y = \mathrm{Poisson}(p\,x) / p$: the variance grows with the brightness, $x / p$.

    Negative values count as 0.

    >>> from restorae.randomness import generator
    >>> counted = PoissonNoise(peak=25).draw(generator(0), count=1).apply(torch.ones(1, 1, 64, 64))
    >>> round(counted.std().item(), 1)
    0.2
    """

    aliases: ClassVar[tuple[str, ...]] = ("poisson", "shot-noise")

    peak: Annotated[Amount, Within(1e-3, 1e9)] = 30.0
    """Photons counted at pixel value 1; fewer is noisier."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        return rng.poisson(images.clamp(min=0) * amounts["peak"]) / amounts["peak"]


class Speckle(Degradation, kind="speckle"):
    r"""Multiplicative noise, $y = x + \sigma\,x\,\varepsilon$ with $\varepsilon \sim \mathcal{N}(0, I)$, as in radar and ultrasound.

    >>> from restorae.randomness import generator
    >>> Speckle(sigma=0.5).draw(generator(0), count=1).apply(torch.zeros(1, 1, 4, 4)).abs().max().item()
    0.0
    """

    sigma: Annotated[Amount, Within(0.0)] = 0.2
    """Standard deviation relative to the pixel's own value."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        return images + images * rng.normal(images.shape) * amounts["sigma"]
