"""Which model a training starts from where nobody says: what has learned photographs or pages needs few pairs to learn yours."""

from __future__ import annotations

from restorae.errors import UsageError
from restorae.losses import Neighbours
from restorae.model import bundled, find, read_card
from restorae.networks import Network
from restorae.progress import Progress
from restorae.restoring.model_choice import PAGES, PHOTOS, choose_for_set
from restorae.training.material import Material
from restorae.training.recipe import Recipe

SUITABLE = "suitable"
"""Start from a bundled model that suits the pictures, where one does."""
_LOOKED_AT = 12


def suitable_start(recipe: Recipe, material: Material, progress: Progress) -> str | None:
    """The bundled model to start from, and tell; None starts from nothing.

    Pairs of photographs and pages have one, and so have noisy pictures alone whose noise is independent from pixel to pixel.
    Small pictures that are taken whole and damage that is drawn without end do not need it, and whoever names a network has
    chosen.
    """
    examples = material.examples
    if examples.patch is None or "network" in recipe.model_fields_set:
        return None
    if isinstance(recipe.loss, Neighbours):
        wanted, learned = PHOTOS, "the noise of these pictures"
    elif examples.degraded is not None:
        every = max(1, len(examples.degraded) // _LOOKED_AT)
        try:
            wanted = choose_for_set(
                examples.degraded[index] for index in range(0, len(examples.degraded), every)
            ).name
        except UsageError:
            return None
        learned = "these pairs"
    else:
        return None
    for name in dict.fromkeys((wanted, PHOTOS)):
        if (
            name in (PAGES, PHOTOS)
            and name in bundled()
            and examples.clean.channels in _takes(name)
        ):
            progress.say(
                f"Starting from {name}: it learns {learned} sooner than from nothing (--from nothing does that)."
            )
            return name
    return None


def _takes(name: str) -> tuple[int, ...]:
    return Network.from_dict(read_card(find(name)).network).takes
