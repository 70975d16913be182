"""Recipes: read, refused, printed, read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from restorae.degradations import GaussianNoise
from restorae.errors import BadSpec, DataUnavailable, InputError, UnknownKind
from restorae.losses import MSE, NegativeELBO
from restorae.networks import ConvVAE
from restorae.training import Recipe, read_toml
from restorae.training.recipe import require_data


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


@pytest.mark.parametrize(
    "network", ["conv-vae(latent_dim=3)", "residual-vae", "latent-unet(sigma=0.1)"]
)
def test_a_network_with_a_latent_is_trained_on_the_bound_unless_said(
    tmp_path: Path, network: str
) -> None:
    recipe = Recipe(clean="mnist", network=network, binarise=True)
    assert recipe.loss == NegativeELBO()
    for written in (
        recipe,
        Recipe(network=network, loss="negative-elbo(beta=4)"),
        Recipe(network=network, loss="l1"),
    ):
        (tmp_path / "recipe.toml").write_text(written.to_toml())
        assert Recipe.from_toml(tmp_path / "recipe.toml") == written
        assert Recipe(**written.model_dump(mode="json")) == written


def test_mse_on_a_network_with_a_latent_survives_toml(tmp_path: Path) -> None:
    recipe = Recipe(network="conv-vae", loss="mse")
    (tmp_path / "recipe.toml").write_text(recipe.to_toml())
    assert Recipe.from_toml(tmp_path / "recipe.toml").loss == MSE()


def test_pixels_may_be_compared_on_a_network_with_a_latent() -> None:
    assert Recipe(network="conv-vae(latent_dim=3)", loss="mse").loss == MSE()
    assert Recipe(network=ConvVAE(latent_dim=3)).loss == NegativeELBO()
    assert Recipe(network="unet").loss == MSE()
    assert Recipe().loss == MSE()


def test_how_far_gradients_reach_follows_from_the_loss() -> None:
    assert Recipe(network="conv").gradient_limit == 0.1
    assert Recipe(network="conv-vae").gradient_limit == 0, (
        "a sum of nats over pixels has long gradients, and needs no limit"
    )
    assert Recipe(network="conv-vae", loss="mse").gradient_limit == 0.1
    assert Recipe(network="conv-vae", clip_gradients=200).gradient_limit == 200
    assert Recipe(network="conv", clip_gradients=0).gradient_limit == 0


@pytest.mark.parametrize("recipe", sorted(Path("recipes").glob("*.toml")), ids=str)
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
            "line 1: augment='ja' cannot be used: Input should be a valid boolean",
        ),
        ("epochs = 3\nsteps = 5", BadSpec, "only one of epochs, steps and minutes"),
        ("epochs = 3\nminutes = 5", BadSpec, "recipe.toml: Give only one"),
        ('batch_size = "many"', BadSpec, "batch_size='many'"),
        ('degraded = "a"\ndegradation = "blur"', BadSpec, "not both"),
        ("epochs = = 3", InputError, "line 1"),
        ("network = 3", BadSpec, "is no network"),
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
            "beta stays 1, kl_warmup and free_bits 0",
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
            BadSpec,
            "Pairs cannot be binarised",
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
        match=r"line 1: degraded = .*it is beside the recipe\. Run the command in .*, or give --degraded",
    ):
        require_data(recipe, read_toml(recipe))
