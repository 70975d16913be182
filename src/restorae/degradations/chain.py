"""Several degradations, one after the other."""

from __future__ import annotations

import torch

from restorae.degradations.contract import Amounts, Degradation, Draw
from restorae.randomness import RandomSource
from restorae.shapes import Images


class Chain(Degradation, kind="chain"):
    """What a picture goes through in its life, in order; written `first | second | third`.

    >>> print(Degradation.of("blur(sigma=1.5) | gaussian-noise"))
    blur(sigma=1.5) | gaussian-noise
    """

    parts: tuple[Degradation, ...] = ()
    """The degradations, in the order in which they are applied."""

    def draw(self, generator: torch.Generator, count: int) -> Draw:
        if not self.parts:
            return super().draw(generator, count)
        return Draw(
            degradation=self, parts=tuple(part.draw(generator, count) for part in self.parts)
        )

    def replay(self, draw: Draw, images: Images) -> Images:
        for part in draw.parts:
            images = part.apply(images)
        return images

    def degrade(self, images: Images, generator: torch.Generator) -> Images:
        for part in self.parts:
            images = part.degrade(images, generator)
        return images

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        for part in self.parts:
            images = part.change(images, amounts, rng)
        return images

    def __str__(self) -> str:
        # bars say a chain of two or more plain links; anything else is written in full, so that `of` gives it back
        plain = len(self.parts) > 1 and not any(isinstance(part, Chain) for part in self.parts)
        return " | ".join(map(str, self.parts)) if plain else super().__str__()
