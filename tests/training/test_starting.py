"""Where a training starts: the recipe's model, or a bundled one for pairs of photographs and pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data

from restorae.data import ArrayImages, content_hash
from restorae.degradations import Degradation
from restorae.errors import SettingsConflict, UnknownKind, UsageError
from restorae.model import bundled, load
from restorae.randomness import generator
from restorae.restoring import PAGES, PHOTOS
from restorae.training import NOTHING, Recipe, train
from restorae.training.data import load_training_data
from restorae.training.given import Given
from tests.training.test_loop import Hearing

# short trainings warn that they are short; what is warned of has tests that listen
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

STEPS = {"steps": 2, "patch": 32, "batch_size": 2}
TINY = {
    "degradation": "gaussian-noise(sigma=0.2)",
    "network": "unet(widths=[4,4],residual=true)",
    "batch_size": 8,
    "steps": 12,
    "learning_rate": 5e-3,
}
IMAGES = np.kron(np.random.default_rng(0).integers(0, 2, (60, 4, 4)), np.ones((3, 3))).astype(
    np.float32
)


def pairs(colour: bool = True, count: int = 4) -> tuple[ArrayImages, ArrayImages]:
    """(degraded, clean): pieces of a photograph or of a page."""
    photo, page = skimage.data.astronaut(), skimage.data.page()
    pieces = [
        photo[top * 100 : top * 100 + 160, 100:260] if colour else page[:, 8 * top : 8 * top + 300]
        for top in range(count)
    ]
    clean = ArrayImages(np.stack(pieces))
    harmed = (
        Degradation.of("gaussian-noise(sigma=0.03)")
        .draw(generator(0), count)
        .apply(clean.batch(range(count)))
        .clamp(0, 1)
    )
    degraded = (harmed.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)
    return ArrayImages(degraded if colour else degraded[..., 0]), clean


def start_of(
    recipe: Recipe, degraded: ArrayImages | None, clean: ArrayImages
) -> tuple[str, list[str]]:
    heard = Hearing()
    data = load_training_data(recipe, given=Given(clean=clean, degraded=degraded), progress=heard)
    return data.recipe.start_from, [said for said in heard.said if "Starting from" in said]


@pytest.mark.parametrize("colour", [True, False], ids=["photographs", "pages"])
def test_pairs_start_from_what_suits_them_with_a_notice(colour: bool) -> None:
    name, said = start_of(Recipe(**STEPS), *pairs(colour))
    assert name == (PAGES if not colour else PHOTOS)
    assert len(said) == 1
    assert f"Starting from {name}" in said[0]
    assert start_of(Recipe(**STEPS, start_from="nothing"), *pairs(colour)) == (NOTHING, [])


def test_noisy_images_alone_start_from_what_knows_noise() -> None:
    noisy, _ = pairs()
    name, said = start_of(Recipe(**STEPS, noisy="these"), None, noisy)
    assert name == PHOTOS
    assert "the noise of these images" in said[0]
    hidden = Recipe(**STEPS, noisy="these", loss="blind-spot")
    assert start_of(hidden, None, noisy) == (NOTHING, []), (
        "what hides pixels must unlearn to look at them"
    )


def test_a_named_network_drawn_damage_and_small_images_start_from_nothing() -> None:
    degraded, clean = pairs()
    assert start_of(Recipe(**STEPS, network="conv"), degraded, clean)[0] == NOTHING
    assert start_of(Recipe(**STEPS, degradation="gaussian-noise"), None, clean)[0] == NOTHING
    small, noise = np.random.default_rng(0).random((2, 9, 28, 28), np.float32)
    both = ArrayImages(small + 0.1 * noise), ArrayImages(small)
    assert start_of(Recipe(steps=2), *both)[0] == NOTHING


def test_without_the_bundled_models_it_starts_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restorae.training.start.bundled", dict)
    assert start_of(Recipe(**STEPS), *pairs()) == (NOTHING, [])


def test_training_continues_from_it_and_the_card_says_so() -> None:
    degraded, clean = pairs()
    model = train(Recipe(**STEPS, learning_rate=1e-9), degraded=degraded, clean=clean)
    assert model.card.started_from.startswith(PHOTOS)
    assert model.card.recipe is not None
    assert model.card.recipe["start_from"] == PHOTOS
    before, after = load(PHOTOS).module.state_dict(), model.module.state_dict()
    assert all(np.allclose(before[name], after[name], atol=1e-3) for name in before)


def test_a_network_beside_a_model_must_be_that_models() -> None:
    _, clean = pairs()
    other = Recipe(**STEPS, degradation="blur", start_from=PHOTOS, network="conv")
    with pytest.raises(SettingsConflict, match="its weights are those of another network"):
        load_training_data(other, given=Given(clean=clean))
    same = Recipe(**{**other.model_dump(), "network": load(PHOTOS).network})
    assert load_training_data(same, given=Given(clean=clean)).recipe.network == load(PHOTOS).network
    with pytest.raises(UnknownKind, match="photo-denoiser"):
        load_training_data(
            Recipe(**STEPS, degradation="blur", start_from="photo-den"), given=Given(clean=clean)
        )


def test_what_a_model_held_out_stays_held_out_whatever_the_seed_and_share(tmp_path: Path) -> None:
    first = train(Recipe(**TINY, validation=0.2), tmp_path / "first", clean=IMAGES).card
    hashes = {content_hash(image) for image in IMAGES}
    held, learned = set(first.held_out_hashes), set(first.learned_hashes)
    assert held | learned == hashes
    assert not held & learned
    start = {**TINY, "network": None, "start_from": tmp_path / "first.safetensors", "seed": 7}
    second = train(
        Recipe(**{**start, "validation": 0.05}), tmp_path / "second", clean=IMAGES[::-1]
    ).card
    assert set(second.held_out_hashes) == held
    # a third stage on other images remembers what the first one saw
    other = 1 - IMAGES[:30]
    start["start_from"] = tmp_path / "second.safetensors"
    third = train(Recipe(**start), clean=other).card
    assert held < set(third.held_out_hashes)
    assert learned < set(third.learned_hashes)
    with pytest.raises(UsageError, match="were learned by the starting model"):
        train(Recipe(**{**start, "validation": 0.6}), clean=IMAGES)


def test_learned_images_are_known_though_too_many_to_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restorae.training.splitting.MOST_LEARNED_LISTED", 5)
    card = train(Recipe(**TINY), tmp_path / "first", clean=IMAGES).card
    assert card.learned_hashes == []
    again = {**TINY, "network": None, "start_from": tmp_path / "first.safetensors"}
    assert train(Recipe(**again), clean=IMAGES).card.held_out_hashes == card.held_out_hashes
    with pytest.raises(UsageError, match="were learned by the starting model"):
        train(Recipe(**{**again, "validation": 0.6}), clean=IMAGES)


def test_the_bundled_models_say_what_they_learned() -> None:
    from restorae.model import read_card
    from restorae.training import ResolvedRecipe

    for name, path in bundled().items():
        card = read_card(path)
        recipe = card.recipe or {}
        if "script" in recipe:  # trained by a program of the repository, not by `restorae train`
            assert (Path(__file__).parents[2] / recipe["script"]).is_file(), name
        else:
            assert ResolvedRecipe(**recipe).steps == card.steps, name
        assert not set(card.held_out_hashes) & set(card.learned_hashes)
        assert card.data
        assert card.licence != "not stated"
