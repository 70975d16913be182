"""`restorae train` and `restorae demo` as a person runs them."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from restorae.model import load
from tests.command import Outcome, pixels, run, run_apart, start

NOISE = "gaussian-noise(mean=0.5,sigma=0.3)"
SMALL = (
    "--clean",
    "digits",
    "--with",
    NOISE,
    "--network",
    "conv(features=8)",
    "--learning-rate",
    "0.005",
    "--batch-size",
    "32",
)
MINE = '''
"""A learner's own network."""

import restorae
from torch import nn


class Mine(restorae.Network):
    """One hidden layer of convolutions."""

    features: int = 8
    """Features of the hidden layer."""

    @property
    def halo(self):
        return 4

    def build(self):
        return nn.Sequential(
            nn.Conv2d(self.channels, self.features, 5, padding=2), nn.ReLU(), nn.Conv2d(self.features, self.channels, 5, padding=2)
        )
'''


def test_a_network_is_trained_saved_and_used(tmp_path: Path) -> None:
    done = run("train", *SMALL, "--steps", "80", "--out", "small", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "validation PSNR" in done.err
    scores = run(
        "evaluate",
        "--model",
        "small.safetensors",
        "--clean",
        "digits",
        "--with",
        NOISE,
        "--json",
        cwd=tmp_path,
    )
    told = json.loads(scores.out)
    assert told["restored"]["psnr_pooled"] > told["degraded"]["psnr_pooled"] + 8


def test_a_model_that_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "small.safetensors").write_bytes(b"precious")
    done = run("train", *SMALL, "--steps", "5", "--out", "small", cwd=tmp_path)
    assert done.status == 2
    assert "--overwrite" in done.complaint
    assert (tmp_path / "small.safetensors").read_bytes() == b"precious"


def test_flags_beside_a_recipe_win_and_the_result_can_be_printed(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(
        f'clean = "digits"\ndegradation = "{NOISE}"\nepochs = 9\nseed = 4\n'
    )
    done = run(
        "train",
        "--recipe",
        "recipe.toml",
        "--steps",
        "7",
        "--loss",
        "l1",
        "--print-recipe",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    assert "steps = 7" in done.out
    assert "seed = 4" in done.out
    assert 'loss = "l1"' in done.out
    assert "epochs" not in done.out


def test_a_restorer_with_a_latent_is_trained_by_the_same_command(tmp_path: Path) -> None:
    words = (
        "--network",
        "latent-unet(widths=[8,8])",
        "--learning-rate",
        "0.01",
        "--batch-size",
        "32",
        "--steps",
        "80",
    )
    done = run(
        "train", "--clean", "digits", "--with", NOISE, *words, "--out", "draws", cwd=tmp_path
    )
    assert done.status == 0, done.err
    assert " + KL " in done.err
    assert "validation PSNR" in done.err
    card = load(tmp_path / "draws.safetensors").card
    assert card.restores is True
    assert card.undoes is not None
    scores = card.scores["validation"]
    assert scores["restored"]["psnr_pooled"] > scores["degraded"]["psnr_pooled"] + 8


def test_a_learners_own_network_joins(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    words = (
        "train",
        "--clean",
        "digits",
        "--with",
        NOISE,
        "--network",
        "mine.py:Mine",
        "--steps",
        "60",
        "--batch-size",
        "16",
        "--learning-rate",
        "0.01",
    )
    done = run_apart(*words, "--out", "own", cwd=tmp_path)
    assert done.status == 0, done.err
    restore = ("restore", "noisy.npy", "--model", "own.safetensors")
    np.save(tmp_path / "noisy.npy", np.zeros((2, 28, 28), np.float32))
    elsewhere = run_apart(*restore, "--out", "a.npy", cwd=tmp_path)
    assert elsewhere.status == 2
    assert "defined in mine:Mine" in elsewhere.complaint
    assert "--import" in elsewhere.complaint
    assert run_apart(*restore, "--out", "b.npy", "--import", "mine.py", cwd=tmp_path).status == 0


def test_a_file_without_such_a_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("class Other:\n    pass\n")
    (tmp_path / "broken.py").write_text("1 / 0\n")
    for network, hint in (
        ("other.py:Other", "subclass of restorae.Network"),
        ("broken.py:X", "ZeroDivisionError"),
        ("none.py:X", "cannot be imported"),
    ):
        done = run(
            "train",
            "--clean",
            "digits",
            "--with",
            "blur",
            "--network",
            network,
            "--out",
            "x",
            cwd=tmp_path,
        )
        assert done.status in (1, 2)
        assert hint in done.complaint


@pytest.mark.parametrize(
    ("words", "status", "hint"),
    [
        (["--clean", "mnst", "--with", "blur"], 1, "Did you mean 'mnist'"),
        (["--clean", "digits", "--with", "blur", "--network", "unett"], 2, "Did you mean 'unet'"),
        (["--clean", "digits", "--with", "blur", "--loss", "mee"], 2, "Did you mean 'mse'"),
        (["--clean", "digits", "--with", "blur", "--optimiser", "nadm"], 2, "'nadam', 'adamw'"),
        (["--clean", "digits"], 2, "needs damage to learn from"),
        (
            ["--clean", "digits", "--with", "blur", "--loss", "negative-elbo"],
            2,
            "needs a network with a latent",
        ),
        (
            ["--clean", "digits", "--with", "blur", "--network", "conv-vae(latent_dim=0)"],
            2,
            "latent_dim=0",
        ),
        (["--with", "blur"], 2, "needs clean images"),
        (["--clean", "digits", "--with", "blur", "--degraded", "digits"], 2, "cannot be combined"),
        (
            ["--clean", "digits", "--with", "blur", "--steps", "3", "--epochs", "3"],
            2,
            "only one of",
        ),
        (
            ["--clean", "digits", "--with", "blur", "--device", "gpu9"],
            2,
            "There is no device 'gpu9'",
        ),
        (["--clean", "digits", "--with", "blur", "--resume"], 1, "nothing to resume"),
        (["--clean", "digits", "--with", "blur", "--recipe", "nowhere.toml"], 1, "cannot be read"),
        (["--clean", "digits", "--with", "blur", "--split", "tset"], 2, "'train', 'test', 'all'"),
    ],
)
def test_mistakes_are_answered_before_any_training(
    tmp_path: Path, words: list[str], status: int, hint: str
) -> None:
    done = run("train", *words, "--out", "x", cwd=tmp_path)
    assert done.status == status
    assert hint in done.complaint
    assert not list(tmp_path.glob("x*"))


def interrupt_when_learning(tmp_path: Path, number: signal.Signals) -> Outcome:
    """Start a long training, stop it by a signal once it learns, and say how it ended."""
    process = start("train", *SMALL, "--steps", "100000", "--out", "long", cwd=tmp_path)
    deadline = time.monotonic() + 120
    while (
        not (tmp_path / "long.checkpoint").exists()
        and time.monotonic() < deadline
        and process.poll() is None
    ):
        time.sleep(0.2)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return Outcome(process.returncode, out, err)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_signal_saves_a_checkpoint_and_exits_cleanly(
    tmp_path: Path, number: signal.Signals
) -> None:
    done = interrupt_when_learning(tmp_path, number)
    assert done.status == 1
    assert "--resume" in done.complaint
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "cache") == [
        "long.checkpoint"
    ]


@pytest.mark.slow
def test_a_kill_leaves_the_last_checkpoint_whole(tmp_path: Path) -> None:
    done = interrupt_when_learning(tmp_path, signal.SIGKILL)
    assert done.status == -signal.SIGKILL
    resumed = start("train", *SMALL, "--steps", "100000", "--out", "long", "--resume", cwd=tmp_path)
    assert resumed.stderr is not None
    assert "Going on from step" in "".join(resumed.stderr.readline() for _ in range(1))
    resumed.kill()
    resumed.communicate()


def test_the_demo_leaves_everything_that_it_promises(tmp_path: Path) -> None:
    done = run(
        "demo",
        "--data",
        "digits",
        "--epochs",
        "1",
        "--network",
        "unet(widths=[8,16])",
        "--out",
        "demo",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    made = {path.name for path in (tmp_path / "demo").iterdir()}
    assert made == {
        "model.safetensors",
        "metrics.json",
        "digits.png",
        "training.png",
        "report.html",
    }
    metrics = json.loads((tmp_path / "demo" / "metrics.json").read_text())
    assert {
        "dataset",
        "seed",
        "epochs",
        "parameters",
        "seconds_training",
        "psnr_degraded",
        "psnr_restored",
    } <= metrics.keys()
    assert metrics["dataset"] == "digits"
    assert metrics["psnr_pooled_restored"] > metrics["psnr_pooled_degraded"] + 10
    assert metrics["parameters"] == load(tmp_path / "demo" / "model.safetensors").card.parameters
    assert pixels(tmp_path / "demo" / "digits.png").shape[0] > 800
    assert "data:image/png;base64" in (tmp_path / "demo" / "report.html").read_text()


def test_without_mnist_the_demo_says_so_and_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from restorae.data import named

    nowhere = named.IdxSet(
        name="mnist",
        about="",
        licence="",
        mirrors=("http://127.0.0.1:9",),
        checksums=named.MNIST.checksums,
    )
    monkeypatch.setitem(named.IDX_SETS, "mnist", nowhere)
    done = run(
        "demo", "--epochs", "0.5", "--network", "unet(widths=[8,16])", "--out", "demo", cwd=tmp_path
    )
    assert done.status == 0, done.err
    assert "could not be downloaded" in done.err
    assert "embedded digits instead" in done.err
    assert "--data-dir" in done.err
