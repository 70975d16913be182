"""References: what is read of them, and what gives no colours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from restorae.colouring.matching import Matcher, ReferenceCells
from restorae.colouring.opponent import weights_of
from restorae.colouring.references import content_of, find_references, read_reference
from restorae.colouring.sizes import CELL, working_size
from restorae.errors import RestoraeError
from restorae.film.colour.carrying import working_luma
from restorae.film.colour.own_frames import OwnFrameFinder
from restorae.formats import write_still
from tests.clips import av
from tests.coloured_film import (
    BT601,
    BT709,
    BT2020,
    FRAMES,
    HEIGHT,
    OWN,
    WIDTH,
    colour,
    rgb_of,
    save,
    scene,
)

BT601_WEIGHTS = weights_of(BT601, 0)


@pytest.mark.parametrize(
    ("matrix", "name"), [(BT601, "ITU601"), (BT709, "ITU709"), (BT2020, "BT2020")]
)
def test_chroma_is_that_of_ffmpeg(matrix: int, name: str) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    yuv = frame.reformat(
        format="yuv444p", dst_colorspace=matrix, src_color_range=2, dst_color_range=2
    )
    planes = [
        np.frombuffer(each, np.uint8).reshape(16, -1)[:, :16].astype(float) for each in yuv.planes
    ]
    weights = weights_of(matrix, 0)
    luma, chroma = weights.to_opponent(rgb / np.float32(255))
    for expected, found in zip(
        planes, [luma, *np.moveaxis(chroma + 128 / 255, -1, 0)], strict=True
    ):
        assert np.abs(found * 255 - expected).max() < 2
    assert np.abs(weights.to_rgb(luma, chroma) * 255 - rgb).max() < 0.01
    assert weights_of(2, 480) == weights_of(BT601, 0)
    assert weights_of(2, 1080) == weights_of(BT709, 0)


def test_black_bars_and_borders_give_no_colours() -> None:
    image = np.random.default_rng(0).uniform(0.1, 1, (100, 120)).astype(np.float32)
    image[:12], image[90:], image[:, :7] = 0.01, 0.01, 0.95
    image[:12, :7] = 0.01
    assert content_of(image) == (12, 90, 7, 120)
    assert content_of(np.full((50, 50), 0.5, np.float32)) == (0, 50, 0, 50)


@pytest.mark.parametrize("kind", ["cmyk", "deep", "alpha"])
def test_references_are_read_in_every_kind_of_pixels(kind: str, tmp_path: Path) -> None:
    from PIL import Image

    rgb, path = scene(1)[0], tmp_path / "reference.tif"
    if kind == "deep":
        write_still(path, rgb.astype(np.uint16) * 257)
    elif kind == "alpha":
        Image.fromarray(np.dstack([rgb, rgb[..., :1]])).save(path)
    else:
        Image.fromarray(rgb).convert("CMYK").save(path)
    write_still(tmp_path / "plain.png", rgb)
    plain = read_reference(tmp_path / "plain.png", weights_of(BT601, 0))
    found = read_reference(path, weights_of(BT601, 0))
    limit = 0.12 if kind == "cmyk" else 0.002  # inks have another gamut
    assert np.abs(found.chroma - plain.chroma).mean() < limit


def test_too_many_references_are_refused(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(501)]
    for path in paths:
        path.touch()
    with pytest.raises(RestoraeError, match="501 references"):
        find_references(paths)


def cut_out(rgb: np.ndarray, beneath: int, right: int) -> np.ndarray:
    """An image that is transparent from a column on, with values beneath."""
    alpha = np.full((*rgb.shape[:2], 1), 255, np.uint8)
    alpha[:, right:] = 0
    return np.concatenate([np.where(alpha > 0, rgb, np.uint8(beneath)), alpha], 2)


def test_transparent_parts_of_a_reference_vote_for_nothing(tmp_path: Path) -> None:
    rgb, half = scene(1)[0], WIDTH // 2
    wrong = rgb.copy()
    grey = rgb[:, half:] @ np.array([0.299, 0.587, 0.114])
    wrong[:, half:] = np.rint(grey)[..., None]  # colours beneath what is transparent are not taken
    alpha = np.full((*rgb.shape[:2], 1), 255, np.uint8)
    alpha[:, half:] = 0
    write_still(tmp_path / "part.png", np.concatenate([wrong, alpha], 2))
    cells = ReferenceCells.of(read_reference(tmp_path / "part.png", BT601_WEIGHTS))
    write_still(tmp_path / "whole.png", rgb)
    whole = ReferenceCells.of(read_reference(tmp_path / "whole.png", BT601_WEIGHTS))
    rows = working_size(HEIGHT, WIDTH)[0] // CELL
    assert cells.known is not None
    known, expected = cells.known.reshape(rows, -1), whole.chroma.reshape(rows, -1, 2)
    columns = known.shape[1] // 2
    assert known[:, :columns].all()
    assert not known[:, columns + 1 :].any()
    kept = cells.chroma.reshape(rows, -1, 2)[:, :columns]
    assert (kept - expected[:, :columns]).abs().max() < 0.01
    luma = BT601_WEIGHTS.to_opponent(rgb / np.float32(255))[0]
    found, all_of_it = (Matcher([each]).match(working_luma(luma)) for each in (cells, whole))
    assert found.sureness[:, columns + 2 :].mean() < 0.05 < 0.5 < all_of_it.sureness.mean()
    assert np.abs(found.chroma - all_of_it.chroma)[:, : columns - 2].mean() < 0.003


@pytest.mark.parametrize("beneath", [0, 255])
def test_a_frame_is_found_by_the_part_of_it_that_a_reference_shows(
    beneath: int, tmp_path: Path
) -> None:
    rgb = scene(FRAMES)
    write_still(tmp_path / "part.png", cut_out(rgb[OWN], beneath, 2 * WIDTH // 3))
    reference = read_reference(tmp_path / "part.png", BT601_WEIGHTS)
    finder = OwnFrameFinder(working_size(HEIGHT, WIDTH))
    finder.add(reference)
    for number, frame in enumerate(rgb):
        luma = BT601_WEIGHTS.to_opponent(frame / np.float32(255))[0]
        finder.see(number, working_luma(luma))
    assert finder.found(lambda frame: [0]) == {OWN: 0}


def test_strokes_stay_and_what_is_not_painted_is_found_as_elsewhere(tmp_path: Path) -> None:
    rgb = scene(3)
    save(tmp_path / "grey.mkv", rgb)
    painted = (slice(20, 40), slice(0, 24))
    grey = np.repeat((rgb[1] @ np.array([0.299, 0.587, 0.114]))[..., None], 3, 2)
    image = np.concatenate([grey, np.zeros_like(grey[..., :1])], 2)
    image[painted] = [*(200, 60, 60), 255]
    write_still(tmp_path / "strokes.png", np.rint(image).astype(np.uint8))
    log = tmp_path / "log.jsonl"
    report = colour(
        tmp_path / "grey.mkv",
        tmp_path / "out.mkv",
        tmp_path / "strokes.png",
        strength=0.0,
        film={"frame_log": log},
    )
    assert not report.failures, report.failures
    assert "frame 1 is the reference strokes.png" in report.films[0].notices
    found = rgb_of(tmp_path / "out.mkv")[1].astype(int)
    redness = found[..., 0] - found[..., 2]
    inner = (slice(23, 37), slice(3, 21))
    assert abs(redness[inner].mean() - 140) < 8
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[1]["reference"] == "strokes.png"
    assert lines[1]["colour_known"] < 0.3
    assert np.abs(redness[:, -8:]).mean() < 5  # nothing there looks like what is painted
