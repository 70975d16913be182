"""From a recipe to what training is shown and what it is checked on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from restorae.data import (
    Correlation,
    Examples,
    GreyImages,
    Pairs,
    noise_correlation,
)
from restorae.data.hold_out import fingerprint_of
from restorae.display import counted
from restorae.errors import Message, UsageError
from restorae.evaluating import TestSet
from restorae.model import Card
from restorae.networks import VAE, AutoEncoder, LatentNetwork
from restorae.progress import SILENT, Progress
from restorae.randomness import derive_seed
from restorae.training.given import FROM_MEMORY, NOTHING_GIVEN, Given
from restorae.training.inspection import inspect_pairs, require_variety
from restorae.training.opening import open_training_images, open_validation_images
from restorae.training.recipe import Recipe, ResolvedRecipe
from restorae.training.resolve import DataFacts, Kind, StartModel, noise_warning, resolve
from restorae.training.splitting import Split, split_images
from restorae.training.start import choose_start
from restorae.value_range import Values

_VALIDATION_SEED = 1


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """What a resolved recipe is trained on: examples, and a test set of images that are not among them."""

    recipe: ResolvedRecipe
    examples: Examples
    test_set: TestSet
    kind: Kind
    """What is learned from."""
    source: str
    """What the images are called on the model's card."""
    held_out_hashes: tuple[str, ...] = ()
    """Content hashes of the images that this model and those it started from were not trained on; none of MNIST's sets."""
    learned_hashes: tuple[str, ...] = ()
    """Content hashes of the images that this model and those it started from were trained on, where they are few."""
    grey_test_set: TestSet | None = None
    """The test set in grey, for a network that takes grey and colour."""
    values: Values = "auto"
    """How stored values were mapped to [0, 1], and are to be mapped where the model restores."""
    start: Card | None = None
    """The card of the model that training starts from."""
    own_validation: bool = False
    """Whether the test set was given, and nothing is held out."""

    @property
    def held_out(self) -> bool:
        """Whether the test set's images are kept from training."""
        return self.own_validation or self.recipe.validation > 0

    @property
    def validated_on(self) -> str:
        """What scores are measured on, for the model's card."""
        seen = "held-out images" if self.held_out else "images that it was trained on"
        return f"{len(self.test_set):,} {seen} of {self.source}"

    @property
    def in_words(self) -> str:
        """The images, for the model's card."""
        held_out = len(self.test_set) if self.held_out else 0
        return f"{self.source} ({len(self.examples.clean):,} images, {held_out:,} held out)"

    @property
    def from_noise(self) -> bool:
        """Whether it is learned from noisy images alone: the test set has no clean ones."""
        return self.kind == "noisy"

    @property
    def explains(self) -> bool:
        """Whether a variational auto-encoder learns images for their own sake."""
        return self.kind == "clean"

    @property
    def restores(self) -> bool:
        """Whether damage is learned."""
        return self.kind not in ("clean", "autoencode")

    @property
    def fingerprint(self) -> str:
        """Changes when the training images do: their number, names, sizes and content."""
        sides = [self.examples.clean] + (
            [] if self.examples.degraded is None else [self.examples.degraded]
        )
        outline = [
            (side.names[index], side.size(index), side.fingerprint(index))
            for side in sides
            for index in range(len(side))
        ]
        return fingerprint_of(outline)


def load_training_data(
    recipe: Recipe,
    data_dir: Path | None = None,
    given: Given = NOTHING_GIVEN,
    progress: Progress = SILENT,
) -> TrainingData:
    """Open a recipe's data, or take the given images instead, hold out a part, and resolve the recipe for them.

    Args:
        recipe: what to learn from, and how.
        data_dir: where named data sets are looked for first.
        given: images and a model in memory.
        progress: hears what was found and chosen.

    Raises:
        UsageError: the recipe does not say what to learn from, or its settings do not suit the data.
        InputError: its data cannot be used.
    """
    pairs, paired = open_training_images(recipe, data_dir, given.clean, given.degraded, progress)
    noise = noise_correlation(pairs.clean) if recipe.noisy is not None else None
    start = choose_start(recipe, pairs, noise, paired, given.start)
    card = start.card if start else None
    network = recipe.network or (start.network if start else None)
    kind = _kind(recipe, paired, isinstance(network, LatentNetwork))
    for notice in pairs.notices:
        progress.say(notice)
    require_variety(pairs, "noisy" if kind == "noisy" else "clean")
    if kind == "pairs":
        inspect_pairs(pairs, progress)
    size = pairs.clean.common_size
    if isinstance(network, VAE | AutoEncoder):
        network.fitted(pairs.clean.channels, size)  # says now what is wrong with the size
    checked = open_validation_images(recipe, given, pairs)
    split = split_images(recipe, pairs.clean, card, None if checked is None else checked.clean)
    if split.repeated:
        progress.warn(
            f"{split.repeated} of the validation images are among those to learn from: scores on them are too good."
        )
    facts = _facts(recipe, kind, pairs, split, noise, start)
    resolved = resolve(recipe, facts)
    warning = noise_warning(resolved, facts)
    if warning:
        progress.warn(warning)
    if start and recipe.start_from is None and given.start is None:
        learned = "the noise of these images" if kind == "noisy" else "these pairs"
        progress.say(
            Message(
                f"Starting from {start.name}, which learns {learned} sooner than a new network; {{}} chooses another model "
                "(nothing: a new network)",
                settings=("start_from",),
            )
        )
    return _training_data(
        resolved,
        pairs,
        split,
        kind,
        recipe.noisy or recipe.clean or FROM_MEMORY,
        card,
        progress,
        checked,
    )


