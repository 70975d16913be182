"""A trained model as a restorer: grey or colour, self-ensemble, samples and error bounds, each decided once per image."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from restorae.error_bound import ErrorBound
from restorae.errors import ShapeMismatch, UsageError
from restorae.exporting.runtime import running_on
from restorae.model import Model
from restorae.model.checks import bound_for, require_restorer, shown_at_once
from restorae.model.inference import bytes_per_pixel, draw_samples, restore_at_once
from restorae.model.separating import keep
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import (
    FrameFacts,
    Restored,
    Restorer,
    RestoreTiles,
    capabilities_of,
)
from restorae.shapes import Images

_BOUND_BYTES = 48.0
"""What measuring a pixel's surroundings takes beside the network."""


class ModelRestorer(Restorer):
    """A trained model.

    Args:
        model: a model that learned to restore.
        name: what the person called it; by default the name on its card.

    Raises:
        UsageError: it did not learn to restore.
    """

    def __init__(self, model: Model, name: str | None = None) -> None:
        require_restorer(model)
        self.model = model
        self.capabilities = capabilities_of(model.card, name, model.network)
        self.device = model.device

    def bytes_per_pixel(self, channels: int) -> float:
        # a network that does not take so many sees the channels as a batch
        at_once = 1 if channels in self.model.network.takes else channels
        bound = _BOUND_BYTES * channels if self.capabilities.has_error_bounds else 0.0
        return bytes_per_pixel(self.model) * at_once + bound

    def prepare(self, facts: FrameFacts, request: RestoreRequest) -> RestoreTiles:
        model, network = running_on(request.runtime, self.model), self.model.network
        network.check_size(facts.height, facts.width)
        if request.self_ensemble > 1:
            network.check_size(facts.width, facts.height)
        try:
            bound = bound_for(model, facts.channels) if request.error_map else None
        except UsageError as error:  # the fault of this one image among many
            raise ShapeMismatch(error.message.problem) from None

        def restore(images: Images, frames: Sequence[int]) -> Restored:
            if request.samples is not None:
                drawn = draw_samples(
                    model,
                    images,
                    request.samples,
                    request.seed,
                    precision=request.precision,
                    indices=frames,
                )
                return Restored(drawn.mean(0), samples=drawn)
            known = [facts.is_grey.get(frame) for frame in frames]
            restored = restore_at_once(
                model,
                images,
                precision=request.precision,
                self_ensemble=request.self_ensemble,
                is_grey=None if None in known else torch.tensor(known),
            )
            if bound is None:
                return Restored(restored)
            return Restored(restored, bound=bound.of(images.to(restored.device), restored))

        return restore

    def error_bound_for(self, channels: int) -> ErrorBound | None:
        return self.model.card.error_bounds.get(shown_at_once(self.model, channels))

    def restore_images(self, images: Images, self_ensemble: int = 1) -> Images:
        restored = self.model.restore_images(images, self_ensemble=self_ensemble)
        return keep(images, restored, RestoreRequest().separation(self.capabilities))
