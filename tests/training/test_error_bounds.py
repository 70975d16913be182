"""Which trainings end with a model that knows how far off it may be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from restorae.data import open_images
from restorae.model import load
from restorae.training import Recipe, train

# short trainings warn that they are short; what is warned of has tests that listen
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

SHORT = {"steps": 12, "batch_size": 8}
NETWORK = "unet(widths=[8,8],residual=true)"


def some_digits() -> np.ndarray:
    return open_images("digits", "test").batch(range(24))[:, 0].numpy()


def test_a_restorer_is_calibrated_on_what_was_held_out(tmp_path: Path) -> None:
    recipe = Recipe(
        clean="digits", degradation="gaussian-noise(sigma=0.2)", network=NETWORK, **SHORT
    )
    model = train(recipe, tmp_path / "digits")
    assert set(model.card.error_bounds) == {1}
    bound = model.card.error_bounds[1]
    assert (
        f"{bound.images:,} held-out images of {bound.on}" == model.card.scores["validation"]["on"]
    )
    assert load(tmp_path / "digits.safetensors").card.error_bounds == model.card.error_bounds


def test_with_a_door_for_grey_it_is_calibrated_for_both() -> None:
    recipe = Recipe(
        degradation="gaussian-noise(sigma=0.2)",
        network="unet(widths=[8,8],residual=true,grey_too=true)",
        **SHORT,
    )
    model = train(recipe, clean=np.repeat(some_digits()[..., None], 3, -1))
    assert set(model.card.error_bounds) == {1, 3}


@pytest.mark.parametrize(
    "settings",
    [
        {"degradation": "gaussian-noise(sigma=0.2)", "validation": 0.0},
        {"noisy": "noisy.npy", "loss": "neighbours"},
        {"network": "conv-vae(features=4)"},
    ],
    ids=["nothing held out", "noisy images alone", "images for their own sake"],
)
def test_where_no_clean_image_was_held_out_nothing_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object]
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("noisy.npy", some_digits())
    model = train(
        Recipe(**{"network": NETWORK, **SHORT, **settings}),
        clean=None if "noisy" in settings else some_digits(),
    )
    assert model.card.error_bounds == {}
