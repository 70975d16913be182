"""The contract of degradations: settings that are first drawn, then applied.

*Draw, then apply.* `draw` draws a number from every range and gives each image a seed; the `Draw` it returns is numbers
only, so it prints, stores and replays. `Draw.apply` is pure. `degrade` does both at once with one generator for the batch:
the same distribution, three times as fast, for training.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NoReturn, Self, TypeAlias, cast, final

import numpy as np
import torch
from pydantic import AfterValidator, Field
from torch import Tensor

from restorae.display import counted
from restorae.errors import ShapeMismatch, UsageError
from restorae.parts import Part, Settings
from restorae.randomness import BatchRandomSource, PerImageRandomSource, RandomSource, draw_seeds
from restorae.ranges import Range, RangeField
from restorae.shapes import Images
from restorae.specs import split_outside_brackets


def _whole(value: Range) -> Range:
    if not (value.low.is_integer() and value.high.is_integer()):
        raise ValueError(f"the range {value} is of whole numbers")
    return value


Amount: TypeAlias = float | RangeField
"""A number, or a range that is drawn from uniformly, once per image."""

Count: TypeAlias = int | Annotated[RangeField, AfterValidator(_whole)]
"""A whole number, or a range that is drawn from uniformly (both ends included), once per image."""

Amounts: TypeAlias = Mapping[str, Tensor]
"""The drawn value of each amount, shape (batch, 1, 1, 1)."""


class Degradation(Part, abc.ABC, family="degradation"):
    """Settings of a kind of damage.

    A new kind is a subclass with its settings as fields and one method, `change`. Fields typed `Amount` or `Count` may
    be given as ranges; `change` receives the drawn values.
    """

    @abc.abstractmethod
    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        """The degraded images: same shape, float32, not clipped unless the settings say so.

        Must treat each image of the batch independently, and take all randomness from `rng`.
        """

    @classmethod
    def of(cls, value: object) -> Self:
        """As `Part.of`; a text may also be a chain, `one | another(setting=1)`, and a function of images is taken as it is."""
        if isinstance(value, str) and len(links := split_outside_brackets(value, "|")) > 1:
            return cls.from_dict(
                {"kind": "chain", "parts": [Degradation.of(link.strip()) for link in links]}
            )
        if callable(value) and not isinstance(value, type | Degradation):
            from restorae.degradations.own import FunctionDegradation

            return cast("Self", FunctionDegradation.wrapping(value))
        return super().of(value)

    def __or__(self, other: object) -> Degradation:
        """This degradation, then another.

        >>> print(Degradation.of("blur") | Degradation.of("noise(sigma=0.2)") | "jpeg")
        blur | gaussian-noise(sigma=0.2) | jpeg
        """
        links = [link for part in (self, other) for link in Degradation.of(part).links]
        return Degradation.from_dict({"kind": "chain", "parts": links})

    def __ror__(self, other: object) -> Degradation:
        return Degradation.of(other) | self

    @property
    def links(self) -> tuple[Degradation, ...]:
        """What is applied, one after the other."""
        return (self,)

    def draw(self, generator: torch.Generator, count: int) -> Draw:
        """Draw a number from every range for `count` images, and a seed for each."""
        amounts = {
            name: tuple(values.flatten().tolist())
            for name, values in self._amounts(generator, count).items()
        }
        return Draw(degradation=self, amounts=amounts, seeds=draw_seeds(generator, count))

    def replay(self, draw: Draw, images: Images) -> Images:
        """Apply the drawn values; an image's result does not depend on its batch or device."""
        amounts = {
            name: _per_image(torch.tensor(values), images) for name, values in draw.amounts.items()
        }
        return self.change(images, amounts, PerImageRandomSource(draw.seeds, images.device))

    def degrade(self, images: Images, generator: torch.Generator) -> Images:
        """Draw and apply in one go, with one generator (on the images' device) for the whole batch.

        Raises:
            UsageError: not a tensor and a generator; `restorae.degrade` takes images of any kind and a seed.
        """
        if not (isinstance(images, Tensor) and isinstance(generator, torch.Generator)):
            raise UsageError(
                f"expected a tensor (batch, channel, height, width) and a torch.Generator, got {type(images).__name__} and "
                f"{type(generator).__name__}. restorae.degrade(images, degradation, seed=...) takes images of any kind"
            )
        return self.change(
            images, self._amounts(generator, len(images)), BatchRandomSource(generator)
        )

    def _amounts(self, generator: torch.Generator, count: int) -> dict[str, Tensor]:
        drawn = {}
        for name, field in type(self).model_fields.items():
            if Range not in _types_in(field.annotation):
                continue
            low, high = bounds(getattr(self, name))
            share = torch.rand(count, 1, 1, 1, generator=generator, device=generator.device)
            if int in _types_in(field.annotation):
                drawn[name] = (low + share * (high - low + 1)).floor().clamp(max=high)
            else:
                drawn[name] = low + share * (high - low)
        return drawn


