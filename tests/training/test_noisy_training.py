"""Training from noisy images alone, from recipe to model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage import data

from restorae.errors import BadSpec, SettingsConflict, UsageError, in_words
from restorae.progress import Progress
from restorae.training import Recipe, train

# short trainings warn that they are short; what is warned of has tests that listen
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

SMALL = {"network": "unet(widths=[8,16],residual=true)", "patch": 32, "batch_size": 4, "seed": 1}


class Told(Progress):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(in_words(message))


@pytest.fixture
def clean() -> np.ndarray:
    return data.camera()[100:292, 100:292].astype(np.float32) / 255


def write(folder: Path, images: np.ndarray) -> str:
    folder.mkdir()
    for place, image in enumerate(images):
        tifffile.imwrite(
            folder / f"{place}.tif", np.clip(1000 + 3000 * image, 0, 65_535).astype(np.uint16)
        )
    return str(folder)


def test_noise_is_removed_without_any_clean_image(tmp_path: Path, clean: np.ndarray) -> None:
    noisy = clean + np.random.default_rng(0).normal(0, 0.1, (6, *clean.shape))
    told = Told()
    model = train(Recipe(noisy=write(tmp_path / "noisy", noisy), steps=300, **SMALL), progress=told)
    assert model.card.restores
    assert model.card.scores["validation"]["taken_off"] > 0.03
    fresh = clean + np.random.default_rng(1).normal(0, 0.1, clean.shape)
    restored = model.restore((1000 + 3000 * fresh).astype(np.uint16)).astype(float)
    before, after = (
        np.square((each - 1000) / 3000 - clean).mean() for each in ((1000 + 3000 * fresh), restored)
    )
    assert 10 * np.log10(before / after) > 3, "at least 3 dB better than the noisy image"
    assert not told.warnings


def test_noise_that_runs_along_rows_is_noticed_and_hidden(
    tmp_path: Path, clean: np.ndarray
) -> None:
    white = np.random.default_rng(0).normal(0, 0.1, (4, *clean.shape))
    told = Told()
    model = train(
        Recipe(
            noisy=write(tmp_path / "noisy", clean + white + np.roll(white, 1, 2)), steps=3, **SMALL
        ),
        progress=told,
    )
    assert "along rows" in told.warnings[0]
    assert "blind-spot(along=rows)" in told.warnings[0]
    assert model.card.recipe is not None
    assert model.card.recipe["loss"]["along"] == "rows"


def test_a_recipe_for_noisy_images_says_how_it_learns() -> None:
    assert Recipe(noisy="folder").to_toml() == 'noisy = "folder"\n'
    with pytest.raises(BadSpec, match=r"have none. Choose blind-spot, neighbours"):
        Recipe(noisy="folder", loss="mse")
    with pytest.raises(BadSpec, match="learns from noisy images alone"):
        Recipe(clean="digits", loss="neighbours")
    with pytest.raises(SettingsConflict, match="learned from alone"):
        Recipe(noisy="folder", clean="digits")


def test_images_without_damage_ask_for_some() -> None:
    with pytest.raises(UsageError, match="`noisy` images alone"):
        train(Recipe(clean="digits", steps=1))
