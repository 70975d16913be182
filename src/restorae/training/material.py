"""From a recipe to what training is shown and what it is checked on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from restorae.data import (
    Examples,
    GreyPictures,
    Pairs,
    Pictures,
    content_hashes,
    hold_out,
    in_their_ranges,
    is_named,
    match,
    open_noisy,
    open_pictures,
)
from restorae.data.pairs import some
from restorae.errors import UsageError
from restorae.evaluating import TestSet
from restorae.losses import SelfSupervised
from restorae.networks import VAE, LatentNetwork
from restorae.pixels import Values
from restorae.progress import SILENT, Progress
from restorae.randomness import derive_seed
from restorae.training.inspection import inspect_pairs, require_variety
from restorae.training.recipe import Recipe

LARGEST_WHOLE = 64
"""Pictures of one size up to this side are trained on whole."""
PATCH = 96
MNIST_VALIDATION = 5000
_VALIDATION_SEED = 1


@dataclass(frozen=True)
class Material:
    """Training examples, and held-out pictures that share none of them."""

    examples: Examples
    test_set: TestSet
    source: str
    """What the pictures are called on the model's card."""
    held_out: bool = True
    """Whether the exam's pictures were kept from training."""
    from_noise: bool = False
    """Whether it is learned from noisy pictures alone: the exam knows no clean ones."""
    grey_test_set: TestSet | None = None
    """The exam's pictures in grey, for a network that takes both."""
    values: Values = "auto"
    """How stored values were mapped to [0, 1], and are to be mapped where the model restores."""

    def with_grey(self) -> Material:
        """This material, its colour pictures shown in grey every other time."""
        test_set = self.test_set
        degraded = None if test_set.degraded is None else GreyPictures(test_set.degraded)
        grey = replace(test_set, clean=GreyPictures(test_set.clean), degraded=degraded)
        return replace(self, examples=replace(self.examples, grey_too=True), grey_test_set=grey)

    @property
    def explains(self) -> bool:
        """Whether pictures are learned for their own sake, without damage."""
        return self.test_set.degraded is self.test_set.clean and not self.from_noise

    @property
    def fingerprint(self) -> str:
        """Changes when the training pictures do: their number, names, sizes and content."""
        sides = [self.examples.clean] + (
            [] if self.examples.degraded is None else [self.examples.degraded]
        )
        outline = [
            (side.names[index], side.size(index), side.fingerprint(index))
            for side in sides
            for index in range(len(side))
        ]
        return hashlib.sha256(repr(outline).encode()).hexdigest()[:16]


def gather(
    recipe: Recipe,
    data_dir: Path | None = None,
    clean: Pictures | None = None,
    degraded: Pictures | None = None,
    progress: Progress = SILENT,
) -> Material:
    """Open a recipe's data, or take the given pictures in their place, and keep a part for validation.

    Raises:
        UsageError: the recipe does not say what to learn from.
        InputError: its data cannot be used.
    """
    source = recipe.noisy or recipe.clean or "pictures from memory"
    if clean is None and recipe.noisy is not None:
        clean = open_noisy(recipe.noisy, recipe.split, data_dir)
    if clean is None:
        if recipe.clean is None:
            raise UsageError("A recipe needs clean pictures: clean = a data set's name or a path.")
        clean = open_pictures(recipe.clean, recipe.split, data_dir, progress)
    if degraded is None and recipe.degraded is not None:
        degraded = open_pictures(recipe.degraded, recipe.split, data_dir, progress)
    from_noise = isinstance(recipe.loss, SelfSupervised)
    if (
        degraded is None
        and recipe.degradation is None
        and not from_noise
        and not isinstance(recipe.network, LatentNetwork)
    ):
        raise UsageError(
            "Training needs damage to learn from: degraded pictures, a degradation to draw (--with), or noisy pictures alone (--noisy). "
            "Clean pictures alone teach a variational auto-encoder: restorae vae train."
        )
    if degraded is not None:
        pairs, unmatched = match(degraded, clean)
        if unmatched:
            progress.warn(
                f"{len(unmatched)} picture(s) have no partner and are left out: {some(unmatched)}"
            )
    elif from_noise or isinstance(recipe.network, VAE):
        pairs = Pairs(clean, clean)
    else:
        _, ranged, values, told = in_their_ranges(clean, clean)
        pairs = Pairs(ranged, ranged, values, tuple(told))
    for sentence in pairs.told:
        progress.say(sentence)
    require_variety(pairs, "noisy" if from_noise else "clean")
    if degraded is not None:
        inspect_pairs(pairs, progress)

    kept_in, held_out = (
        _split(recipe, pairs.clean) if recipe.validation else _all_and_some(len(pairs))
    )
    size = pairs.clean.common_size
    if isinstance(recipe.network, VAE):
        recipe.network.fitted(pairs.clean.channels, size)  # says now what is wrong with the size
        largest_whole = max(size or (0,))
    else:
        largest_whole = LARGEST_WHOLE
    patch = recipe.patch or (None if size is not None and max(size) <= largest_whole else PATCH)
    small = sum(min(pairs.clean.size(index)) < patch for index in range(len(pairs))) if patch else 0
    if small:
        progress.say(
            f"{small} of {len(pairs)} picture(s) are smaller than a patch of {patch} px and are continued by their mirror image."
        )
    checked = pairs.clean.subset(held_out)
    test_set = TestSet(
        checked, degradation=recipe.degradation, seed=derive_seed(recipe.seed, _VALIDATION_SEED)
    )
    examples = Examples(
        pairs.clean.subset(kept_in),
        degradation=recipe.degradation,
        patch=patch,
        augment=recipe.augment,
        binarise=recipe.binarise,
        draws=recipe.draws,
        seed=recipe.seed,
    )
    if degraded is not None:
        test_set = replace(test_set, degraded=pairs.degraded.subset(held_out))
        examples = replace(examples, degraded=pairs.degraded.subset(kept_in))
    elif recipe.degradation is None:
        test_set = replace(test_set, degraded=checked)
    return Material(
        examples,
        test_set,
        source,
        held_out=recipe.validation > 0,
        from_noise=from_noise,
        values=pairs.values,
    )


def _all_and_some(count: int) -> tuple[list[int], list[int]]:
    return list(range(count)), list(range(max(0, count - MNIST_VALIDATION), count))


def _split(recipe: Recipe, clean: Pictures) -> tuple[list[int], list[int]]:
    count = len(clean)
    if (
        recipe.clean is not None
        and is_named(recipe.clean)
        and recipe.clean != "digits"
        and count > 2 * MNIST_VALIDATION
    ):
        # the last 5,000 training digits, as the field does; of "all" the last 5,000 of the training part too
        last = min(count, 60_000)
        return [*range(last - MNIST_VALIDATION), *range(last, count)], list(
            range(last - MNIST_VALIDATION, last)
        )
    return hold_out(content_hashes(clean), recipe.validation, MNIST_VALIDATION)
