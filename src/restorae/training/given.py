"""What is passed to a training in memory, beside its recipe, which is text."""

from __future__ import annotations

from dataclasses import dataclass

from restorae.data import ImageSet
from restorae.model import Model
from restorae.own_objects import content_of

FROM_MEMORY = "images from memory"
"""What a recipe and a card call images that came from memory."""


@dataclass(frozen=True)
class Given:
    """Images and a model in memory; None where the recipe names them."""

    clean: ImageSet | None = None
    """Images instead of the recipe's `clean`, or of its `noisy`."""
    degraded: ImageSet | None = None
    """Their degraded partners."""
    validation: ImageSet | None = None
    """Images of one's own to validate on, clean where the training has clean ones; then none are held out."""
    validation_degraded: ImageSet | None = None
    """Their degraded partners."""
    start: Model | None = None
    """The model whose weights training starts from."""


NOTHING_GIVEN = Given()


def name_of_model(model: Model) -> str:
    """What a recipe calls a model from memory: a hash of its network and weights, so that equal recipes are equal trainings."""
    return f"memory:{content_of(model.module)}"
