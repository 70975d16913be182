"""Where randomness comes from: generators, seeds derived from a seed and a place, and the fields drawn from them.

Nothing in restorae touches a global generator. Work that needs random numbers is given a `torch.Generator`; work that must
be repeatable in any order (one image of a batch, step 1,207 of a training) derives its own seed from the run's seed
and its place, so that resuming is no more than counting.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

SEED_LIMIT = 2**63 - 1


def derive_seed(seed: int, *path: int) -> int:
    """A 63-bit seed for the place `path` under `seed`, by NumPy's SeedSequence.

    >>> derive_seed(0, 1) == derive_seed(0, 1), derive_seed(0, 1) == derive_seed(0, 2)
    (True, False)
    """
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=path)
    return int(sequence.generate_state(1, np.uint64)[0]) & SEED_LIMIT


def generator(seed: int, *path: int, device: str | torch.device = "cpu") -> torch.Generator:
    """A separate generator for the branch `path` of `seed`, on `device`."""
    return torch.Generator(device).manual_seed(derive_seed(seed, *path))


def draw_seeds(source: torch.Generator, count: int) -> tuple[int, ...]:
    """`count` seeds of 63 bits drawn from `source`."""
    drawn = torch.randint(0, SEED_LIMIT, (count,), generator=source, device=source.device)
    return tuple(int(value) for value in drawn)


class RandomSource(abc.ABC):
    """A source of random fields for a batch of images; the first side of every shape is the batch."""

    @abc.abstractmethod
    def normal(self, shape: Sequence[int]) -> Tensor:
        """Independent samples of N(0, 1), float32."""

    @abc.abstractmethod
    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Independent samples of U[0, 1), float32."""

    @abc.abstractmethod
    def poisson(self, rates: Tensor) -> Tensor:
        """Independent Poisson counts with the given non-negative rates, as float32."""


class BatchRandomSource(RandomSource):
    """One generator for the whole batch, on the batch's device: the quick way, for training."""

    def __init__(self, source: torch.Generator) -> None:
        self.source = source

    def normal(self, shape: Sequence[int]) -> Tensor:
        return torch.randn(tuple(shape), generator=self.source, device=self.source.device)

    def uniform(self, shape: Sequence[int]) -> Tensor:
        return torch.rand(tuple(shape), generator=self.source, device=self.source.device)

    def poisson(self, rates: Tensor) -> Tensor:
        return torch.poisson(rates, generator=self.source)


class PerImageRandomSource(RandomSource):
    """One generator for each image, from its own seed: an image's fields do not depend on its batch or device.

    Philox streams (Salmon et al., 2011) through NumPy, whose results are the same on every processor.
    """

    def __init__(self, seeds: Sequence[int], device: str | torch.device = "cpu") -> None:
        self.sources = [np.random.Generator(np.random.Philox(seed)) for seed in seeds]
        self.device = device

    def normal(self, shape: Sequence[int]) -> Tensor:
        return self._stack(
            [source.standard_normal(tuple(shape[1:]), np.float32) for source in self.sources]
        )

    def uniform(self, shape: Sequence[int]) -> Tensor:
        return self._stack([source.random(tuple(shape[1:]), np.float32) for source in self.sources])

    def poisson(self, rates: Tensor) -> Tensor:
        each = rates.detach().cpu().double().numpy()
        return self._stack(
            [source.poisson(rate) for source, rate in zip(self.sources, each, strict=True)]
        )

    def _stack(self, fields: list[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(fields).astype(np.float32, copy=False)).to(self.device)
