"""Which model a training starts from: the one that the recipe names, or a bundled one that suits the images."""

from __future__ import annotations

from restorae.data import Correlation, Pairs
from restorae.errors import UsageError
from restorae.losses import Neighbours
from restorae.model import Model, bundled, find, read_card
from restorae.networks import Network
from restorae.restoring.model_choice import PAGES, PHOTOS, choose_for_set
from restorae.training.given import name_of_model
from restorae.training.recipe import NOTHING, Recipe
from restorae.training.resolve import StartModel, choose_patch, correlated_along

_LOOKED_AT = 12


def choose_start(
    recipe: Recipe,
    pairs: Pairs,
    noise: Correlation | None,
    paired: bool,
    given: Model | None = None,
) -> StartModel | None:
    """The model that training starts from; None for a new network.

    Where the recipe does not say, pairs of photographs or pages start from a bundled model, and so do noisy images whose
    noise is independent from pixel to pixel: few of them then suffice. Small images that are taken whole and degradations
    that are drawn without end do not need it, and whoever names a network has chosen.

    Raises:
        UnknownKind, BadModelFile: the model that the recipe names is not there or cannot be used.
    """
    if given is not None or recipe.start_from is not None:
        return start_of(recipe, given)
    if recipe.network is not None or not choose_patch(recipe, None, pairs.clean.common_size):
        return None
    if recipe.noisy is not None:
        learns_noise = isinstance(recipe.loss or Neighbours(), Neighbours)
        if not learns_noise or (recipe.loss is None and correlated_along(noise)):
            return None
        wanted = PHOTOS
    elif paired:
        every = max(1, len(pairs) // _LOOKED_AT)
        try:
            wanted = choose_for_set(
                pairs.degraded[index] for index in range(0, len(pairs), every)
            ).name
        except UsageError:
            return None
    else:
        return None
    for name in dict.fromkeys((wanted, PHOTOS)):
        if name in (PAGES, PHOTOS) and name in bundled():
            start = _named(name)
            if pairs.clean.channels in start.network.takes:
                return start
    return None


def start_of(recipe: Recipe, given: Model | None = None) -> StartModel | None:
    """The model that was named or given to start from; None where there is none.

    Raises:
        UnknownKind, BadModelFile: the model that the recipe names is not there or cannot be used.
    """
    if given is not None:
        return StartModel(name_of_model(given), network=given.network, card=given.card)
    return None if recipe.start_from in (None, NOTHING) else _named(recipe.start_from)


def _named(name: str) -> StartModel:
    card = read_card(find(name))
    return StartModel(name, network=Network.from_dict(card.network), card=card)
