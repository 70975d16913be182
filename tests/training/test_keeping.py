"""Which weights are kept: of few pairs those that did best on held-out images, also after a pause."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from skimage import data

from restorae.data import ListedImages, content_hash, hold_out
from restorae.errors import Interrupted, in_words
from restorae.progress import Progress
from restorae.training import Recipe, train

# short trainings warn that they are short; what is warned of has tests that listen
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

ERRS = Recipe(
    network="unet(widths=[8,16],residual=true)",
    patch=32,
    batch_size=4,
    steps=80,
    draws=16,
    learning_rate=2e-3,
    schedule="constant",
    seed=1,
)
"""Twenty epochs, on `sides`."""


class Told(Progress):
    def __init__(self, stop_after: int | None = None) -> None:
        self.said: list[str] = []
        self.steps, self.stop_after = 0, stop_after

    def say(self, message: str) -> None:
        self.said.append(in_words(message))

    def advance(self, count: int, figures: object = None) -> None:
        self.steps += count
        if self.stop_after is not None and self.steps >= self.stop_after:
            import signal

            self.stop_after = None
            signal.raise_signal(signal.SIGINT)


def sides() -> dict[str, ListedImages]:
    """Three pairs. Two teach to make images brighter; the one that is held out needs nothing: the more is learned, the worse."""
    names, generator = [str(place) for place in range(3)], np.random.default_rng(0)
    clean = [
        image[:48, :48].astype(np.float32) / 255
        for image in (data.camera()[200:], data.coins(), data.brick())
    ]
    held_out = hold_out([content_hash(each) for each in clean], ERRS.validation, 1)[1]
    degraded = [
        (each if place in held_out else 0.9 * each)
        + generator.normal(0, 0.02, each.shape).astype(np.float32)
        for place, each in enumerate(clean)
    ]
    return {"clean": ListedImages(clean, names), "degraded": ListedImages(degraded, names)}


def with_settings(**settings: object) -> Recipe:
    return Recipe(**{**ERRS.model_dump(exclude_unset=True), **settings})


def test_the_best_weights_are_kept_with_a_notice() -> None:
    told = Told()
    best = train(ERRS, progress=told, **sides())
    last = train(with_settings(keep="last"), **sides())
    errors = {each["step"]: each["mse"] for each in best.card.history}
    kept = best.card.scores["validation"]["kept_step"]
    assert errors[kept] == min(errors.values())
    assert kept < 80, "this training was meant to get worse at its end"
    assert best.card.scores["validation"]["restored"]["mse"] == pytest.approx(
        errors[kept], rel=1e-3
    )
    assert (
        best.card.scores["validation"]["restored"]["mse"]
        < last.card.scores["validation"]["restored"]["mse"]
    )
    assert "kept_step" not in last.card.scores["validation"]
    assert f"The weights of step {kept} are kept: they scored best on held-out images." in told.said


@pytest.mark.parametrize("stop_after", [20, 60])
def test_the_best_weights_survive_a_pause(tmp_path: Path, stop_after: int) -> None:
    train(ERRS, tmp_path / "whole", **sides())
    with pytest.raises(Interrupted):
        train(ERRS, tmp_path / "parts", progress=Told(stop_after), **sides())
    train(ERRS, tmp_path / "parts", resume=True, **sides())
    whole, parts = (
        load_file(tmp_path / "whole.safetensors"),
        load_file(tmp_path / "parts.safetensors"),
    )
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_patience_ends_training_early() -> None:
    told = Told()
    model = train(with_settings(patience=3), progress=told, **sides())
    kept = model.card.scores["validation"]["kept_step"]
    assert model.card.steps < 80
    after = [each["step"] for each in model.card.history if each["step"] > kept]
    assert len(after) == 3
    assert any("No improvement in 3 validations" in said for said in told.said)
    assert model.card.scores["validation"]["restored"]["ssim"] is not None, (
        "the kept weights are scored in full"
    )
