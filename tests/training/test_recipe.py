"""Recipes: read, refused, printed, read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from restorae.degradations import GaussianNoise
from restorae.errors import BadSpec, DataUnavailable, InputError, SettingsConflict, UnknownKind
from restorae.training import Recipe, read_toml, require_data


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
    recipe = Recipe(
        clean="digits", degradation=GaussianNoise(sigma=0.2), network="conv(features=8)"
    )
    assert Recipe(**recipe.model_dump(mode="json")) == recipe


def test_parts_may_be_tables(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(
        'clean = "digits"\n[degradation]\nkind = "gaussian-noise"\nsigma = 0.2\n'
    )
    assert Recipe.from_toml(tmp_path / "recipe.toml").degradation == GaussianNoise(sigma=0.2)


def test_what_is_said_is_kept_though_it_is_what_would_be_chosen(tmp_path: Path) -> None:
    # said settings that equal a default are another recipe than none: on patches the defaults are others
    said = Recipe(clean="digits", degradation="blur", loss="mse", batch_size=128)
    assert said != Recipe(clean="digits", degradation="blur")
    (tmp_path / "recipe.toml").write_text(said.to_toml())
    assert Recipe.from_toml(tmp_path / "recipe.toml") == said
    assert Recipe(**said.model_dump(mode="json")) == said


RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_every_recipe_that_we_ship_reads(recipe: Path) -> None:
    assert Recipe.from_toml(recipe).clean


@pytest.mark.parametrize(
    ("text", "error", "hint"),
    [
        ('network = "unett"', UnknownKind, "Did you mean 'unet'"),
        ("epocs = 3", BadSpec, "Did you mean 'epochs'"),
        (
            'clean = "digits"\n\nepocs = 3',
            BadSpec,
            "recipe.toml, line 3: A recipe has no key 'epocs'. Did you mean 'epochs'",
        ),
        (
            'clean = "digits"\nepochs = "many"',
            BadSpec,
            "recipe.toml, line 2: epochs='many' cannot be used",
        ),
        (
            'clean = "a"\ndegradation = "blur | gaussian-noise(sigm=0.1)"',
            BadSpec,
            "line 2: gaussian-noise has no setting 'sigm'. Did you mean",
        ),
        (
            '[degradation]\nkind = "gaussian-noise"\nsigm = 0.1',
            BadSpec,
            "recipe.toml, line 3: gaussian-noise has no setting 'sigm'",
        ),
        (
            'seed = 1\nnetwork = "unett"',
            UnknownKind,
            "recipe.toml, line 2: There is no network 'unett'",
        ),
        (
            "augment = 'ja'",
            BadSpec,
            "line 1: augment='ja' cannot be used: expected true or false",
        ),
        ("epochs = 3\nsteps = 5", SettingsConflict, "give only one of"),
        ("epochs = 3\nminutes = 5", SettingsConflict, "recipe.toml: give only one"),
        ('batch_size = "many"', BadSpec, "batch_size='many'"),
        ('degraded = "a"\ndegradation = "blur"', SettingsConflict, "cannot be combined"),
        ("epochs = = 3", InputError, "line 1"),
        ("network = 3", BadSpec, "is not a network"),
        ("seed = -1", BadSpec, "seed=-1"),
        ("learning_rate = 0", BadSpec, "learning_rate=0"),
        ('network = "conv-vea"', UnknownKind, "Did you mean 'conv-vae'"),
        ('network = "conv-vae(latent_dim=0)"', BadSpec, "latent_dim=0"),
        ('network = "conv-vae(likelihood=poisson)"', BadSpec, "likelihood='poisson'"),
        ('network = "latent-unet(sigma=0)"', BadSpec, "sigma=0"),
        (
            'loss = "negative-elbo"',
            BadSpec,
            "needs a network with a latent, such as conv-vae; unet has none",
        ),
        ('network = "conv"\nloss = "negative-elbo"', BadSpec, "conv has none"),
        ('network = "conv-vae"\nloss = "negative-elbo(beta=-1)"', BadSpec, "beta=-1"),
        (
            'network = "conv-vae"\nloss = "negative-elbo(beta=2,importance_samples=5)"',
            BadSpec,
            "leave beta at 1, kl_warmup and free_bits at 0",
        ),
        (
            'network = "conv-vae"\nloss = "negative-elbo(kl_warmup=9,importance_samples=5)"',
            BadSpec,
            "has no separate KL term",
        ),
        (
            'network = "conv-vae"\nloss = "negative-elbo(free_bits=0.1,importance_samples=5)"',
            BadSpec,
            "has no separate KL term",
        ),
        (
            'network = "conv-vae"\nloss = "negative-elbo(importance_samples=0)"',
            BadSpec,
            "importance_samples=0",
        ),
        (
            'network = "conv-vae"\nbinarise = true\ndegraded = "a"',
            SettingsConflict,
            "would no longer belong",
        ),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, error: type[Exception], hint: str) -> None:
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(error, match=hint.replace("(", r"\(")):
        Recipe.from_toml(tmp_path / "recipe.toml")


def test_a_path_that_is_gone_is_named_with_its_line_and_what_lies_near(tmp_path: Path) -> None:
    (tmp_path / "scans-1912").mkdir()
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'name = "x"\nclean = "{tmp_path}/scans-1921"\n')
    with pytest.raises(
        DataUnavailable,
        match=r"recipe.toml, line 2: clean = '.*scans-1921' is no file .*Did you mean '.*scans-1912'",
    ):
        require_data(recipe, read_toml(recipe))
    require_data(recipe, {"clean": "digits"})
    recipe.write_text('degraded = "scans-1912"\n')
    with pytest.raises(
        DataUnavailable,
        match=r"line 1: degraded = .*it is beside the recipe\. Use degraded=",
    ):
        require_data(recipe, read_toml(recipe))
