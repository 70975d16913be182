"""Where a training starts that names no model: pairs of photographs and pages go on from a bundled one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from restorae.training.starting import suitable_start

from restorae.data import ArrayPictures
from restorae.degradations import Degradation
from restorae.model import bundled
from restorae.randomness import generator
from restorae.restoring import PAGES, PHOTOS
from restorae.training import SUITABLE, Recipe, train
from restorae.training.data import load_training_data
from tests.training.test_loop import Hearing

STEPS = {"steps": 2, "patch": 32, "batch_size": 2}


def pairs(colour: bool = True, count: int = 4) -> tuple[ArrayPictures, ArrayPictures]:
    """(degraded, clean): pieces of a photograph or of a page."""
    photo, page = skimage.data.astronaut(), skimage.data.page()
    pieces = [
        photo[top * 100 : top * 100 + 160, 100:260] if colour else np.roll(page, 60 * top, axis=1)
        for top in range(count)
    ]
    clean = ArrayPictures(np.stack(pieces))
    harmed = (
        Degradation.of("gaussian-noise(sigma=0.03)")
        .draw(generator(0), count)
        .apply(clean.batch(range(count)))
        .clamp(0, 1)
    )
    degraded = (harmed.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)
    return ArrayPictures(degraded if colour else degraded[..., 0]), clean


def start_of(
    recipe: Recipe, degraded: ArrayPictures | None, clean: ArrayPictures
) -> tuple[str | None, list[str]]:
    heard = Hearing()
    return suitable_start(
        recipe, load_training_data(recipe, clean=clean, degraded=degraded), heard
    ), heard.said


@pytest.mark.parametrize("colour", [True, False], ids=["photographs", "pages"])
def test_pairs_start_from_what_suits_them_and_it_is_said(colour: bool) -> None:
    name, said = start_of(Recipe(**STEPS), *pairs(colour))
    assert name == (PAGES if not colour and PAGES in bundled() else PHOTOS)
    assert len(said) == 1
    assert f"Starting from {name}" in said[0]
    assert "--from nothing" in said[0]


@pytest.mark.parametrize("colour", [True, False], ids=["colour", "grey"])
def test_noisy_pictures_alone_start_from_what_knows_noise(colour: bool) -> None:
    noisy, _ = pairs(colour)
    heard = Hearing()
    recipe = Recipe(**STEPS, noisy="these")
    name = suitable_start(recipe, load_training_data(recipe, clean=noisy), heard)
    assert name == PHOTOS
    assert (
        "the noise of these pictures sooner than from nothing (--from nothing does that)"
        in heard.said[-1]
    )
    model = train(recipe, clean=noisy, start_from=SUITABLE)
    assert model.card.started_from.startswith(PHOTOS)
    hidden = Recipe(**STEPS, noisy="these", loss="blind-spot")
    assert suitable_start(hidden, load_training_data(hidden, clean=noisy), heard) is None, (
        "what hides pixels must unlearn to look at them"
    )


def test_who_names_a_network_has_chosen() -> None:
    assert start_of(Recipe(**STEPS, network="conv"), *pairs()) == (None, [])


def test_drawn_damage_starts_from_nothing() -> None:
    assert start_of(Recipe(**STEPS, degradation="gaussian-noise"), None, pairs()[1]) == (None, [])


def test_small_pictures_start_from_nothing() -> None:
    clean, noise = np.random.default_rng(0).random((2, 9, 28, 28), np.float32)
    assert start_of(Recipe(steps=2), ArrayPictures(clean + 0.1 * noise), ArrayPictures(clean)) == (
        None,
        [],
    )


def test_without_the_bundled_models_it_starts_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restorae.training.starting.bundled", dict)
    assert start_of(Recipe(**STEPS), *pairs()) == (None, [])


def test_training_goes_on_from_it_and_the_card_says_so(tmp_path: Path) -> None:
    degraded, clean = pairs()
    model = train(
        Recipe(**STEPS, learning_rate=1e-9),
        tmp_path / "mine",
        degraded=degraded,
        clean=clean,
        start_from=SUITABLE,
    )
    assert model.card.started_from.startswith(PHOTOS)
    assert model.network.takes == (1, 3)
    anew = train(Recipe(**STEPS), degraded=degraded, clean=clean)
    assert anew.card.started_from == ""


def test_what_suits_patches_is_taken_where_nothing_is_said() -> None:
    bare = Recipe().for_patches()
    assert (
        bare.batch_size,
        bare.learning_rate,
        bare.ema,
        bare.steps,
        bare.network.kind,
        bare.loss.kind,
    ) == (
        8,
        1e-3,
        0.995,
        2000,
        "unet",
        "l1",
    )
    assert bare.network != Recipe().network
    said = {
        "batch_size": 4,
        "learning_rate": 2e-3,
        "ema": 0.0,
        "minutes": 3,
        "network": "conv",
        "loss": "mse",
    }
    assert Recipe(**said).for_patches() == Recipe(**said)
    assert Recipe(noisy="photos").for_patches().loss.kind == "neighbours"
    assert Recipe(network="latent-unet").for_patches().loss.kind == "negative-elbo"