def _kind(recipe: Recipe, paired: bool, has_latent: bool) -> Kind:
    if recipe.noisy is not None:
        return "noisy"
    if paired:
        return "pairs"
    if recipe.degradation is not None:
        return "drawn"
    if has_latent:
        return "clean"
    if recipe.autoencode:
        return "autoencode"
    raise UsageError(
        "Training needs damage to learn from: {} (images), {} (drawn anew for each example), or {} images alone. Clean images "
        "alone teach an auto-encoder: with {}, or with a variational network such as conv-vae",
        settings=("degraded", "degradation", "noisy", "autoencode"),
    )


def _facts(
    recipe: Recipe,
    kind: Kind,
    pairs: Pairs,
    split: Split,
    noise: Correlation | None,
    start: StartModel | None,
) -> DataFacts:
    clean = pairs.clean
    size = clean.common_size
    counted = (
        {size: len(split.kept_in)}
        if size is not None
        else Counter(clean.size(index) for index in split.kept_in)
    )
    return DataFacts(
        kind=kind,
        channels=clean.channels,
        common_size=size,
        sizes=tuple((height, width, count) for (height, width), count in sorted(counted.items())),
        held_out=split.unseen,
        noise=noise,
        start=start,
    )


def _training_data(
    recipe: ResolvedRecipe,
    pairs: Pairs,
    split: Split,
    kind: Kind,
    source: str,
    card: Card | None,
    progress: Progress,
    own: Pairs | None,
) -> TrainingData:
    clean, patch = pairs.clean, recipe.patch
    small = sum(min(clean.size(index)) < patch for index in range(len(pairs))) if patch else 0
    if small:
        progress.say(
            f"Smaller than a patch of {patch} px, so extended by reflection: {small:,} of {counted(len(pairs), 'image')}."
        )
    checked = own.clean if own else clean.subset(split.held_out)
    test_set = TestSet(
        checked, degradation=recipe.degradation, seed=derive_seed(recipe.seed, _VALIDATION_SEED)
    )
    examples = Examples(
        clean.subset(split.kept_in),
        degradation=recipe.degradation,
        patch=patch or None,
        augment=recipe.augment,
        binarise=recipe.binarise,
        draws=recipe.draws,
        seed=recipe.seed,
    )
    if kind == "pairs":
        test_set = replace(
            test_set, degraded=own.degraded if own else pairs.degraded.subset(split.held_out)
        )
        examples = replace(examples, degraded=pairs.degraded.subset(split.kept_in))
    elif kind != "drawn":
        test_set = replace(test_set, degraded=checked)
    data = TrainingData(
        recipe=recipe,
        examples=examples,
        test_set=test_set,
        kind=kind,
        source=source,
        held_out_hashes=split.held_out_hashes,
        learned_hashes=split.learned_hashes,
        values=pairs.values,
        start=card,
        own_validation=own is not None,
    )
    takes = recipe.network.takes
    return _with_grey(data) if len(takes) > 1 and clean.channels == max(takes) else data


def _with_grey(data: TrainingData) -> TrainingData:
    """The same data, colour images shown in grey every other time."""
    test_set = data.test_set
    degraded = None if test_set.degraded is None else GreyImages(test_set.degraded)
    grey = replace(test_set, clean=GreyImages(test_set.clean), degraded=degraded)
    return replace(data, examples=replace(data.examples, grey_too=True), grey_test_set=grey)
