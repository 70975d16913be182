"""A classical method with the calls of a `Model`, so that the two can be compared line by line."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import torch

from restorae.display import html_facts
from restorae.restoring.classical import Classical
from restorae.restoring.in_memory import restore_as_files
from restorae.restoring.opening import ClassicalRestorer
from restorae.restoring.request import RestoreRequest
from restorae.separation import Repair
from restorae.shapes import Images

A = TypeVar("A")


class ClassicalModel:
    """A classical method, used like a model: `load("classical:nlm").restore(image)`.

    Attributes:
        method: the method and its settings; those that are None are measured on each image.
    """

    def __init__(self, method: Classical) -> None:
        self.method = method

    def __call__(self, images: A) -> A:
        """As `restore`."""
        return self.restore(images)

    def restore(
        self,
        images: A,
        *,
        mask: Any = None,
        strength: float = 1.0,
        repair: Repair | None = None,
        tone: float | None = None,
        axes: str | None = None,
    ) -> A:
        """Restore one image or many; arguments, result and errors as of `Model.restore`.

        Raises:
            SettingsConflict: the method fills what a mask marks, and there is no mask.
        """
        request = RestoreRequest(
            model=self.method.kind, strength=strength, repair=repair, tone=tone, axes=axes
        )
        restorer = ClassicalRestorer(self.method)
        return cast("A", restore_as_files(images, request, lambda _name: restorer, mask=mask))

    def restore_images(self, images: Images) -> Images:
        """Restored images of a working batch (n, channels, height, width), unclipped; the mask is a last channel."""
        return self.method.apply(images)

    @property
    def device(self) -> torch.device:
        """Where it computes: the processor."""
        return torch.device("cpu")

    def to(self, device: str | torch.device) -> ClassicalModel:
        """This method; it always computes on the processor."""
        return self

    def __repr__(self) -> str:
        return f"ClassicalModel({str(self.method)!r})"

    def _repr_html_(self) -> str:
        about = (type(self.method).__doc__ or "").partition("\n")[0]
        settings = [(name, value) for name, value in self.method.model_dump().items()]
        return html_facts(f"classical:{self.method.kind}", [("about", about), *settings])
