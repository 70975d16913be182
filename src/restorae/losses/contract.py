"""What a loss is: a number that training makes smaller."""

from __future__ import annotations

import abc

from torch import Tensor

from restorae.parts import Part
from restorae.shapes import Images


class Loss(Part, abc.ABC, family="loss"):
    """How far restored images are from the clean ones. A new kind is a subclass with `between`."""

    @abc.abstractmethod
    def between(self, restored: Images, clean: Images) -> Tensor:
        """A scalar, mean over the batch; smaller is better. Both (batch, channel, height, width) float32."""
