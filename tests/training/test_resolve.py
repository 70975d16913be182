"""Resolved recipes: complete, pure, printable, and equal exactly where the weights are."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from restorae.data import Correlation
from restorae.data.in_memory import read_images
from restorae.errors import SettingsConflict
from restorae.losses import L1, MSE, BlindSpot, NegativeELBO, Neighbours
from restorae.model import Model
from restorae.networks import UNet
from restorae.training import (
    DataFacts,
    Recipe,
    ResolvedRecipe,
    TrainingCallback,
    TrainingSetup,
    prepare,
    resolve,
    run,
    train,
)
from restorae.training.given import Given
from restorae.training.resolve import PATCH_NETWORK
from restorae.training.validation import ValidationResult

SMALL = DataFacts(
    kind="drawn", channels=1, common_size=(28, 28), sizes=((28, 28, 1000),), held_out=100
)
LARGE = DataFacts(
    kind="pairs", channels=3, common_size=None, sizes=((320, 480, 10), (96, 96, 2)), held_out=2
)
IMAGES = np.kron(np.random.default_rng(0).integers(0, 2, (40, 4, 4)), np.ones((3, 3))).astype(
    np.float32
)
TINY = {
    "degradation": "gaussian-noise(sigma=0.2)",
    "network": "unet(widths=[4,4],residual=true)",
    "batch_size": 8,
    "steps": 12,
    "warmup": 1,
    "learning_rate": 5e-3,
}


def test_small_images_and_patches_have_their_own_defaults() -> None:
    small, large = resolve(Recipe(degradation="blur"), SMALL), resolve(Recipe(), LARGE)
    assert (small.patch, small.batch_size, small.learning_rate, small.ema) == (0, 128, 2e-3, 0)
    assert (small.loss, small.keep, small.clip_gradients) == (MSE(), "last", 0.1)
    assert (small.draws, small.steps, small.warmup) == (1000, 3 * (1000 // 128), 2)
    assert small.network == UNet().fitted(1, (28, 28))
    assert (large.patch, large.batch_size, large.learning_rate, large.ema) == (96, 8, 1e-3, 0.995)
    assert (large.loss, large.keep, large.steps, large.warmup) == (L1(), "best", 2000, 100)
    assert large.draws == 10 * round(320 * 480 / 96**2) + 2
    assert large.network == PATCH_NETWORK.fitted(3, (96, 96)).for_patches()


def test_explicit_settings_win() -> None:
    said = {"patch": 64, "batch_size": 4, "learning_rate": 0.01, "ema": 0.0, "loss": "mse"}
    found = resolve(Recipe(**said, epochs=2, keep="last", clip_gradients=0), LARGE)
    assert {name: getattr(found, name) for name in said} == {**said, "loss": MSE()}
    assert (found.keep, found.clip_gradients) == ("last", 0)
    assert found.steps == 2 * (found.draws // 4)
    assert resolve(Recipe(minutes=3), LARGE).steps is None


@pytest.mark.parametrize(
    ("noise", "loss"),
    [
        (Correlation(0.0, 0.1), Neighbours()),
        (Correlation(0.5, 0.1), BlindSpot(along="rows")),
        (Correlation(0.5, 0.6), BlindSpot(along="columns")),
    ],
)
def test_noisy_images_are_learned_by_what_their_noise_allows(noise, loss) -> None:
    facts = DataFacts(
        kind="noisy",
        channels=1,
        common_size=(200, 200),
        sizes=((200, 200, 5),),
        held_out=1,
        noise=noise,
    )
    assert resolve(Recipe(noisy="folder"), facts).loss == loss
    assert resolve(Recipe(noisy="folder", loss="neighbours"), facts).loss == Neighbours()


def test_a_network_with_a_latent_is_trained_on_the_bound_unless_said() -> None:
    facts = DataFacts(
        kind="clean", channels=1, common_size=(28, 28), sizes=((28, 28, 50),), held_out=5
    )
    assert resolve(Recipe(network="conv-vae"), facts).loss == NegativeELBO()
    assert resolve(Recipe(network="conv-vae"), facts).clip_gradients == 0
    assert resolve(Recipe(network="conv-vae", loss="mse"), facts).loss == MSE()


@pytest.mark.parametrize("facts", [SMALL, LARGE], ids=["small", "large"])
def test_resolving_is_idempotent_and_survives_toml_and_json(
    tmp_path: Path, facts: DataFacts
) -> None:
    damage = "fading(strength=0.0..0.7) | gaussian-noise" if facts is SMALL else None
    recipe = Recipe(name="äh", degradation=damage, patience=3, augment=True, seed=5)
    found = resolve(recipe, facts)
    (tmp_path / "recipe.toml").write_text(found.to_toml(), encoding="utf-8")
    assert resolve(Recipe.from_toml(tmp_path / "recipe.toml"), facts) == found
    assert resolve(found.to_recipe(), facts) == found
    assert ResolvedRecipe(**found.model_dump(mode="json")) == found
    said = {line.partition(" = ")[0] for line in found.to_toml().splitlines()}
    empty = {name for name in ResolvedRecipe.model_fields if getattr(found, name) is None}
    assert said == set(ResolvedRecipe.model_fields) - empty, "nothing is left unsaid"


@cache
def weights_of_tiny() -> tuple[ResolvedRecipe, dict[str, Tensor]]:
    return weights_of()


def weights_of(**settings: object) -> tuple[ResolvedRecipe, dict[str, Tensor]]:
    setup = prepare(
        Recipe(**{**TINY, **settings}), given=Given(clean=read_images(IMAGES, "clean").images)
    )
    return setup.recipe, run(setup).module.state_dict()


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "mse", "patch": 0, "start_from": "nothing"},
        {"name": "other", "about": "another sentence"},
        {"loss": "l1"},
        {"batch_size": 9},
        {"seed": 1},
        {"augment": True},
        {"optimiser": "adamw"},
        {"schedule": "constant"},
        {"warmup": 0},
        {"weight_decay": 0.5},
        {"clip_gradients": 0.001},
        {"ema": 0.9},
        {"validation": 0.3},
        {"draws": 20},
        {"steps": 11},
        {"learning_rate": 4e-3},
        {"degradation": "gaussian-noise(sigma=0.21)"},
    ],
    ids=str,
)
def test_resolved_recipes_are_equal_exactly_where_the_weights_are(settings) -> None:
    (one, ours), (other, theirs) = weights_of_tiny(), weights_of(**settings)
    same = all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert same is (one.differences == other.differences)
    assert same is (
        settings.keys() <= {"loss", "patch", "start_from", "name", "about", "warmup"}
        and settings.get("loss") != "l1"
    )


def test_a_setup_can_be_trained_twice() -> None:
    setup = prepare(Recipe(**TINY), given=Given(clean=read_images(IMAGES, "clean").images))
    one, other = run(setup).module.state_dict(), run(setup).module.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


class Observer(TrainingCallback):
    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_start(self, setup: TrainingSetup) -> None:
        self.seen.append(f"start {setup.recipe.steps}")

    def on_validation(self, step: int, model: Model, result: ValidationResult) -> None:
        self.seen.append(f"{step} {result.figures['mse']:.6f}")

    def on_end(self, model: Model) -> None:
        self.seen.append(f"end {model.card.steps}")


def test_observers_see_every_validation_and_change_nothing() -> None:
    observer = Observer()
    model = train(Recipe(**TINY), clean=IMAGES, callbacks=[observer])
    validations = [f"{each['step']:.0f} {each['mse']:.6f}" for each in model.card.history]
    assert len(validations) > 1
    assert observer.seen == ["start 12", *validations, "end 12"]
    alone = train(Recipe(**TINY), clean=IMAGES).module.state_dict()
    assert all(torch.equal(alone[name], each) for name, each in model.module.state_dict().items())


def test_keeping_the_best_needs_held_out_images() -> None:
    with pytest.raises(SettingsConflict) as refused:
        Recipe(keep="best", validation=0)
    assert [fix.setting for fix in refused.value.message.fixes] == ["keep", "validation"]
