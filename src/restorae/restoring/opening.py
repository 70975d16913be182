"""Restorers by name: a model file, a bundled model, or a classical method."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from restorae.errors import UsageError
from restorae.model import Model, load
from restorae.restoring.classical import Classical
from restorae.restoring.model_restorer import ModelRestorer
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import (
    Capabilities,
    FrameFacts,
    Restored,
    Restorer,
    RestoreTiles,
)
from restorae.restoring.stack_restorer import StackRestorer
from restorae.shapes import Images

PREFIX = "classical:"
_CLASSICAL_BYTES = 400.0


class ClassicalRestorer(Restorer):
    """A classical method."""

    def __init__(self, method: Classical) -> None:
        self.method = method
        self.capabilities = Capabilities(
            name=f"{PREFIX}{method}",
            halo=method.halo,
            multiple_of=method.multiple_of,
            needs_mask=method.needs_mask,
            measures_noise=True,
        )

    def bytes_per_pixel(self, channels: int) -> float:
        return _CLASSICAL_BYTES * channels

    def prepare(self, facts: FrameFacts, request: RestoreRequest) -> RestoreTiles:
        assert facts.sample is not None
        method = self.method.prepared(facts.sample)

        def restore(images: Images, _frames: Sequence[int]) -> Restored:
            return Restored(method.apply(images))

        return restore

    def restore_images(self, images: Images, self_ensemble: int = 1) -> Images:
        if self.method.needs_mask:
            raise UsageError(f"{self.name} fills what a mask marks, and there is no mask here")
        return self.method.apply(images)


def open_restorer(
    name: str, open_model: Callable[[str], Model] | None = None, *, device: str = "auto"
) -> Restorer:
    """The restorer that `name` says: a model file, a bundled model, or `classical:nlm(sigma=0.1)`.

    Args:
        name: what the person wrote.
        open_model: how models are opened; by default from a file or the bundled ones.
        device: where it computes, if `open_model` does not decide.

    Raises:
        UnknownKind: there is none of that name; the message offers the nearest.
        BadSpec, BadModelFile, UsageError: as their messages say.
    """
    if name.startswith(PREFIX):
        return ClassicalRestorer(Classical.of(name.removeprefix(PREFIX)))
    model = load(name).to(device) if open_model is None else open_model(name)
    return (StackRestorer if model.network.neighbours else ModelRestorer)(model, name)


class RestorerPool:
    """The restorers of a run, each opened once.

    Args:
        open_model: how models are opened; by default from a file or the bundled ones.
        device: where they compute, if `open_model` does not decide.
    """

    def __init__(
        self, open_model: Callable[[str], Model] | None = None, device: str = "auto"
    ) -> None:
        self.get = functools.cache(
            functools.partial(open_restorer, open_model=open_model, device=device)
        )

    @classmethod
    def of(cls, restorer: Restorer) -> RestorerPool:
        """A pool of one restorer, whatever the name."""
        pool = cls()
        pool.get = functools.cache(lambda name: restorer)
        return pool
