"""What restores: a trained model or a classical method, behind one face."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import TypeAlias

import torch

from restorae.errors import UsageError
from restorae.machine import Precision
from restorae.model import Model, load
from restorae.model.views import check_views, multiple_for
from restorae.pixels import Values
from restorae.restoring.classical import Classical
from restorae.shapes import Images

Change: TypeAlias = Callable[[Images], Images]
"""Degraded images (batch, channel[, and the mask as a last one], height, width) to restored ones."""

PREFIX = "classical:"
_CLASSICAL_BYTES = 400.0


class Restorer(abc.ABC):
    """Something that restores pictures, tile by tile, and says how it may be called."""

    name: str
    """What the person calls it."""
    halo: int | None
    """Pixels of context on each side; `None` when it looks at everything."""
    multiple_of: tuple[int, int] = (1, 1)
    """Tiles start on multiples of these."""
    needs_mask: bool = False
    """Whether it fills what a mask marks, and so cannot do without one."""
    tells_bounds: bool = False
    """Whether as many channels come behind the restored ones: how far off each value may be, [0, 1] scale."""
    device: torch.device | None = None
    """Where tiles are worked on; None is this machine."""
    values: Values = "auto"
    """How stored values map to [0, 1]."""

    @abc.abstractmethod
    def bytes_per_pixel(self, channels: int) -> float:
        """About how much memory a pixel of a tile takes while it is restored."""

    @abc.abstractmethod
    def settled(self, size: tuple[int, int], sample: Callable[[], Images]) -> Change:
        """What changes the tiles of one picture, so that all of them are treated alike.

        Args:
            size: height and width of the picture.
            sample: gives a part of it at full resolution, (1, channel, height, width), without a mask.

        Raises:
            ShapeMismatch: pictures of that size cannot be restored.
        """

    @abc.abstractmethod
    def restore_images(self, images: Images) -> Images:
        """Restored images for a batch of whole pictures in memory, (batch, channel, height, width).

        Raises:
            UsageError: it needs a mask.
        """


class ModelRestorer(Restorer):
    """A trained model.

    Args:
        model: a model that learned to restore.
        name: what the person called it.
        precision: of its arithmetic.
        views: 2, 4 or 8 averages what it makes of the picture turned and mirrored.

    Raises:
        UsageError: it did not learn to lift damage off, or there are no such views.
    """

    def __init__(
        self, model: Model, name: str | None = None, precision: Precision = "auto", views: int = 1
    ) -> None:
        model.check_restores()
        check_views(views)
        self.model, self.precision, self.views = model, precision, views
        self.name = name or model.card.name
        self.halo = model.network.halo
        self.multiple_of = multiple_for(views, model.network.multiple_of)
        self.values = model.card.values
        self.device = next(model.module.parameters()).device

    def bytes_per_pixel(self, channels: int) -> float:
        # a network that does not take so many sees the channels as a batch
        return self.model.bytes_per_pixel * (
            1 if channels in self.model.network.takes else channels
        )

    def settled(self, size: tuple[int, int], sample: Callable[[], Images]) -> Change:
        self.model.network.check_size(*size)
        if self.views > 1:
            self.model.network.check_size(*size[::-1])
        return lambda images: self.model.restore_tile(images, self.precision, self.views)

    def restore_images(self, images: Images) -> Images:
        return self.model.restore_images(images, self.precision, self.views)


class ClassicalRestorer(Restorer):
    """A method that learned nothing."""

    def __init__(self, method: Classical) -> None:
        self.method = method
        self.name = f"{PREFIX}{method}"
        self.halo = method.halo
        self.multiple_of = method.multiple_of
        self.needs_mask = method.needs_mask

    def bytes_per_pixel(self, channels: int) -> float:
        return _CLASSICAL_BYTES * channels

    def settled(self, size: tuple[int, int], sample: Callable[[], Images]) -> Change:
        return self.method.settled(sample()).apply

    def restore_images(self, images: Images) -> Images:
        if self.needs_mask:
            raise UsageError(f"{self.name} fills what a mask marks, and there is none here.")
        return self.method.apply(images)


def restorer_named(
    name: str, device: str = "auto", precision: Precision = "auto", views: int = 1
) -> Restorer:
    """The restorer that `name` says: a model file, a bundled model, or `classical:nlm(sigma=0.1)`.

    Raises:
        UnknownKind: there is none of that name; the message offers the nearest.
        BadSpec, BadModelFile, UsageError: as their messages say.
    """
    return restorer_from(name, lambda known: load(known).to(device), precision, views)


def restorer_from(
    name: str, open_model: Callable[[str], Model], precision: Precision = "auto", views: int = 1
) -> Restorer:
    """As `restorer_named`, where models are opened in a way of one's own."""
    if not name.startswith(PREFIX):
        return ModelRestorer(open_model(name), name, precision, views)
    if views != 1:
        raise UsageError(
            f"{name} is no network: it makes the same of a picture turned or mirrored. Leave the views away."
        )
    return ClassicalRestorer(Classical.of(name.removeprefix(PREFIX)))
