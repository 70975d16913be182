"""Training in several processes: each computes its share of every batch, and the losses are those of one process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from restorae.data import ArrayImages, Examples, Share
from restorae.degradations import Degradation
from restorae.errors import BadSpec, UsageError
from restorae.model import load
from restorae.training import checkpoint
from restorae.training.processes import Team, share_of_this_process
from restorae.training.shared_draws import SharedDraws
from tests.command import surroundings

COMMON = ["--clean", "digits", "--batch-size", "31", "--workers", "0", "--network"]
RESTORER = [
    "conv(features=4)",
    *["--with", "gaussian-noise(mean=0.5,sigma=0.3)", "--augment", "--learning-rate", "0.01"],
]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"degradation": Degradation.of("gaussian-noise(sigma=0.0..0.5)"), "augment": True},
        {"binarise": True},
        {"patch": 5, "augment": True, "paired": True},
    ],
)
def test_shares_together_are_the_batch(settings: dict[str, object]) -> None:
    images = torch.rand(23, 8, 8, generator=torch.Generator().manual_seed(0))
    degraded = ArrayImages((images / 2).numpy()) if settings.pop("paired", False) else None
    examples = Examples(ArrayImages(images.numpy()), degraded=degraded, seed=3, **settings)
    whole = list(examples.batches(1, 7))
    shares = [list(examples.batches(1, 7, share=Share(index, 3))) for index in range(3)]
    assert [len(clean) for _, clean in (batches[0] for batches in shares)] == [2, 2, 3]
    for batch, *parts in zip(whole, *shares, strict=True):
        for side in range(2):
            assert torch.equal(batch[side], torch.cat([part[side] for part in parts]))


@pytest.mark.parametrize("repeats", [1, 3])
def test_what_is_drawn_for_a_share_is_the_share_of_what_is_drawn_for_the_batch(
    repeats: int,
) -> None:
    def draw(count: int) -> list[torch.Tensor]:
        source, size = torch.Generator().manual_seed(1), repeats * count
        return [
            torch.randn((size, 5), generator=source),
            torch.rand(size, 1, 2, generator=source),
            torch.randint(9, (size, 4), generator=source),
            torch.randint(2, 9, size=(size, 4), generator=source),
        ]

    whole = draw(8)
    for index in range(3):
        share = Share(index, 3)
        with SharedDraws(share, 8):
            parts = draw(len(range(8)[share.of(8)]))
        for drawn, part in zip(whole, parts, strict=True):
            expected = drawn.unflatten(0, (repeats, 8))[:, share.of(8)].flatten(0, 1)
            assert torch.equal(part, expected)


def test_the_environment_says_which_process_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert share_of_this_process() == Share(0, 1)
    for name, value in {"WORLD_SIZE": "3", "RANK": "2", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    assert share_of_this_process() == Share(2, 3)
    monkeypatch.setenv("RANK", "3")
    with pytest.raises(BadSpec, match="RANK"):
        share_of_this_process()
    with pytest.raises(UsageError, match="batch_size=3"):
        Team(Share(2, 3)).require_images(2)


def launch(*words: str | Path, cwd: Path, count: int = 2) -> subprocess.Popen[str]:
    """`torchrun … restorae train WORDS...`, left running."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    return subprocess.Popen(
        [sys.executable, *launcher, "-m", "restorae", "train", *map(str, words)],
        cwd=cwd,
        env={**os.environ, **surroundings(cwd), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def alone(*words: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "restorae", "train", *map(str, words)],
        cwd=cwd,
        env={**os.environ, **surroundings(cwd), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def children(pid: int) -> dict[int, int]:
    """The processes that a launcher started, by rank."""
    found = {}
    for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        settings = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        found |= {int(each[5:]): child for each in settings if each.startswith(b"RANK=")}
    return found


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    raise AssertionError(f"{path} was not written")


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        [*RESTORER, "--ema", "0.9"],
        ["conv-vae(latent_dim=2)", "--loss", "negative-elbo(importance_samples=3)"],
    ],
    ids=["restorer", "vae"],
)
def test_losses_of_two_processes_are_those_of_one(tmp_path: Path, words: list[str]) -> None:
    # few steps: an optimiser that divides by the size of gradients multiplies what rounding leaves
    common = [*COMMON, *words, "--steps", "8"]
    process = launch(*common, "--out", "two", cwd=tmp_path)
    alone(*common, "--out", "one", cwd=tmp_path)
    told = process.communicate()[0]
    assert process.returncode == 0, told
    one, two = (load(tmp_path / f"{name}.safetensors").card for name in ("one", "two"))
    assert len(one.history) == len(two.history) == 1
    assert two.history[0] == pytest.approx(one.history[0], rel=1e-5)
    assert "2 processes" in two.trained_on
    assert told.count("parameters,") == 1, "only one process reports"
    assert sorted(path.suffix for path in tmp_path.glob("*.*")) == [".safetensors"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_process_ends_the_training_and_another_number_goes_on(
    tmp_path: Path, killed: int
) -> None:
    words = [*COMMON, *RESTORER, "--steps", "600", "--out", "model"]
    process = launch(*words, cwd=tmp_path)
    wait_for(tmp_path / "model.checkpoint", process)
    os.kill(children(process.pid)[killed], signal.SIGKILL)
    began = time.monotonic()
    told = process.communicate()[0]
    assert process.returncode == 1
    assert time.monotonic() - began < 20
    # the launcher may end the other process before that one has noticed
    assert "Another process of this training has ended" in told or "SIGKILL" in told
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["model.checkpoint"]
    before = checkpoint.peek(tmp_path / "model.checkpoint").step
    assert before > 0
    told = alone(*words, "--resume", cwd=tmp_path)
    assert f"Going on from step {before:,}" in told
    assert load(tmp_path / "model.safetensors").card.steps == 600


@pytest.mark.slow
def test_stopping_the_launcher_keeps_a_checkpoint_that_goes_on(tmp_path: Path) -> None:
    words = [*COMMON, *RESTORER, "--steps", "600", "--out", "model"]
    process = launch(*words, cwd=tmp_path)
    wait_for(tmp_path / "model.checkpoint", process)
    process.send_signal(signal.SIGINT)
    told = process.communicate()[0]
    assert process.returncode != 0
    assert "Stopped at step" in told
    process = launch(*words, "--resume", cwd=tmp_path)
    told = process.communicate()[0]
    assert process.returncode == 0, told
    assert told.count("Going on from step") == 1
    assert load(tmp_path / "model.safetensors").card.steps == 600


@pytest.mark.slow
def test_a_wrong_request_is_said_once(tmp_path: Path) -> None:
    process = launch(*COMMON, *RESTORER, "--out", "model", "--clean", "missing", cwd=tmp_path)
    told = process.communicate()[0]
    assert process.returncode == 1
    assert told.count("missing") == 1, told
