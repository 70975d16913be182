"""Film cleaners by the one way from a recipe to a model, and on to a restored film."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import restorae
from restorae.errors import BadSpec, ShapeMismatch, UsageError
from restorae.film import FilmRequest, plan_films, restore_films
from restorae.networks import FilmUNet, UNet
from restorae.restoring import RestoreRequest, RestorerPool
from restorae.training import Recipe, prepare
from tests.clips import decoded
from tests.small_cleaner import save_grey, scene

pytest.importorskip("cv2", reason="OpenCV is not installed (extra film).")

BODY = UNet(
    widths=(4, 6), encoder_blocks=(1, 1), decoder_blocks=(0,), padding="replicate", residual=True
)


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Two clips, of which one is held out."""
    for number in range(2):
        save_grey(tmp_path / f"clip{number}.mkv", scene(6, seed=number, height=72, width=96))
    return Recipe(
        clean=tmp_path,
        degradation="film(age=0.6)",
        network=FilmUNet(body=BODY),
        patch=32,
        batch_size=2,
        steps=3,
        draws=6,
    )


def test_a_cleaner_is_trained_saved_and_restores_a_film(tmp_path: Path, recipe: Recipe) -> None:
    heard: list[str] = []

    class Heard(restorae.progress.Progress):
        def say(self, message: object) -> None:
            heard.append(str(message))

    own = tmp_path / "own.safetensors"
    model = restorae.train(recipe, own, progress=Heard(), workers=2)
    scores = model.card.scores["validation"]
    assert scores["degraded"]["psnr_pooled"] < scores["aligned_median"]["psnr_pooled"] + 1
    assert len(model.card.held_out_hashes) == 1
    assert any("held out: 1 clip of 6" in each for each in heard)
    target = tmp_path / "out" / "clean.mkv"
    report = restore_films(
        plan_films([tmp_path / "clip0.mkv"], target),
        RestoreRequest(model=str(own)),
        FilmRequest(lossless=True, repair_map=tmp_path / "out" / "map.mkv"),
        RestorerPool(),
    )
    assert not report.failures
    assert len(decoded(target)) == len(decoded(tmp_path / "out" / "map.mkv")) == 6


def test_the_loss_falls_where_frame_and_map_are_right() -> None:
    clean = torch.rand(2, 2, 16, 16).round()

    def measured(given: torch.Tensor) -> float:
        module = torch.nn.Module()
        module.forward = lambda _: given
        batch = restorae.losses.Batch(
            FilmUNet(body=BODY),
            module,
            degraded=torch.zeros(2, 11, 16, 16),
            clean=clean,
            step=0,
            generator=torch.Generator(),
        )
        return restorae.losses.FilmRepair().measure(batch)["loss"].item()

    logits = 20 * (clean[:, 1:] - 0.5)
    right = measured(torch.cat([clean[:, :1], logits], 1))
    assert right < measured(torch.cat([clean[:, :1], -logits], 1)) - 0.1
    assert right < measured(torch.cat([clean[:, :1] + 0.1, logits], 1)) - 0.05


def test_what_film_cleaners_do_not_learn_from_is_refused(tmp_path: Path, recipe: Recipe) -> None:
    with pytest.raises(BadSpec, match="kind film"):
        prepare(recipe.model_copy(update={"degradation": restorae.Degradation.of("dust")}))
    with pytest.raises(BadSpec, match="patches"):
        prepare(recipe.model_copy(update={"patch": 0}))
    (tmp_path / "clip1.mkv").unlink()
    with pytest.raises(ShapeMismatch, match="Name parts of a film"):
        prepare(recipe)
    parts = f"{tmp_path / 'clip0.mkv'}#0-4 | {tmp_path / 'clip0.mkv'}#1-5"
    assert len(prepare(recipe.model_copy(update={"clean": parts})).data.material.clips) == 1
    with pytest.raises(UsageError, match="by path"):
        restorae.train(
            np.zeros((9, 48, 48), np.uint8), degradation="film", network="film", progress=False
        )
