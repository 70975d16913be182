"""Networks that are built for images of one size."""

from __future__ import annotations

import abc
from typing import ClassVar, Self

from pydantic import Field

from restorae.errors import ShapeMismatch
from restorae.networks.contract import Network

_LARGEST = 256


class OneSizeNetwork(Network, abc.ABC, family="network"):
    """Settings of a network for images of one height and width, which it sees whole."""

    described: ClassVar[str]
    """What it is, at the beginning of a sentence: “An auto-encoder”."""
    height: int = Field(default=28, ge=1, le=_LARGEST)
    """Height of the images in pixels."""
    width: int = Field(default=28, ge=1, le=_LARGEST)
    """Width of the images in pixels."""

    @property
    def halo(self) -> None:
        return None

    def fitted(self, channels: int, size: tuple[int, int] | None) -> Self:
        if size is None:
            raise ShapeMismatch(
                f"{self.described} ({self.kind}) learns images of one size, but these differ. Resize or crop them."
            )
        if max(size) > _LARGEST:
            raise ShapeMismatch(
                f"These images are {size[0]} × {size[1]} px; {self.kind} takes up to {_LARGEST} × {_LARGEST} px. Reduce them."
            )
        return self.model_copy(update={"channels": channels, "height": size[0], "width": size[1]})

    def check_size(self, height: int, width: int) -> None:
        if (height, width) != (self.height, self.width):
            raise ShapeMismatch(
                f"This {self.kind} was built for images of {self.height} × {self.width} px (height × width), got {height} × "
                f"{width}. Resize them, or train a model on images like these."
            )
