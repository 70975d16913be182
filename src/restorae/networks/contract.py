"""What a network is: settings that build a module and say how it may be called."""

from __future__ import annotations

import abc
from typing import Self

from pydantic import Field
from torch import nn

from restorae.errors import ShapeMismatch
from restorae.parts import Part


class Network(Part, abc.ABC, family="network"):
    """Settings of an architecture.

    A new kind is a subclass with its settings as fields and `build`. The module maps degraded images to restored ones,
    both (batch, channel, height, width) float32; the height and width it is given are multiples of `multiple_of`.
    """

    channels: int = Field(1, ge=1)
    """Channels of the pictures: 1 grey, 3 colour."""

    @abc.abstractmethod
    def build(self) -> nn.Module:
        """A new module with freshly drawn weights (from PyTorch's global generator, which training seeds)."""

    @property
    def multiple_of(self) -> tuple[int, int]:
        """Height and width that the module is called with are multiples of these; pictures are padded and cut back."""
        return (1, 1)

    @property
    def halo(self) -> int | None:
        """Pixels of context on each side that reach a pixel's result; `None` when it looks at everything."""
        return None

    def fitted(self, channels: int, size: tuple[int, int] | None) -> Self:
        """These settings for pictures of `channels` and, where all are alike, of one `size` (height, width)."""
        return self.model_copy(update={"channels": channels})

    def for_patches(self) -> Self:
        """These settings for training on regions that are cut from larger pictures."""
        return self

    @property
    def takes(self) -> tuple[int, ...]:
        """Numbers of channels that the module can be called with."""
        return (self.channels,)

    def check_channels(self, channels: int) -> None:
        """Raise `ShapeMismatch` unless pictures of so many channels can be restored by this network."""
        if channels not in self.takes:
            raise ShapeMismatch(
                f"This network was built for pictures of {' or '.join(map(str, self.takes))} channel(s), but {channels} came. "
                "Convert the pictures, or train a network on pictures like these."
            )

    def check_size(self, height: int, width: int) -> None:
        """Raise `ShapeMismatch` unless pictures of that height and width can be sent through this network."""
