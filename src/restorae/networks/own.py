"""A network that is a person's own `torch.nn.Module`."""

from __future__ import annotations

import copy
from typing import Any, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from restorae.errors import BadSpec, ShapeMismatch
from restorae.networks.contract import Network
from restorae.own_objects import OwnObject
from restorae.shapes import Images

_STEPS = (1, 2, 4, 8, 16, 32)


class ModuleNetwork(OwnObject, Network, kind="module"):
    """A module that maps images (batch, channel, height, width), or flat ones (batch, pixels), to images of the same size.

    Training starts from the weights of a module; those of a class are drawn.

    What it takes is tried out on images like those to learn from: sizes of any kind, multiples of a number, or one size.
    Tiles of large images overlap and are blended, since nothing is known of how far the module looks.
    """

    takes_flat: bool = False
    """Whether it takes (batch, pixels)."""
    step: int = Field(default=1, ge=1)
    """Height and width are padded to multiples of this."""
    size: tuple[int, int] | None = None
    """The only height and width that it takes; None for many."""

    @property
    def halo(self) -> None:
        return None

    @property
    def multiple_of(self) -> tuple[int, int]:
        return self.size or (self.step, self.step)

    def build(self) -> nn.Module:
        return _Called(self._module(), self.takes_flat)

    def _module(self) -> nn.Module:
        if self._held is None:
            short = self.name.partition(":")[2]
            raise BadSpec(
                f"The network is a module of your own, {self.name}, whose code a file does not hold. Load the model with the "
                f"module: load(path, module={short}(...))"
            )
        held: Any = self._held.value
        module: nn.Module = held() if isinstance(held, type) else copy.deepcopy(held)
        return module

    def check_size(self, height: int, width: int) -> None:
        if self.size not in (None, (height, width)):
            raise ShapeMismatch(
                f"{self.name} takes images of {self.multiple_of[0]} × {self.multiple_of[1]} px (height × width), got {height} "
                f"× {width}"
            )

    def fitted(self, channels: int, size: tuple[int, int] | None) -> Self:
        """These settings after trying the module on images of `channels` and `size`."""
        if self._held is None or self.size == size:
            return self.model_copy(update={"channels": channels})
        with torch.random.fork_rng():
            module = self._module().eval()
        given = size or (96, 96)
        problems = [_problem(module, (channels, *given), flat) for flat in (False, True)]
        if None not in problems:
            raise ShapeMismatch(
                f"The module {self.name} does not map images (batch, {channels}, {given[0]}, {given[1]}) to images of the same "
                f"size: {problems[0]}"
            )
        flat = problems[0] is not None
        step = None if flat else _step(module, channels)
        return self.model_copy(
            update={
                "channels": channels,
                "takes_flat": flat,
                "step": step or 1,
                "size": given if step is None else None,
            }
        )


class _Called(nn.Module):
    """A person's module, called with images and returning images, whatever it returns them as."""

    def __init__(self, module: nn.Module, takes_flat: bool) -> None:
        super().__init__()
        self.module, self.takes_flat = module, takes_flat

    def forward(self, images: Images) -> Images:
        restored: Tensor = self.module(images.flatten(1) if self.takes_flat else images)
        return restored.reshape(images.shape)


def _problem(module: nn.Module, shape: tuple[int, int, int], flat: bool) -> str | None:
    """What is wrong with calling a module so; None if nothing is."""
    weights = next(module.parameters(), torch.empty(0))
    images = torch.zeros(2, *shape, device=weights.device)
    try:
        with torch.no_grad():
            found: Any = module(images.flatten(1) if flat else images)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    if not isinstance(found, Tensor):
        return f"it returned {type(found).__name__}"
    if found.shape not in (images.shape, images.flatten(1).shape):
        return f"it returned shape {tuple(found.shape)}"
    return None


def _step(module: nn.Module, channels: int) -> int | None:
    """The smallest number whose multiples a module takes as height and width; None if it takes one size."""
    for step in _STEPS:
        if all(
            _problem(module, (channels, step * high, step * wide), False) is None
            for high, wide in ((3, 5), (5, 4))
        ):
            return step
    return None
