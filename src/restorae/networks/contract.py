"""The contract of networks: settings that build a module and declare how it may be called."""

from __future__ import annotations

import abc
from typing import Any, Self, cast

from pydantic import Field
from torch import nn

from restorae.display import counted
from restorae.errors import BadSpec, ShapeMismatch
from restorae.parts import Part


class Network(Part, abc.ABC, family="network"):
    """Settings of an architecture.

    A new kind is a subclass with its settings as fields, a `halo` and `build`. The module maps degraded images to restored
    ones, both (batch, channel, height, width) float32; height and width are multiples of `multiple_of`.

    A subclass without a `halo` of its own is refused when it is defined: whether tiles are exact depends on it.
    Training verifies it with `restorae.networks.check_halo`.
    """

    channels: int = Field(default=1, ge=1)
    """Channels of the images: 1 grey, 3 colour."""

    def __init_subclass__(
        cls, *, kind: str | None = None, family: str | None = None, **options: Any
    ) -> None:
        if family is None and cls.halo is Network.halo:
            raise BadSpec(
                f"{cls.__qualname__} declares no halo. Add a property `halo` that returns the pixels of context on each side "
                "that reach a pixel's result, or None if the network uses the whole image"
            )
        super().__init_subclass__(kind=kind, family=family, **options)

    @classmethod
    def of(cls, value: object) -> Self:
        """As `Part.of`; also a `torch.nn.Module` of your own, or its class."""
        if isinstance(value, nn.Module) or (
            isinstance(value, type) and issubclass(value, nn.Module)
        ):
            from restorae.networks.own import ModuleNetwork

            return cast("Self", ModuleNetwork.wrapping(value))
        return super().of(value)

    @abc.abstractmethod
    def build(self) -> nn.Module:
        """A new module with freshly drawn weights (from PyTorch's global generator, which training seeds)."""

    @property
    def multiple_of(self) -> tuple[int, int]:
        """Height and width that the module is called with are multiples of these; images are padded and cropped back."""
        return (1, 1)

    @property
    def neighbours(self) -> int:
        """Frames on each side that the module is given beside the one it restores; 0 for networks that restore images."""
        return 0

    @property
    def takes_images(self) -> bool:
        """Whether the module maps images to restored ones of the same shape, each by itself."""
        return not self.neighbours

    @property
    @abc.abstractmethod
    def halo(self) -> int | None:
        """Pixels of context on each side that reach a pixel's result; `None` if it depends on the whole image."""

    def fitted(self, channels: int, size: tuple[int, int] | None) -> Self:
        """These settings for images of `channels` and, if all have one size, of that `size` (height, width)."""
        return self.model_copy(update={"channels": channels})

    def for_patches(self) -> Self:
        """These settings for training on patches of larger images."""
        return self

    @property
    def takes(self) -> tuple[int, ...]:
        """Numbers of channels that the module can be called with."""
        return (self.channels,)

    def check_channels(self, channels: int) -> None:
        """Raise `ShapeMismatch` unless this network can restore images of so many channels."""
        if channels not in self.takes:
            raise ShapeMismatch(
                f"This network was built for images of {counted(self.takes, 'channel')}, got {channels}. "
                "Convert the images, or train a network on images like these."
            )

    def check_size(self, height: int, width: int) -> None:
        """Raise `ShapeMismatch` unless this network takes images of that height and width."""
