"""A film whose restoring is killed at any moment: nothing half-written has its name, and what is resumed equals what was never stopped."""

from __future__ import annotations

import os
import random
import time
from functools import cache
from pathlib import Path

import pytest

from tests.clips import Clip
from tests.killing import complete, kill_at_random, visible

pytest.importorskip("cv2", reason="OpenCV is not installed (extra film): films are not tested.")
SEEDS = range(int(os.environ.get("RESTORAE_KILLS", "2")))
"""CONTRIBUTING.md says how to try more."""
KILLS = 3
FRAMES, CUT = 200, 90
RESTORE = ["restore", "film.mkv", "--model", "film-cleaner", "--out", "out/film.mkv"]
RESTORE += ["--deflicker", "1", "--repair-map", "out/map.mkv", "--frame-log", "out/frames.jsonl"]
RESTORE += ["--quality", "90"]
pytestmark = pytest.mark.slow


def _film(folder: Path) -> None:
    """Two shots that flicker, with sound, in four pieces."""
    folder.mkdir(parents=True)
    (folder / "out").mkdir()
    shade = [(70 if number < CUT else 160) + 8 * (number % 2) for number in range(FRAMES)]
    stamps = range(0, FRAMES * 3600, 3600)
    Clip(stamps=stamps, height=24, width=32, sound="flac", shade=shade).save(folder / "film.mkv")


@cache
def _whole(base: Path) -> tuple[dict[str, bytes], float]:
    """What a run that was not stopped writes, and its seconds."""
    folder = base / "whole film" / "work"
    _film(folder)
    started = time.monotonic()
    assert complete(RESTORE, folder) == 0, (folder.parent / "told.txt").read_text()
    return visible(folder / "out"), time.monotonic() - started


@pytest.mark.parametrize("seed", SEEDS)
def test_films(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    expected, seconds = _whole(tmp_path_factory.getbasetemp())
    assert set(expected) == {"film.mkv", "map.mkv", "frames.jsonl"}
    rng, folder = random.Random(seed), tmp_path / "work"
    _film(folder)
    for number in range(KILLS):
        resume = ["--resume"] if number else []
        was_killed = kill_at_random([*RESTORE, *resume], folder, rng, seconds)
        results = visible(folder / "out")
        pieces = {name for name in results if "/" in name}
        for name in results.keys() - pieces:
            assert results[name] == expected[name], name
        if not was_killed:
            break
    else:
        status = complete([*RESTORE, "--resume"], folder)
        assert status == 0, (tmp_path / "told.txt").read_text()
    assert visible(folder / "out") == expected
