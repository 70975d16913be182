"""The contract of losses: a number for a batch, which training minimises."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

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
    """A number for a batch. A new kind that compares images is a subclass of `PixelLoss`."""

    gradient_limit: ClassVar[float] = 0.1
    """Default norm to which a training clips gradients of this loss; 0 for no limit."""

    @abc.abstractmethod
    def measure(self, batch: Batch) -> Mapping[str, Tensor]:
        """`loss`, a scalar that is the mean over the batch, smaller is better; and its terms by name."""

    def check(self, network: Network) -> None:
        """Raise `BadSpec` if this loss cannot be measured on that network."""


class PixelLoss(Loss, abc.ABC, family="loss"):
    """A distance between restored and clean images. A new kind is a subclass with `between`."""

    @abc.abstractmethod
    def between(self, restored: Images, clean: Images) -> Tensor:
        """A scalar, mean over the batch; smaller is better. Both (batch, channel, height, width) float32."""

    def measure(self, batch: Batch) -> Mapping[str, Tensor]:
        return {
            "loss": self.between(
                send_through(batch.module, batch.degraded, batch.network.multiple_of), batch.clean
            )
        }
