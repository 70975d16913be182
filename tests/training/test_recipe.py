"""Recipes: read, refused, printed, read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from restorae.degradations import GaussianNoise
from restorae.errors import BadSpec, InputError, UnknownKind
from restorae.training import Recipe


def test_a_recipe_survives_toml(tmp_path: Path) -> None:
    recipe = Recipe(
        clean="mnist",
        degradation="gaussian-noise(sigma=0.1..0.3) | blur",
        network="unet(patch=1)",
        loss="l1",
        epochs=2.5,
        seed=7,
        augment=True,
    )
    (tmp_path / "recipe.toml").write_text(recipe.to_toml())
    assert Recipe.from_toml(tmp_path / "recipe.toml") == recipe


def test_a_recipe_survives_json() -> None:
    recipe = Recipe(clean="digits", degradation=GaussianNoise(sigma=0.2), network="conv(features=8)")
    assert Recipe(**recipe.model_dump(mode="json")) == recipe


def test_parts_may_be_tables(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text('clean = "digits"\n[degradation]\nkind = "gaussian-noise"\nsigma = 0.2\n')
    assert Recipe.from_toml(tmp_path / "recipe.toml").degradation == GaussianNoise(sigma=0.2)


@pytest.mark.parametrize("recipe", sorted(Path("recipes").glob("*.toml")), ids=str)
def test_every_recipe_that_we_ship_reads(recipe: Path) -> None:
    assert Recipe.from_toml(recipe).clean


@pytest.mark.parametrize(
    ("text", "error", "hint"),
    [
        ('network = "unett"', UnknownKind, "Did you mean 'unet'"),
        ("epocs = 3", BadSpec, "Did you mean 'epochs'"),
        ("epochs = 3\nsteps = 5", BadSpec, "only one of epochs, steps and minutes"),
        ('batch_size = "many"', BadSpec, "batch_size='many'"),
        ('degraded = "a"\ndegradation = "blur"', BadSpec, "not both"),
        ("epochs = = 3", InputError, "line 1"),
        ("network = 3", BadSpec, "is no network"),
        ("seed = -1", BadSpec, "seed=-1"),
        ("learning_rate = 0", BadSpec, "learning_rate=0"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, error: type[Exception], hint: str) -> None:
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(error, match=hint.replace("(", r"\(")):
        Recipe.from_toml(tmp_path / "recipe.toml")
