"""A trained film cleaner as a restorer: its tiles are stacks of aligned frames, and it says where frames are damaged."""

from __future__ import annotations

from collections.abc import Sequence

from restorae.errors import Fix, ShapeMismatch, UsageError
from restorae.model import Model
from restorae.model.inference import bytes_per_pixel, restore_at_once
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import (
    FrameFacts,
    Restored,
    Restorer,
    RestoreTiles,
    capabilities_of,
)
from restorae.shapes import Images


class StackRestorer(Restorer):
    """A model that restores a frame from a stack of planes (`restorae.film.stack`).

    Args:
        model: a model whose network compares neighbouring frames.
        name: what the person called it; by default the name on its card.
    """

    def __init__(self, model: Model, name: str | None = None) -> None:
        self.model = model
        self.capabilities = capabilities_of(model.card, name, model.network)
        self.device = model.device

    def bytes_per_pixel(self, channels: int) -> float:
        return bytes_per_pixel(self.model)

    def prepare(self, facts: FrameFacts, request: RestoreRequest) -> RestoreTiles:
        if facts.channels != self.model.network.channels:
            raise self._for_films(ShapeMismatch)

        def restore(images: Images, _frames: Sequence[int]) -> Restored:
            both = restore_at_once(self.model, images, precision=request.precision)
            return Restored(both[:, :1], defects=both[:, 1:].sigmoid())

        return restore

    def restore_images(self, images: Images, self_ensemble: int = 1) -> Images:
        raise self._for_films(UsageError)

    def _for_films(
        self, kind: type[ShapeMismatch] | type[UsageError]
    ) -> ShapeMismatch | UsageError:
        return kind(
            f"{self.name} cleans films: it compares the frames of a shot. Images need another model",
            fix=Fix("model", action="change"),
        )
