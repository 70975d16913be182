"""`restore --self-ensemble` and `evaluate --self-ensemble`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restorae.model import load
from tests.command import pixels, run


def save(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def test_views_are_averaged_and_noted(tmp_path: Path) -> None:
    photo = save(
        tmp_path / "in" / "photo.png",
        np.random.default_rng(0).integers(0, 256, (61, 78, 3), dtype=np.uint8),
    )
    done = run(
        "restore",
        "in",
        "--model",
        "photo-denoiser",
        "--self-ensemble",
        "2",
        "--out",
        "out",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    assert "may do harm" not in done.err
    restored = pixels(tmp_path / "out" / "photo.png").astype(int)
    expected = load("photo-denoiser").restore(pixels(photo), self_ensemble=2)
    assert np.abs(restored - expected).max() <= 1, (
        "one grey level where rounding falls the other way"
    )
    assert np.abs(restored - load("photo-denoiser").restore(pixels(photo))).max() > 3
    line = json.loads((tmp_path / "out" / "restored.jsonl").read_text())
    assert line["self_ensemble"] == 2


def test_evaluate_takes_a_self_ensemble_and_warns_where_it_may_hurt(
    tmp_path: Path, small_model: Path
) -> None:
    words = (
        "evaluate",
        "--model",
        small_model,
        "--clean",
        "digits",
        "--with",
        "gaussian-noise(sigma=0.2)",
        "--json",
    )
    one, many = run(*words, cwd=tmp_path), run(*words, "--self-ensemble", "8", cwd=tmp_path)
    assert many.status == 0, many.err
    assert "was not trained on rotated and flipped images" in many.err
    assert "may do harm" not in one.err
    assert json.loads(many.out)["self_ensemble"] == 8
    assert (
        json.loads(many.out)["restored"]["psnr_pooled"]
        != json.loads(one.out)["restored"]["psnr_pooled"]
    )


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--model", "photo-denoiser", "--self-ensemble", "3"), "'1', '2', '4', '8'"),
        (("--model", "classical:median", "--self-ensemble", "4"), "is not a network"),
        (
            ("--model", "digits-restorer-vae", "--self-ensemble", "2", "--samples", "3"),
            "--samples cannot be combined with --self-ensemble",
        ),
    ],
)
def test_views_that_make_no_sense_are_refused(
    tmp_path: Path, words: tuple[str, ...], hint: str
) -> None:
    save(tmp_path / "photo.png", np.zeros((28, 28), np.uint8))
    done = run("restore", "photo.png", *words, "--out", "restored.png", cwd=tmp_path)
    assert done.status == 2
    assert hint in done.complaint
    assert not (tmp_path / "restored.png").exists()
