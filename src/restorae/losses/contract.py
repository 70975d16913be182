"""The contract of losses: a number for a batch, which training minimises."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Self, cast

import torch
from torch import Tensor, nn

from restorae.errors import BadSpec, Fix
from restorae.networks import Network, send_through
from restorae.parts import Part
from restorae.shapes import Images


@dataclass(frozen=True)
class Batch:
    """The input of a loss in one training step: images, network and step number."""

    network: Network
    """Settings of the network, which define how its module is called."""
    module: nn.Module
    _: KW_ONLY
    degraded: Images
    clean: Images
    step: int
    """Updates of the weights so far."""
    generator: torch.Generator
    """Source of randomness for this step, on the images' device."""


class Loss(Part, abc.ABC, family="loss"):
    """A number for a batch. A new kind is a subclass with `between`, or with `measure` where images alone do not say enough.

    >>> class Huber(Loss, kind="huber"):
    ...     def between(self, restored, clean):
    ...         return nn.functional.huber_loss(restored, clean)
    >>> Huber().between(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item()
    0.5
    """

    gradient_limit: ClassVar[float] = 0.1
    """Default norm to which a training clips gradients of this loss; 0 for no limit."""

    def __init_subclass__(
        cls, *, kind: str | None = None, family: str | None = None, **options: Any
    ) -> None:
        if family is None and cls.between is Loss.between and cls.measure is Loss.measure:
            raise BadSpec(
                f"{cls.__qualname__} measures nothing. Add a method between(self, restored, clean) that returns a tensor with "
                "one number, the mean over the batch"
            )
        super().__init_subclass__(kind=kind, family=family, **options)

    @classmethod
    def of(cls, value: object) -> Self:
        """As `Part.of`; also a function of (restored, clean), or a module such as `torch.nn.MSELoss()`."""
        if callable(value) and not isinstance(value, type | Loss):
            from restorae.losses.own import FunctionLoss

            return cast("Self", FunctionLoss.wrapping(value))
        return super().of(value)

    def between(self, restored: Images, clean: Images) -> Tensor:
        """A scalar, mean over the batch; smaller is better. Both (batch, channel, height, width) float32."""
        raise NotImplementedError

    def measure(self, batch: Batch) -> Mapping[str, Tensor]:
        """`loss`, a scalar that is the mean over the batch, smaller is better; and its terms by name."""
        restored = send_through(batch.module, batch.degraded, batch.network.multiple_of)
        return {"loss": self.between(restored, batch.clean)}

    def check(self, network: Network) -> None:
        """Raise `BadSpec` if this loss cannot be measured on that network."""
        if network.neighbours:
            raise BadSpec(
                f"the loss {self.kind} compares images, and {network.kind} also learns where films are damaged",
                fix=Fix("loss", action="omit"),
            )


class PixelLoss(Loss, abc.ABC, family="loss"):
    """A loss that only compares restored and clean images."""

    @abc.abstractmethod
    def between(self, restored: Images, clean: Images) -> Tensor: ...
