"""Which model a training starts from where nobody says: what has learned photographs or pages needs few pairs to learn yours."""

from __future__ import annotations

from restorae.errors import UsageError
from restorae.model import bundled, find, read_card
from restorae.networks import Network
from restorae.progress import Progress
from restorae.restoring import PAGES, PHOTOS, choose_model
from restorae.training.material import Material
from restorae.training.recipe import Recipe

SUITABLE = "suitable"
"""Start from a bundled model that suits the pictures, where one does."""
_LOOKED_AT = 12


def suitable_start(recipe: Recipe, material: Material, progress: Progress) -> str | None:
    """The bundled model to start from, and tell; None starts from nothing.

    Pairs of photographs and pages have one. Small pictures that are taken whole, damage that is drawn without end and
    noisy pictures alone do not need it, and whoever names a network has chosen.
    """
    degraded = material.examples.degraded
    if degraded is None or material.examples.patch is None or "network" in recipe.model_fields_set:
        return None
    every = max(1, len(degraded) // _LOOKED_AT)
    try:
        wanted = choose_model(degraded[index] for index in range(0, len(degraded), every)).name
    except UsageError:
        return None
    for name in dict.fromkeys((wanted, PHOTOS)):
        if name in (PAGES, PHOTOS) and name in bundled() and degraded.channels in _takes(name):
            progress.say(f"Starting from {name}: it learns these pairs sooner than from nothing (--from nothing does that).")
            return name
    return None


def _takes(name: str) -> tuple[int, ...]:
    return Network.from_dict(read_card(find(name)).network).takes
