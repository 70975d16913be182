"""`models calibrate`, `restore --error-map` and what `evaluate` tells of the bound."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from restorae.model import load, read_card
from tests.command import Outcome, pixels, run

NOISE = "gaussian-noise(sigma=0.1..0.3)"


@pytest.fixture(scope="session")
def calibrated(tmp_path_factory: pytest.TempPathFactory, small_model: Path) -> Path:
    """The small restorer, calibrated on digits."""
    folder = tmp_path_factory.mktemp("calibrated")
    done = run(
        "models",
        "calibrate",
        small_model,
        "--clean",
        "digits",
        "--split",
        "train",
        "--with",
        NOISE,
        "--out",
        "known",
        cwd=folder,
    )
    assert done.status == 0, done.err
    assert "known.safetensors: 90% of pixels within" in done.out + done.err
    return folder / "known.safetensors"


def test_a_finished_model_is_calibrated_and_restores_as_before(
    calibrated: Path, small_model: Path
) -> None:
    before, after = load(small_model), load(calibrated)
    bound = after.card.error_bounds[1]
    assert (bound.level, bound.images, bound.on) == (0.9, 500, "digits")
    image = np.random.default_rng(0).random((28, 28), dtype=np.float32)
    assert np.array_equal(after.restore(image), before.restore(image))
    assert calibrated.stat().st_size < small_model.stat().st_size + 2000


def test_models_show_reports_the_bound(tmp_path: Path, calibrated: Path) -> None:
    assert "error bound, grey" in run("models", "show", calibrated, cwd=tmp_path).out


def test_evaluate_reports_how_often_the_bound_holds(
    tmp_path: Path, calibrated: Path, small_model: Path
) -> None:
    words = ("evaluate", "--clean", "digits", "--with", NOISE)
    told = run(*words, "--model", calibrated, cwd=tmp_path)
    assert "of pixels lie within the bound for 90%" in told.out + told.err
    found = json.loads(run(*words, "--model", calibrated, "--json", cwd=tmp_path).out)[
        "error_bound"
    ]
    assert found["level"] == 0.9
    assert 0.88 < found["share"] < 0.92, "on digits that it was not calibrated on"
    assert "error_bound" not in json.loads(
        run(*words, "--model", small_model, "--json", cwd=tmp_path).out
    )


def test_maps_lie_beside_the_results(tmp_path: Path, calibrated: Path, images: Path) -> None:
    done = run(
        "restore", images, "--model", calibrated, "--error-map", "--out", "out", cwd=tmp_path
    )
    assert done.status == 0, done.err
    made = {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert made == {
        "grey.png",
        "grey-error.png",
        "inner folder/colour.jpg",
        "inner folder/colour-error.png",
        "restored.jsonl",
    }
    lines = (tmp_path / "out" / "restored.jsonl").read_text().splitlines()
    assert all(0 < json.loads(line)["mean_error_bound"] < 1 for line in lines)
    expected = np.clip(5 * load(calibrated).error_bound(pixels(images / "grey.png")), 0, 255)
    np.testing.assert_allclose(pixels(tmp_path / "out" / "grey-error.png"), expected, atol=0.51)
    again = run(
        "restore",
        images,
        "--model",
        calibrated,
        "--error-map",
        "--out",
        "out",
        "--skip-existing",
        cwd=tmp_path,
    )
    assert again.status == 0
    assert "Nothing to do" in again.out + again.err


def test_requests_that_do_not_go_together_are_refused(
    tmp_path: Path, calibrated: Path, small_model: Path, images: Path
) -> None:
    def refused(*words: str | Path) -> str:
        done: Outcome = run("restore", images, "--error-map", "--out", "out", *words, cwd=tmp_path)
        assert done.status == 2, done.err
        assert not (tmp_path / "out").exists()
        return " ".join(done.complaint.split())

    assert "restorae models calibrate" in refused("--model", small_model)
    assert "has no calibrated error bounds" in refused("--model", "classical:median")
    assert "--error-map cannot be combined with --strength" in refused(
        "--model", calibrated, "--strength", "0.5"
    )
    assert "--samples cannot be combined with --error-map" in refused(
        "--model", calibrated, "--samples", "3"
    )


def test_calibrating_needs_to_know_the_damage_and_replaces_nothing(
    tmp_path: Path, calibrated: Path, small_vae: Path
) -> None:
    words = ("models", "calibrate", calibrated, "--clean", "digits", "--out", "new")
    assert "give either --with" in run(*words, cwd=tmp_path).complaint
    (tmp_path / "new.safetensors").touch()
    assert "already exists" in run(*words, "--with", NOISE, cwd=tmp_path).complaint
    refused = run(
        "models",
        "calibrate",
        small_vae,
        "--clean",
        "digits",
        "--with",
        NOISE,
        "--out",
        "vae",
        cwd=tmp_path,
    )
    assert refused.status == 2
    assert "not to restore" in " ".join(refused.complaint.split())


def test_pairs_calibrate_too_and_few_images_are_reported(tmp_path: Path, small_model: Path) -> None:
    clean = np.random.default_rng(0).random((4, 16, 16), dtype=np.float32)
    np.save(tmp_path / "clean.npy", clean)
    np.save(tmp_path / "degraded.npy", clean + np.float32(0.1))
    done = run(
        "models",
        "calibrate",
        small_model,
        "--clean",
        "clean.npy",
        "--degraded",
        "degraded.npy",
        "--out",
        "m",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    assert "Measured on only 4 images" in done.out + done.err
    assert read_card(tmp_path / "m.safetensors").error_bounds[1].images == 4
