"""GIFs, read back frame by frame by another library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from restorae.errors import BadImage, OutputError
from restorae.formats import write_gif


def read_back(path: Path) -> tuple[np.ndarray, list[int], int | None]:
    """Frames (n, height, width, 3), how long each is shown in milliseconds, and how often it is repeated (0: for ever)."""
    with Image.open(path) as opened:
        assert opened.format == "GIF"
        frames, times = [], []
        for frame in ImageSequence.Iterator(opened):
            frames.append(np.asarray(frame.convert("RGB")))
            times.append(frame.info["duration"])
        return np.stack(frames), times, opened.info.get("loop")


def steps(count: int, height: int, width: int) -> np.ndarray:
    """Frames of a few flat greys, so that no palette is too small for them."""
    greys = np.array([0, 60, 130, 200, 255], np.uint8)
    return greys[np.random.default_rng(0).integers(0, 5, (count, height, width))]


@pytest.mark.parametrize(
    ("count", "height", "width"), [(1, 28, 28), (2, 9, 14), (7, 20, 11), (16, 28, 28)]
)
def test_every_frame_comes_back_grey_for_grey(tmp_path, count, height, width):
    frames = steps(count, height, width)
    write_gif(tmp_path / "walk.gif", frames)
    found, _, _ = read_back(tmp_path / "walk.gif")
    assert found.shape == (count, height, width, 3)
    off = np.abs(found.astype(int) - frames[..., None].astype(int))
    assert off.max() <= 3, f"greys are off by up to {off.max()}"


def test_colours_come_back(tmp_path):
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [250, 240, 20]], np.uint8)
    frames = colours[np.random.default_rng(0).integers(0, 4, (5, 12, 8))]
    write_gif(tmp_path / "walk.gif", frames)
    off = np.abs(read_back(tmp_path / "walk.gif")[0].astype(int) - frames.astype(int))
    assert off.max() <= 3, f"colours are off by up to {off.max()}"


def test_a_gradient_comes_back_within_the_palettes_reach(tmp_path):
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    frames = np.stack([np.tile(np.roll(ramp, 8 * place), (32, 1)) for place in range(4)])
    write_gif(tmp_path / "walk.gif", frames)
    off = np.abs(read_back(tmp_path / "walk.gif")[0].astype(int) - frames[..., None].astype(int))
    assert off.mean() < 4, f"greys are off by {off.mean():.1f} on average"


@pytest.mark.parametrize("milliseconds", [20, 80, 500])
def test_frames_are_shown_as_long_as_asked_for_again_and_again(tmp_path, milliseconds):
    write_gif(tmp_path / "walk.gif", steps(4, 10, 10), milliseconds)
    _, times, loop = read_back(tmp_path / "walk.gif")
    assert times == [milliseconds] * 4
    assert loop == 0


def test_frames_that_do_not_change_keep_their_time(tmp_path):
    frames = steps(3, 10, 10)[[0, 0, 1, 1, 1, 2]]
    write_gif(tmp_path / "walk.gif", frames, 50)
    _, times, _ = read_back(tmp_path / "walk.gif")
    assert sum(times) == 6 * 50


@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_any_size_is_written(tmp_path_factory, count, height, width, colour):
    path = tmp_path_factory.mktemp("gif") / "walk.gif"
    frames = np.random.default_rng(0).integers(
        0, 256, (count, height, width, *(3,) * colour), dtype=np.uint8
    )
    write_gif(path, frames)
    assert read_back(path)[0].shape[1:] == (height, width, 3)


def test_what_is_not_contiguous_is_written_as_it_looks(tmp_path):
    frames = steps(4, 10, 12)
    write_gif(tmp_path / "turned.gif", frames.transpose(0, 2, 1))
    write_gif(tmp_path / "copied.gif", frames.transpose(0, 2, 1).copy())
    assert (tmp_path / "turned.gif").read_bytes() == (tmp_path / "copied.gif").read_bytes()


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 10, 10), np.float32),
        np.zeros((10, 10), np.uint8),
        np.zeros((4, 10, 10, 4), np.uint8),
        np.zeros((4, 10, 10, 1), np.uint8),
        np.zeros((0, 10, 10), np.uint8),
        np.zeros((4, 0, 10), np.uint8),
        np.zeros((2, 2, 2, 2, 3), np.uint8),
    ],
    ids=lambda wrong: f"{wrong.dtype}{wrong.shape}",
)
def test_what_is_no_row_of_frames_is_refused_in_words(tmp_path, wrong):
    with pytest.raises(BadImage, match=r"walk\.gif: frames are \(n, height, width\)"):
        write_gif(tmp_path / "walk.gif", wrong)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_changes_nothing(tmp_path):
    (tmp_path / "file").write_text("a file")
    with pytest.raises(OutputError, match="could not be written"):
        write_gif(tmp_path / "file" / "walk.gif", steps(2, 5, 5))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_nothing_else_is_left_beside_it(tmp_path):
    write_gif(tmp_path / "walk.gif", steps(2, 5, 5))
    write_gif(tmp_path / "walk.gif", steps(3, 5, 5))
    assert [path.name for path in tmp_path.iterdir()] == ["walk.gif"]
    assert len(read_back(tmp_path / "walk.gif")[0]) == 3
