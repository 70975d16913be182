"""What a film cleaner is trained and checked on: stacks made of clips and stills, some of which are held out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from restorae.data import (
    ClipExamples,
    Material,
    content_hash,
    hold_out_position,
    open_material,
)
from restorae.data.hold_out import fingerprint_of
from restorae.data.image_set import content_hashes
from restorae.degradations.old_film import OldFilm
from restorae.errors import BadSpec, Fix, ShapeMismatch, UsageError
from restorae.film.stack import PLANES, REACH
from restorae.model import Card
from restorae.networks import Network
from restorae.progress import Progress
from restorae.randomness import derive_seed
from restorae.training.film_examples import StackExamples, Stacks
from restorae.training.given import Given
from restorae.training.recipe import Recipe, ResolvedRecipe
from restorae.training.resolve import DataFacts, StartModel, resolve
from restorae.value_range import Values

_VALIDATION_SEED = 1
_CHECKED = 32
"""Stacks to validate on."""
_SEPARATOR = " | "
_FRAMES = 2 * REACH + 1


@dataclass(frozen=True, kw_only=True)
class FilmTrainingData:
    """What a resolved recipe of a film cleaner is trained on, and stacks of material that is not among it."""

    recipe: ResolvedRecipe
    examples: StackExamples
    checked: StackExamples
    """What is validated on: always its first batch."""
    material: Material
    """What is trained on."""
    held_out_material: Material
    source: str
    """What the material is called on the model's card."""
    start: Card | None = None
    """The card of the model that training starts from."""
    own_validation: Literal[False] = False
    restores: Literal[True] = True
    values: Values = "auto"

    @property
    def held_out(self) -> bool:
        """Whether what is validated on is kept from training."""
        return self.recipe.validation > 0

    @property
    def held_out_hashes(self) -> tuple[str, ...]:
        """Content hashes of stills, and of the first frames of clips, that are held out."""
        return _hashes(self.held_out_material) if self.held_out else ()

    @property
    def learned_hashes(self) -> tuple[str, ...]:
        """Likewise of those to learn from, where they are few."""
        return ()

    @property
    def validated_on(self) -> str:
        """What scores are measured on, for the model's card."""
        seen = "held-out" if self.held_out else "learned"
        return f"{_CHECKED} stacks of {seen} clips and stills of {self.source}"

    @property
    def in_words(self) -> str:
        """The material, for the model's card."""
        kept, held = self.material, self.held_out_material if self.held_out else "none"
        return f"{self.source} ({kept}; held out: {held})"

    @property
    def fingerprint(self) -> str:
        """Changes when the material does."""
        outline = (_hashes(self.material), list(map(len, self.material.clips)))
        return fingerprint_of(outline)

    @cached_property
    def test_stacks(self) -> Stacks:
        """The stacks to validate on, the same each time."""
        return self.checked.stacks(0, 0, len(self.checked))


def learns_films(recipe: Recipe, start: Network | None) -> bool:
    """Whether a recipe's network compares the frames of films."""
    network = recipe.network or start
    return network is not None and network.neighbours > 0


def load_film_data(
    recipe: Recipe, start: StartModel | None, given: Given, progress: Progress
) -> FilmTrainingData:
    """Open the clips and stills of a recipe, hold out a part, and resolve the recipe for them.

    Raises:
        UsageError: the recipe does not say what to learn from, or says what film cleaners do not learn from.
        BadSpec: the damage is not that of films, or whole frames are asked for.
        InputError: the material cannot be used.
        MissingExtra: PyAV or OpenCV is not installed.
    """
    if recipe.clean is None or given.clean is not None or given.validation is not None:
        raise UsageError(
            "A film cleaner learns from films, folders of numbered frames and still images, by path",
            fix=Fix("clean", "PATH"),
        )
    if not isinstance(recipe.degradation, OldFilm):
        raise BadSpec(
            "a film cleaner learns from clean films and drawn damage of the kind film",
            fix=Fix("degradation", "film(age=0.05..1)"),
        )
    if recipe.patch == 0:
        raise BadSpec("a film cleaner learns from patches", fix=Fix("patch", action="omit"))
    material = open_material(recipe.clean.split(_SEPARATOR))
    kept, held = _split(material, recipe.validation)
    progress.say(f"Learning from {kept}; held out: {held if recipe.validation else 'none'}.")
    resolved = resolve(recipe, _facts(kept, held, start))
    assert isinstance(resolved.degradation, OldFilm)
    clips = ClipExamples(
        kept,
        resolved.degradation,
        frames=_FRAMES,
        patch=resolved.patch,
        draws=resolved.draws,
        seed=resolved.seed,
    )
    checked = replace(
        clips,
        material=held,
        draws=_CHECKED,
        seed=derive_seed(resolved.seed, _VALIDATION_SEED),
    )
    return FilmTrainingData(
        recipe=resolved,
        examples=StackExamples(clips),
        checked=StackExamples(checked),
        material=kept,
        held_out_material=held,
        source=recipe.clean,
        start=start.card if start else None,
    )


def _facts(kept: Material, held: Material, start: StartModel | None) -> DataFacts:
    counts: Counter[tuple[int, int]] = Counter()
    for clip in kept.clips:
        counts[clip.size] += len(clip)
    for images in kept.stills:
        counts.update(images.size(index) for index in range(len(images)))
    return DataFacts(
        kind="film",
        channels=PLANES,
        common_size=None,
        sizes=tuple((height, width, count) for (height, width), count in sorted(counts.items())),
        held_out=_parts(held),
        start=start,
    )


def _split(material: Material, share: float) -> tuple[Material, Material]:
    """What to train on, and what is held out: at least one clip or still on each side."""
    if not share:
        return material, material
    kept, held = material.split(share)
    if _parts(kept) and _parts(held):
        return kept, held
    positions = sorted(map(hold_out_position, _hashes(material)))
    if len(positions) < 2:
        raise ShapeMismatch(
            "Training needs at least two different clips or still images, one to learn from and one to check on; there is one. "
            "Name parts of a film, as film.mp4#0-99 | film.mp4#100-129",
            fix=Fix("validation", 0),
        )
    # the one that lies nearest to the share goes to the side that is empty
    return material.split(positions[-1] if _parts(held) else positions[1])


def _parts(material: Material) -> int:
    """Clips and stills."""
    return len(material.clips) + sum(map(len, material.stills))


def _hashes(material: Material) -> tuple[str, ...]:
    of_clips = [content_hash(clip.read(0, 1).numpy()) for clip in material.clips]
    of_stills = [each for images in material.stills for each in content_hashes(images)]
    return tuple(sorted({*of_clips, *of_stills}))
