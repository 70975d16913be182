"""The other commands: degrade, evaluate, models, doctor, and what they say to mistakes."""

from __future__ import annotations

import json
import platform
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restorae.data import open_images
from restorae.degradations import Degradation
from restorae.evaluating import TestSet, evaluate
from restorae.model import bundled, load
from restorae.randomness import generator
from tests.command import pixels, run, start

NOISE = "gaussian-noise(mean=0.5,sigma=0.3)"


def test_the_same_seed_gives_the_same_damage(tmp_path: Path, images: Path) -> None:
    for out, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        done = run(
            "degrade",
            images,
            "--with",
            "gaussian-noise(sigma=0.1..0.3) | blur",
            "--seed",
            seed,
            "--out",
            out,
            cwd=tmp_path,
        )
        assert done.status == 0, done.err
    a, b, c = (pixels(tmp_path / out / "grey.png").astype(int) for out in "abc")
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_degrade_shows_a_sheet(tmp_path: Path, images: Path) -> None:
    assert (
        run(
            "degrade", images, "--with", "masking", "--out", "harmed", "--show", cwd=tmp_path
        ).status
        == 0
    )
    with Image.open(tmp_path / "harmed-sheet.png") as sheet:
        assert sheet.width > 300


def test_a_named_set_becomes_an_array_that_is_not_clipped(tmp_path: Path) -> None:
    assert run("degrade", "digits", "--with", NOISE, "--out", "harmed", cwd=tmp_path).status == 0
    degraded = np.load(tmp_path / "harmed" / "digits.npy")
    clean = open_images("digits").batch(range(1797))
    expected = Degradation.of(NOISE).draw(generator(0), 1797).apply(clean)
    assert np.array_equal(degraded, expected[:, 0].numpy())
    assert degraded.min() < 0
    assert degraded.max() > 1


def test_every_kind_is_listed_with_its_settings(tmp_path: Path) -> None:
    damage = run("degrade", "--list", cwd=tmp_path)
    assert damage.status == 0
    shown = " ".join(damage.out.split())
    assert "gaussian-noise Additive white Gaussian noise" in shown
    assert "sigma=0.1 Standard deviation on the [0, 1] pixel scale" in shown
    networks = run("train", "--list", cwd=tmp_path)
    listed = {line.split()[0] for line in networks.out.splitlines() if line[:1].isalpha()}
    assert {"conv", "dense", "unet", "conv-vae", "residual-vae", "latent-unet"} <= listed
    assert {"mse", "l1", "negative-elbo"} <= listed
    assert "beta=1 Weight of the KL divergence." in " ".join(networks.out.split())


