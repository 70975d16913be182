"""A degradation that is a person's own function."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import torch

from restorae.degradations.contract import Amounts, Degradation
from restorae.errors import BadSpec
from restorae.own_objects import OwnObject
from restorae.randomness import RandomSource
from restorae.shapes import Images


class FunctionDegradation(OwnObject, Degradation, kind="function"):
    """What a function makes of images, float32 (batch, channel, height, width): a tensor or an array of the same shape.

    Random numbers that it takes from PyTorch's or NumPy's global generators follow from the seed of the training.

    >>> dimmed = FunctionDegradation.wrapping(lambda images: 0.5 * images)
    >>> dimmed.degrade(torch.ones(1, 1, 2, 2), torch.Generator()).mean().item()
    0.5
    """

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        if self._held is None:
            raise BadSpec(
                f"The degradation {self.name} is a function of your own, which a file does not hold. Pass it again"
            )
        # one number for each image: an image's damage does not depend on its batch where images come one by one
        seeds = (rng.uniform((len(images), 1)).double().flatten() * 2**24).long().tolist()
        with _global_seeds(seeds):
            try:
                found = self._held.value(images.clone())
            except (TypeError, ValueError, RuntimeError) as error:
                raise BadSpec(
                    f"The degradation {self.name} failed on a tensor of shape {tuple(images.shape)}, (batch, channel, height, "
                    f"width): {type(error).__name__}: {error}"
                ) from error
        shape = tuple(getattr(found, "shape", ()))
        if shape != tuple(images.shape):
            raise BadSpec(
                f"The degradation {self.name} returned {'shape ' + str(shape) if shape else type(found).__name__} for images of "
                f"shape {tuple(images.shape)}. Expected the same shape"
            )
        return torch.as_tensor(found).to(images.device, torch.float32)


@contextlib.contextmanager
def _global_seeds(seeds: list[int]) -> Iterator[None]:
    """Seed the global generators of PyTorch and NumPy for the block, and restore them."""
    before = np.random.get_state()
    with torch.random.fork_rng():
        seed = int(np.random.SeedSequence(seeds).generate_state(1)[0])
        torch.manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(before)
