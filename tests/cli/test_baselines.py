"""`evaluate --baselines`: classical methods on the model's own exam."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from skimage import data
from skimage.restoration import denoise_tv_chambolle

from restorae.data import open_images
from restorae.degradations import Degradation
from restorae.randomness import generator
from tests.command import run

NOISE = "gaussian-noise(sigma=0.1)"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three small pieces of a photograph."""
    camera = data.camera()
    np.save(
        tmp_path / "photos.npy",
        np.stack([camera[place : place + 64, 200:264] for place in (100, 164, 300)]),
    )
    return tmp_path / "photos.npy"


def test_baselines_are_scored_on_the_same_images_beside_the_model(
    tmp_path: Path, photos: Path, small_model: Path
) -> None:
    words = (
        "evaluate",
        "--model",
        small_model,
        "--clean",
        photos,
        "--with",
        NOISE,
        "--seed",
        "3",
        "--json",
    )
    alone = json.loads(run(*words, cwd=tmp_path).out)
    done = run(*words, "--baselines", "--baseline", "tv(weight=0.1)", cwd=tmp_path)
    assert done.status == 0, done.err
    told = json.loads(done.out)
    others = told.pop("baselines")
    assert {**told, "seconds": 0} == {**alone, "seconds": 0}, (
        "the model's own scores depend on whether there are baselines"
    )
    assert {"median", "nlm", "tv", "wavelet", "tv(weight=0.1)"} <= set(others)
    assert "inpaint" not in others, "there is no mask to fill"
    for name in ("nlm", "tv", "wavelet"):
        assert others[name]["restored"]["psnr"] > told["degraded"]["psnr"] + 3
        assert others[name]["seconds_per_image"] == pytest.approx(others[name]["seconds"] / 3)


def test_the_scores_of_a_baseline_are_those_of_the_library_underneath(
    tmp_path: Path, photos: Path, small_model: Path
) -> None:
    done = run(
        "evaluate",
        "--model",
        small_model,
        "--clean",
        photos,
        "--with",
        NOISE,
        "--baseline",
        "tv(weight=0.1)",
        "--json",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    clean = open_images(str(photos)).batch(range(3))
    noisy = Degradation.of(NOISE).draw(generator(0), 3).apply(clean)
    restored = np.stack(
        [
            denoise_tv_chambolle(each[0].numpy(), weight=0.1, eps=0, max_num_iter=50)
            for each in noisy
        ]
    )
    expected = ((restored.clip(0, 1) - clean[:, 0].numpy()) ** 2).mean()
    assert json.loads(done.out)["baselines"]["tv(weight=0.1)"]["restored"]["mse"] == pytest.approx(
        expected, rel=1e-4
    )


def test_the_table_has_a_column_for_each_baseline_and_a_row_for_the_time(
    tmp_path: Path, photos: Path, small_model: Path
) -> None:
    words = ("evaluate", "--model", small_model, "--clean", photos, "--with", NOISE)
    done = run(
        *words,
        "--baseline",
        "median",
        "--baseline",
        "classical:median(radius=2)",
        "--baseline",
        "median",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].split() == ["score", "degraded", "restored", "median", "median(radius=2)"]
    assert lines[-1].startswith("s per image  –")
    assert "s per image" not in run(*words, cwd=tmp_path).out, (
        "without baselines there is nothing to compare"
    )


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("inpaint", "an evaluation has no masks. Baselines: "),
        ("medain", "Did you mean 'median'?"),
        ("nlm(sigma=-1)", "nlm: sigma=-1 cannot be used"),
    ],
)
def test_a_baseline_that_cannot_be_is_refused_before_the_model_is_looked_for(
    tmp_path: Path, spec: str, hint: str
) -> None:
    done = run(
        "evaluate",
        "--model",
        "m",
        "--clean",
        "digits",
        "--with",
        "blur",
        "--baseline",
        spec,
        cwd=tmp_path,
    )
    assert done.status == 2
    assert hint in " ".join(done.complaint.replace("│", " ").split())
