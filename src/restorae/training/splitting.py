"""Which images are trained on and which are held out, and what the card says about both."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from restorae.data import ImageSet, content_hashes, hold_out, is_named
from restorae.model import Card
from restorae.training.recipe import Recipe

MNIST_VALIDATION = 5000
"""Images that are held out at most; of MNIST's sets the last of the training part."""
MOST_LEARNED_LISTED = 2000
"""Up to so many learned images are listed on the card by their content hashes."""


@dataclass(frozen=True)
class Split:
    """Indices of the images on either side, and what the card says about them."""

    kept_in: list[int]
    held_out: list[int]
    _: KW_ONLY
    held_out_hashes: tuple[str, ...] = ()
    learned_hashes: tuple[str, ...] = ()
    unseen: int = 0
    """How many images are validated on that are not trained on."""
    repeated: int = 0
    """How many images that were given to validate on are trained on as well."""


def split_images(
    recipe: Recipe, clean: ImageSet, card: Card | None, validation: ImageSet | None = None
) -> Split:
    """Hold out a part of the images, by their content; of MNIST's sets the last of the training part.

    Where images to validate on are given, nothing is held out. What the model of `card` held out stays held out. With a
    validation share of 0 all images are trained on, and the last of them are checked on as well.

    Raises:
        ShapeMismatch: there are fewer than two different images.
        UsageError: an image would be held out that the model of `card` has learned.
    """
    count = len(clean)
    if validation is not None:
        learned, unseen = set(content_hashes(clean)), content_hashes(validation)
        repeated = sum(each in learned for each in unseen)
        held_hashes, learned_hashes = _history_of(set(unseen) - learned, learned, card)
        return Split(
            list(range(count)),
            [],
            held_out_hashes=held_hashes,
            learned_hashes=learned_hashes,
            unseen=len(validation) - repeated,
            repeated=repeated,
        )
    if recipe.clean is not None and is_named(recipe.clean) and recipe.clean != "digits":
        if not recipe.validation:
            kept_in, held_out = _all_and_last(count)
            return Split(kept_in, held_out)
        if count > 2 * MNIST_VALIDATION:
            # the last 5,000 training digits, as the field does; of "all" the last 5,000 of the training part too
            last = min(count, 60_000)
            first = last - MNIST_VALIDATION
            kept_in, held_out = [*range(first), *range(last, count)], list(range(first, last))
            return Split(kept_in, held_out, unseen=len(held_out))
    hashes = content_hashes(clean)
    if not recipe.validation:
        kept_in, held_out = _all_and_last(count)
        held_hashes, learned_hashes = _history_of(set(), set(hashes), card)
        return Split(kept_in, held_out, held_out_hashes=held_hashes, learned_hashes=learned_hashes)
    known = set(card.held_out_hashes) if card else set()
    kept_in, held_out = hold_out(
        hashes,
        recipe.validation,
        MNIST_VALIDATION,
        always=known,
        learned=_learned_by(card, hashes),
    )
    now = {hashes[index] for index in held_out}
    held_hashes, learned_hashes = _history_of(now, set(hashes) - now, card)
    return Split(
        kept_in,
        held_out,
        held_out_hashes=held_hashes,
        learned_hashes=learned_hashes,
        unseen=len(held_out),
    )


def _learned_by(card: Card | None, hashes: list[str]) -> set[str]:
    """Which of these images a model has learned, as far as its card says."""
    if card is None:
        return set()
    if card.learned_hashes:
        return set(card.learned_hashes)
    # too many to list: whoever holds out one of these images was trained on this set
    held = set(card.held_out_hashes)
    return set(hashes) - held if held & set(hashes) else set()


def _history_of(
    held: set[str], learned: set[str], card: Card | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What this model and those before it held out and learned, for the card."""
    before = set(card.learned_hashes) if card else set()
    unseen = (held | (set(card.held_out_hashes) if card else set())) - learned
    together = learned | before
    listed = together if len(together) <= MOST_LEARNED_LISTED else set()
    return tuple(sorted(unseen)), tuple(sorted(listed))


def _all_and_last(count: int) -> tuple[list[int], list[int]]:
    return list(range(count)), list(range(max(0, count - MNIST_VALIDATION), count))