def test_evaluate_gives_the_same_numbers_as_python(tmp_path: Path, small_model: Path) -> None:
    done = run(
        "evaluate",
        "--model",
        small_model,
        "--clean",
        "digits",
        "--with",
        NOISE,
        "--seed",
        "3",
        "--json",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    told = json.loads(done.out)
    test_set = TestSet(open_images("digits", "test"), degradation=Degradation.of(NOISE), seed=3)
    expected = evaluate(load(small_model).restore_images, test_set)
    assert told["count"] == 360
    assert told["degraded"] == pytest.approx(expected.degraded.model_dump())
    assert told["restored"] == pytest.approx(expected.restored.model_dump(), rel=1e-4)


def test_evaluate_on_pairs_of_files(tmp_path: Path, images: Path, small_model: Path) -> None:
    # one grey, one colour: a set with colour in it is a colour set, restored channel by channel
    run("degrade", images, "--with", "gaussian-noise(sigma=0.2)", "--out", "harmed", cwd=tmp_path)
    done = run(
        "evaluate",
        "--model",
        small_model,
        "--clean",
        images,
        "--degraded",
        "harmed",
        "--json",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    told = json.loads(done.out)
    assert told["count"] == 2
    assert 10 < told["degraded"]["psnr"] < 20


def test_models_are_listed_and_shown(tmp_path: Path, small_model: Path) -> None:
    listed = run("models", "list", small_model.parent, cwd=tmp_path)
    assert "small.safetensors" in listed.out
    shown = run("models", "show", small_model, "--layers", cwd=tmp_path)
    assert shown.status == 0, shown.err
    assert "encode1" in shown.out
    assert "4×28×28" in shown.out
    card = json.loads(run("models", "show", small_model, "--json", cwd=tmp_path).out)
    assert card["network"] == {"kind": "conv", "channels": 1, "features": 4}


def test_the_models_that_one_was_fine_tuned_from_are_shown_without_what_is_unknown(
    tmp_path: Path,
) -> None:
    shown = run("models", "show", "photo-denoiser-fast", cwd=tmp_path).out
    assert "started from" in shown
    assert "and that from" in shown
    old = run("models", "show", "photo-restorer", cwd=tmp_path).out
    assert "0 epochs" not in old
    assert ", 0 s" not in old


@pytest.mark.parametrize("which", ["small_vae", "small_latent_unet"])
def test_models_with_a_latent_are_shown_too(
    tmp_path: Path, request: pytest.FixtureRequest, which: str
) -> None:
    path = request.getfixturevalue(which)
    shown = run("models", "show", path, "--layers", cwd=tmp_path)
    assert shown.status == 0, shown.err
    assert {"small_vae": "8×14×14", "small_latent_unet": "4×14×14"}[which] in shown.out
    assert "latent" in shown.out
    card = json.loads(run("models", "show", path, "--json", cwd=tmp_path).out)
    assert card["format_version"] == 1
    assert card["latent"]["likelihood"] in ("bernoulli", "gaussian")
    assert card["restores"] == (which == "small_latent_unet")


def test_doctor_reports_what_is_here_and_nothing_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("RESTORAE_TOKEN", "other-secret")
    monkeypatch.setattr("restorae.model.bundled", lambda: {"digits-vae": bundled()["digits-vae"]})
    done = run("doctor", "--json", "--speed", "--device", "cpu", cwd=tmp_path)
    facts = json.loads(done.out)
    assert facts["torch"]
    assert facts["python"] == platform.python_version()
    assert facts["data: mnist"].startswith("not on this machine")
    assert facts["HF_TOKEN"] == facts["RESTORAE_TOKEN"] == "set (not shown)"
    for private in (str(tmp_path), str(Path.home()), "secret"):
        assert private not in done.out + done.err
    (measured,) = facts["speed"]
    assert measured["megapixels_per_second"] > 0
    assert (measured["model"], measured["precision"]) == ("digits-vae", "float32")
    assert measured["images"] == [83, 1, 28, 28]


@pytest.mark.parametrize(
    ("words", "status", "hint"),
    [
        (
            ["degrade", "x.png", "--with", "gausian-noise", "--out", "o"],
            2,
            "Did you mean 'gaussian-noise'",
        ),
        (["degrade", "x.png", "--with", "blur(sgima=1)", "--out", "o"], 2, "Did you mean 'sigma'"),
        (
            ["degrade", "x.png", "--with", "blur(sigma=2..1)", "--out", "o"],
            2,
            "reversed. Write 1..2",
        ),
        (["degrade", "x.png", "--with", "blur(sigma=nan)", "--out", "o"], 2, "not a finite number"),
        (["degrade", "x.png", "--with", "blur(", "--out", "o"], 2, "cannot be read"),
        (["degrade", "x.png"], 2, "restorae degrade --list"),
        (["evaluate", "--model", "m", "--clean", "digits"], 2, "either --with"),
        (
            ["evaluate", "--model", "m", "--clean", "digits", "--with", "blur"],
            2,
            "There is no model",
        ),
        (["models", "show", "nothing"], 2, "There is no model"),
        (["dream"], 2, "No such command"),
    ],
)
def test_mistakes_are_answered_with_what_to_do(
    tmp_path: Path, words: list[str], status: int, hint: str
) -> None:
    done = run(*words, cwd=tmp_path)
    assert done.status == status
    # the words may be folded into a box
    assert hint in " ".join(done.complaint.replace("│", " ").split())
    assert done.out == ""


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, images: Path, small_model: Path) -> None:
    done = run(
        "restore",
        images / "grey.png",
        "--model",
        small_model,
        "--out",
        "/dev/full/x.png",
        cwd=tmp_path,
    )
    assert done.status == 1
    assert "could not be written" in done.complaint


def test_help_speaks_of_every_command(tmp_path: Path) -> None:
    told = run("--help", cwd=tmp_path)
    assert told.status == 0
    assert all(
        command in told.out
        for command in (
            "demo",
            "degrade",
            "train",
            "restore",
            "evaluate",
            "vae",
            "models",
            "doctor",
        )
    )


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_any_command_that_is_stopped_says_so(tmp_path: Path, number: signal.Signals) -> None:
    # these keep nlm busy for minutes
    np.save(
        tmp_path / "many.npy", np.random.default_rng(0).integers(0, 256, (50_000, 28, 28), np.uint8)
    )
    process = start(
        "evaluate", "--model", "classical:nlm", "--clean", "many.npy", "--with", NOISE, cwd=tmp_path
    )
    assert process.stderr is not None
    progress = process.stderr.readline()  # after ten seconds of work
    assert " of 50,000" in progress
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.splitlines()[-1].startswith("restorae: ")
    assert "no partial files are left" in err
