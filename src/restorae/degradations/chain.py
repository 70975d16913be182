"""Combined degradations: several in sequence, or one of several."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field

from restorae.degradations.contract import Composite, Degradation, Draw
from restorae.errors import BadSpec
from restorae.randomness import draw_seeds
from restorae.shapes import Images

_CHOICE = "choice"
"""Name under which a draw holds which of the choices each image gets."""


class Chain(Composite, kind="chain"):
    """Several degradations, applied in order; written `first | second | third`.

    >>> print(Degradation.of("blur(sigma=1.5) | gaussian-noise"))
    blur(sigma=1.5) | gaussian-noise
    """

    parts: tuple[Degradation, ...] = ()
    """The degradations, in the order in which they are applied."""

    @property
    def links(self) -> tuple[Degradation, ...]:
        return self.parts

    def draw(self, generator: torch.Generator, count: int) -> Draw:
        if not self.parts:
            return Draw(degradation=self, seeds=draw_seeds(generator, count))
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

    def __str__(self) -> str:
        # the short form needs two or more parts that are not chains; others are written so that `of` reads them back
        plain = len(self.parts) > 1 and not any(isinstance(part, Chain) for part in self.parts)
        return " | ".join(map(str, self.parts)) if plain else super().__str__()


class OneOf(Composite, kind="one-of"):
    """One of several degradations, drawn for each image; a choice can be a chain.

    >>> print(Degradation.of("one-of(choices=[gaussian-noise, blur | jpeg], weights=[3, 1])"))
    one-of(choices=[gaussian-noise,blur | jpeg],weights=[3,1])
    """

    choices: tuple[Degradation, ...] = ()
    """The degradations to choose from."""
    weights: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = ()
    """Relative probabilities of the choices; equal if none are given."""

    def model_post_init(self, _context: object) -> None:
        if self.weights and len(self.weights) != len(self.choices):
            raise BadSpec(
                f"one-of: expected one weight per choice, got {len(self.weights)} weights for {len(self.choices)} choices"
            )

    def draw(self, generator: torch.Generator, count: int) -> Draw:
        if not self.choices:
            return Draw(degradation=self, seeds=draw_seeds(generator, count))
        return Draw(
            degradation=self,
            amounts={_CHOICE: tuple(map(float, self.choose(generator, count)))},
            parts=tuple(choice.draw(generator, count) for choice in self.choices),
        )

    def replay(self, draw: Draw, images: Images) -> Images:
        degraded = images.clone()
        for number, part in enumerate(draw.parts):
            if chosen := [i for i, drawn in enumerate(draw.amounts[_CHOICE]) if drawn == number]:
                degraded[chosen] = part.select(chosen).apply(images[chosen])
        return degraded

    def degrade(self, images: Images, generator: torch.Generator) -> Images:
        degraded = images.clone()
        drawn = self.choose(generator, len(images)) if self.choices else []
        for number, choice in enumerate(self.choices):
            if chosen := [i for i, one in enumerate(drawn) if one == number]:
                degraded[chosen] = choice.degrade(images[chosen], generator)
        return degraded

    def choose(self, generator: torch.Generator, count: int) -> list[int]:
        """The index of a choice for each of `count` images."""
        weights = torch.tensor(self.weights or [1.0] * len(self.choices), dtype=torch.float64)
        ends = (weights / weights.sum()).cumsum(0)
        drawn = torch.rand(count, generator=generator, device=generator.device).cpu().double()
        return torch.searchsorted(ends, drawn, right=True).clamp(max=len(weights) - 1).tolist()