DegradationLike: TypeAlias = (
    Degradation
    | type[Degradation]
    | str
    | Mapping[str, Any]
    | Callable[[Tensor], Tensor | np.ndarray]
)
"""A degradation, its text, what `to_dict` wrote, or a function of images (batch, channel, height, width)."""


class Composite(Degradation, abc.ABC, family="degradation"):
    """A degradation made of others: it defines how they are drawn and applied, and has no `change`."""

    @abc.abstractmethod
    def draw(self, generator: torch.Generator, count: int) -> Draw: ...

    @abc.abstractmethod
    def replay(self, draw: Draw, images: Images) -> Images: ...

    @abc.abstractmethod
    def degrade(self, images: Images, generator: torch.Generator) -> Images: ...

    @final
    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> NoReturn:
        raise TypeError(f"{self.kind} is made of other degradations: call draw or degrade")


class Draw(Settings):
    """A drawn degradation: numbers only."""

    degradation: Degradation
    """The degradation that was drawn."""
    amounts: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    """For each setting that can be a range, its value for each image."""
    seeds: tuple[int, ...] = ()
    """For each image, the 63-bit seed of its fields."""
    parts: tuple[Draw, ...] = ()
    """The draw of each part of a composite."""

    def apply(self, images: Images) -> Images:
        """The degraded images, (batch, channel, height, width).

        Raises:
            ShapeMismatch: the number of images differs from the number drawn for.
        """
        if len(images) != len(self):
            raise ShapeMismatch(
                f"This degradation was drawn for {counted(len(self), 'image')}, got {len(images)}"
            )
        return self.degradation.replay(self, images)

    def between(self, start: int, stop: int) -> Draw:
        """The draw for the images `start` to `stop`, to process a large set batch by batch."""
        return self.select(range(*slice(start, stop).indices(len(self))))

    def select(self, indices: Sequence[int]) -> Draw:
        """The draw for the images at the given indices."""
        return Draw(
            degradation=self.degradation,
            amounts={
                name: tuple(values[index] for index in indices)
                for name, values in self.amounts.items()
            },
            seeds=tuple(self.seeds[index] for index in indices) if self.seeds else (),
            parts=tuple(part.select(indices) for part in self.parts),
        )

    def __len__(self) -> int:
        return len(self.seeds) if not self.parts else len(self.parts[0])


def bounds(amount: float | Range) -> tuple[float, float]:
    """Smallest and largest value that an amount can take."""
    return (
        (amount.low, amount.high) if isinstance(amount, Range) else (float(amount), float(amount))
    )


def _per_image(values: Tensor, images: Images) -> Tensor:
    return values.to(images.device, torch.float32).reshape(-1, 1, 1, 1)


def _types_in(annotation: Any) -> set[Any]:
    """The plain types that an annotation such as `float | Annotated[Range, ...]` names."""
    if isinstance(annotation, type):
        return {annotation}
    if hasattr(annotation, "__metadata__"):
        return _types_in(annotation.__origin__)
    return {
        found for argument in getattr(annotation, "__args__", ()) for found in _types_in(argument)
    }
