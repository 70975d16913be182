"""Opening the images to learn from and to validate on, from a recipe or from memory."""

from __future__ import annotations

from pathlib import Path

from restorae.data import (
    ArrayImages,
    ImageSet,
    Pairs,
    in_their_ranges,
    match,
    open_images,
    open_noisy,
)
from restorae.data.pairs import first_names, require_equal_counts
from restorae.display import counted
from restorae.errors import Fix, ShapeMismatch, UsageError
from restorae.networks import VAE
from restorae.progress import Progress
from restorae.training.given import Given
from restorae.training.recipe import Recipe


def open_training_images(
    recipe: Recipe,
    data_dir: Path | None,
    clean: ImageSet | None,
    degraded: ImageSet | None,
    progress: Progress,
) -> tuple[Pairs, bool]:
    """The images to learn from, and whether they are pairs; without degraded ones both sides are the same.

    Args:
        recipe: what to learn from.
        data_dir: where named data sets are looked for first.
        clean: images in memory, instead of the recipe's.
        degraded: likewise, instead of its degraded ones.
        progress: hears what is left out.

    Raises:
        UsageError: the recipe does not say what to learn from.
        InputError: its data cannot be used.
    """
    if clean is None and recipe.noisy is not None:
        clean = open_noisy(recipe.noisy, recipe.split, data_dir, progress=progress)
    if clean is None:
        if recipe.clean is None:
            raise UsageError(
                "Training needs clean images: a data set's name or a path", fix=Fix("clean", "DATA")
            )
        clean = open_images(recipe.clean, recipe.split, data_dir, progress)
    if degraded is None and recipe.degraded is not None:
        degraded = open_images(recipe.degraded, recipe.split, data_dir, progress)
    if degraded is not None:
        require_equal_counts(degraded, clean)
        pairs, unmatched = match(degraded, clean)
        if unmatched:
            progress.warn(
                f"{counted(len(unmatched), 'image')} without a partner left out: {first_names(unmatched)}"
            )
        return pairs, True
    return _alone(recipe, clean), False


def _alone(recipe: Recipe, clean: ImageSet) -> Pairs:
    """Images without partners: both sides are the same."""
    if isinstance(recipe.network, VAE):
        if isinstance(clean, ArrayImages):
            clean.require_working_scale()
        return Pairs(clean, clean, notices=tuple(clean.notices))
    _, ranged, values, notices = in_their_ranges(clean, clean)
    return Pairs(ranged, ranged, values=values, notices=(*clean.notices, *notices))


def open_validation_images(recipe: Recipe, given: Given, pairs: Pairs) -> Pairs | None:
    """The images that were given to validate on; None where there are none.

    Raises:
        UsageError: they are pairs and the images to learn from are not, or the reverse.
        ShapeMismatch: they do not suit the images to learn from.
    """
    if given.validation is None:
        return None
    paired = given.degraded is not None or recipe.degraded is not None
    if paired != (given.validation_degraded is not None):
        raise UsageError(
            "the validation data of pairs are two sets, (degraded, clean)"
            if paired
            else "the validation data are two sets, but the images to learn from are one",
            subject="validation_data",
        )
    if given.validation_degraded is not None:
        require_equal_counts(given.validation_degraded, given.validation)
        checked = match(given.validation_degraded, given.validation)[0]
    else:
        checked = _alone(recipe, given.validation)
    if checked.clean.channels != pairs.clean.channels:
        raise ShapeMismatch(
            f"has {counted(checked.clean.channels, 'channel')}, the images to learn from have {pairs.clean.channels}",
            subject="validation_data",
        )
    return checked
