"""`restorae restore` of films, as a person runs it."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.clips import Clip, decoded
from tests.command import run, start


def test_films_go_into_a_folder_with_a_log(tmp_path: Path) -> None:
    Clip(codec="libx264", sound="aac").save(tmp_path / "one.mp4")
    Clip().save(tmp_path / "two.avi")
    done = run(
        "restore", "one.mp4", "two.avi", "--model", "classical:median", "--out", "out", cwd=tmp_path
    )
    assert done.status == 0, done.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "one.mp4",
        "restored.jsonl",
        "two.mkv",
    ]
    assert "copied: audio stream 1 (aac, fra)" in done.err
    lines = [
        json.loads(line) for line in (tmp_path / "out" / "restored.jsonl").read_text().splitlines()
    ]
    assert [line["status"] for line in lines] == ["restored", "restored"]
    assert [line["frames"] for line in lines] == [16, 16]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("clip.mkv", "--out", "clip.mkv"), "is an input"),
        (("clip.mkv", "--out", "there.mkv"), "Use --overwrite"),
        (("clip.mkv", "--out", "out.avi"), ".mkv, .mp4"),
        (("clip.mkv", "grey.png", "--out", "out"), "separate runs"),
        (("grey.png", "--out", "out.png", "--codec", "ffv1"), "Omit --codec"),
        (("clip.mkv", "--out", "out.mkv", "--from", "2", "--to", "1"), "--to must be later"),
        (("clip.mkv", "--out", "out.mkv", "--from", "soon"), "not a time"),
        (("clip.mkv", "--out", "out.mkv", "--mask", "grey.png"), "Omit --mask"),
        (("clip.mkv", "--out", "sheet.png", "--preview", "1"), "must be a folder"),
        (("clip.mkv", "--out", "out.mkv", "--frame-rate", "24"), "Omit --frame-rate"),
        (("in/%03d.png", "--out", "out"), "no such file or folder"),
        (("clip.mkv", "--out", "out.mkv", "--codec", "prores"), "Use --codec ffv1"),
    ],
)
def test_wrong_requests_name_what_to_type(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    from PIL import Image

    Clip().save(tmp_path / "clip.mkv")
    (tmp_path / "there.mkv").touch()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "grey.png")
    done = run("restore", *words, "--model", "classical:median", cwd=tmp_path)
    assert done.status in (1, 2)
    assert said in done.complaint


def test_numbered_frames_are_named_by_pattern_and_previewed(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "in").mkdir()
    for number in range(3):
        image = np.random.default_rng(number).integers(0, 255, (40, 60), np.uint8)
        Image.fromarray(image).save(tmp_path / "in" / f"{number:03}.png")
    words = ("restore", "in/%03d.png", "--model", "classical:median")
    done = run(*words, "--out", "clean", cwd=tmp_path)
    assert done.status == 0, done.err
    assert {path.name for path in (tmp_path / "clean").iterdir()} == {
        *(f"{number:03}.png" for number in range(3)),
        "restored.jsonl",
    }
    done = run(*words, "--out", "sheets", "--preview", "2", cwd=tmp_path)
    assert done.status == 0, done.err
    assert [path.name for path in (tmp_path / "sheets").iterdir()] == ["in-shot-001.png"]


def test_a_part_that_cannot_be_decoded_is_a_failure_for_scripts(tmp_path: Path) -> None:
    Clip(stamps=range(0, 50 * 3600, 3600), options={"g": "1"}).save(tmp_path / "clip.mkv")
    content = (tmp_path / "clip.mkv").read_bytes()
    (tmp_path / "clip.mkv").write_bytes(content[: len(content) // 2])
    done = run(
        "restore", "clip.mkv", "--model", "classical:median", "--out", "out.mkv", cwd=tmp_path
    )
    assert done.status == 1
    assert "breaks off" in done.complaint
    assert len(decoded(tmp_path / "out.mkv")) > 10


def test_without_pyav_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Clip().save(tmp_path / "clip.mkv")
    monkeypatch.setitem(sys.modules, "av", None)
    done = run("restore", "clip.mkv", "--out", "out.mkv", cwd=tmp_path)
    assert done.status == 1
    assert "pip install 'restorae[film]'" in done.complaint


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """Killed whenever another piece is complete, and at drawn moments between."""
    Clip(stamps=range(0, 400 * 3600, 3600), codec="libx264", sound="aac").save(tmp_path / "c.mp4")
    words = ("restore", "c.mp4", "--model", "classical:median")
    assert run(*words, "--out", "whole.mkv", cwd=tmp_path).status == 0
    random, pieces = np.random.default_rng(0), tmp_path / "out.mkv.pieces"
    for wanted in (1, 3, 5):
        process = start(*words, "--out", "out.mkv", "--resume", cwd=tmp_path)
        while len(list(pieces.glob("*.nut"))) < wanted and process.poll() is None:
            time.sleep(0.005)
        time.sleep(random.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not (tmp_path / "out.mkv").exists()
    done = run(*words, "--out", "out.mkv", "--resume", cwd=tmp_path)
    assert done.status == 0, done.err
    assert (tmp_path / "out.mkv").read_bytes() == (tmp_path / "whole.mkv").read_bytes()
    assert not pieces.exists()
