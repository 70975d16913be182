"""A kill at any moment: nothing is lost, nothing half-written has a name, and what is resumed equals what was never stopped."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import re
import threading
import time
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from restorae.training import checkpoint
from tests.killing import begin, complete, kill_at_random, visible

PATIENCE_S = 120.0
SEEDS = range(int(os.environ.get("RESTORAE_KILLS", "2")))
"""CONTRIBUTING.md says how to try more."""
TRAIN = [
    "train",
    "--clean",
    "digits",
    "--with",
    "gaussian-noise(sigma=0.4)",
    "--network",
    "conv(features=8)",
]
TRAIN += [
    "--learning-rate",
    "0.005",
    "--batch-size",
    "32",
    "--epochs",
    "5",
    "--out",
    "model",
    "--from",
    "nothing",
]
pytestmark = pytest.mark.slow


@cache
def _trained(base: Path) -> tuple[dict[str, np.ndarray], float]:
    """The weights of a training that was not stopped, and its seconds."""
    folder = base / "whole" / "work"
    folder.mkdir(parents=True)
    started = time.monotonic()
    assert complete(TRAIN, folder) == 0, (folder.parent / "told.txt").read_text()
    return load_file(folder / "model.safetensors"), time.monotonic() - started


@pytest.mark.parametrize("seed", SEEDS)
def test_training(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    expected, seconds = _trained(tmp_path_factory.getbasetemp())
    rng, folder = random.Random(seed), tmp_path / "work"
    folder.mkdir()
    for _ in range(3):
        resume = ["--resume"] if (folder / "model.checkpoint").exists() else []
        kill_at_random([*TRAIN, *resume], folder, rng, seconds)
        if (folder / "model.safetensors").exists():
            break  # it had come to its end
        assert set(visible(folder)) <= {"model.checkpoint"}
        if (folder / "model.checkpoint").exists():
            assert checkpoint.peek(folder / "model.checkpoint").step > 0
    if not (folder / "model.safetensors").exists():
        resume = ["--resume"] if (folder / "model.checkpoint").exists() else []
        assert complete([*TRAIN, *resume], folder) == 0, (tmp_path / "told.txt").read_text()
    found = load_file(folder / "model.safetensors")
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def _archive(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for index, suffix in enumerate([".png", ".jpg", ".tif", ".webp"] * 3):
        path = folder / f"{index % 2}" / f"{index:02}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (300, 400, 3), np.uint8)).save(path)


RESTORE = ["restore", "in", "--model", "classical:median"]


@pytest.mark.parametrize("in_place", [False, True], ids=["beside", "in place"])
@pytest.mark.parametrize("seed", SEEDS)
def test_archives(tmp_path: Path, seed: int, in_place: bool) -> None:
    rng, folder = random.Random(seed), tmp_path / "work"
    _archive(folder / "in")
    originals = visible(folder / "in")
    started = time.monotonic()
    assert complete([*RESTORE, "--out", "whole"], folder) == 0, (tmp_path / "told.txt").read_text()
    seconds = time.monotonic() - started
    expected = visible(folder / "whole")
    del expected["restored.jsonl"]
    words = [
        *RESTORE,
        "--out",
        *(["in", "--overwrite"] if in_place else ["out", "--skip-existing"]),
    ]
    for _ in range(1 if in_place else 3):
        kill_at_random(words, folder, rng, seconds)
        inputs, results = visible(folder / "in"), visible(folder / "out")
        inputs.pop("restored.jsonl", None)
        log = results.pop("restored.jsonl", b"")
        assert inputs.keys() == originals.keys()
        for name, content in inputs.items():
            assert content == originals[name] or (in_place and content == expected[name]), name
        assert all(expected[name] == content for name, content in results.items())
        whole_lines = log.decode().split("\n")[:-1]
        assert all(json.loads(line) for line in whole_lines)
    if not in_place:
        assert complete(words, folder) == 0
        results = visible(folder / "out")
        del results["restored.jsonl"]
        assert results == expected


def _served(folder: Path, told: Path) -> tuple[Any, str]:
    told.unlink(missing_ok=True)
    process = begin(["serve", "--no-open", "--port", "0", "--models", "models"], folder, told)
    while not (found := re.search(r"http://[^/\s]+", told.read_text() if told.exists() else "")):
        assert process.exitcode is None, told.read_text()
        time.sleep(0.02)
    return process, found[0]


def _asked(address: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
    request = urllib.request.Request(address, body, {"content-type": kind})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return bytes(reply.read())


def _restored_by_page(address: str, image: bytes) -> bytes:
    sent = json.loads(_asked(f"{address}/api/images?name=a.png", image, "application/octet-stream"))
    place = f"{address}/api/images/{sent['id']}"
    _asked(f"{place}/restore", json.dumps({"model": "classical:median"}).encode())
    while not json.loads(_asked(place))["result"]:
        time.sleep(0.02)
    return _asked(f"{place}/restored")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_page(tmp_path: Path, seed: int) -> None:
    folder, told = tmp_path / "work", tmp_path / "told.txt"
    for each in (folder / "models", folder / "in"):
        each.mkdir(parents=True)
    (folder / "models" / "mine.safetensors").write_bytes(b"precious")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)).save(
        folder / "in" / "a.png"
    )
    image = (folder / "in" / "a.png").read_bytes()
    assert (
        complete(["restore", "in/a.png", "--model", "classical:median", "--out", "a.png"], folder)
        == 0
    )
    before, rng = visible(folder), random.Random(seed)
    process, address = _served(folder, told)
    timer = threading.Timer(rng.uniform(0, 1.5), process.kill)
    timer.start()
    with contextlib.suppress(OSError, http.client.HTTPException):  # the server is gone
        while process.exitcode is None:
            assert _restored_by_page(address, image) == before["a.png"]
    process.join()
    assert visible(folder) == before
    process, address = _served(folder, told)
    try:
        assert _restored_by_page(address, image) == before["a.png"]
    finally:
        process.terminate()
        process.join()
    assert visible(folder) == before


def _job_done(address: str, place: str, order: dict[str, Any]) -> None:
    job = json.loads(_asked(f"{address}/api/trainings{place}", json.dumps(order).encode()))["id"]
    while (told := json.loads(_asked(f"{address}/api/jobs/{job}")))["state"] != "done":
        assert told["state"] in ("waiting", "running"), told
        time.sleep(0.05)


@cache
def _trained_by_page(base: Path) -> tuple[dict[str, np.ndarray], float]:
    folder = base / "whole page"
    folder.mkdir()
    process, address = _served(folder, base / "told page.txt")
    started = time.monotonic()
    _job_done(address, "", PAGE_TRAIN)
    process.terminate()
    process.join()
    return load_file(folder / "models" / "mine.safetensors"), time.monotonic() - started


def _children(number: int | None) -> set[int]:
    """Processes that a process has started."""
    threads = Path(f"/proc/{number}/task").glob("*/children")
    return {int(child) for each in threads for child in each.read_text().split()}


def _runs(number: int) -> bool:
    with contextlib.suppress(OSError):
        return "Z" not in Path(f"/proc/{number}/stat").read_text().rpartition(")")[2]
    return False


PAGE_TRAIN = {
    "name": "mine",
    "way": "damage",
    "clean": "digits",
    "degradation": "gaussian-noise(sigma=0.4)",
    "network": "conv(features=8)",
    "steps": 150,
}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_training_of_the_page(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    expected, seconds = _trained_by_page(tmp_path_factory.getbasetemp())
    folder, told, rng = tmp_path / "work", tmp_path / "told.txt", random.Random(seed)
    folder.mkdir()
    process, address = _served(folder, told)
    left: set[int] = set()

    def kill() -> None:
        left.update(_children(process.pid))
        process.kill()

    timer = threading.Timer(rng.uniform(0, seconds), kill)
    timer.start()
    with contextlib.suppress(OSError, http.client.HTTPException):  # the server is gone
        _job_done(address, "", PAGE_TRAIN)
    timer.join()
    process.join()
    # its training notices that the server is gone and stops, unless it ends by itself before
    until = time.monotonic() + PATIENCE_S
    while any(map(_runs, left)):
        assert time.monotonic() < until, "the training goes on without its server"
        time.sleep(0.05)
    process, address = _served(folder, told)
    try:
        unfinished = json.loads(_asked(f"{address}/api/data"))["unfinished"]
        if unfinished:
            _job_done(address, "/mine/resume", {})
        elif not (folder / "models" / "mine.safetensors").exists():
            _job_done(address, "", PAGE_TRAIN)
    finally:
        process.terminate()
        process.join()
    found = load_file(folder / "models" / "mine.safetensors")
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
