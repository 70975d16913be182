"""Levels and tiles: what a browser is shown is the image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restorae.errors import RestoraeError
from restorae.formats import open_original
from restorae.restoring import ImageFacts
from restorae.web.pyramid import SIDE, Pyramid, display_range, pyramid_bytes, write_pyramid
from tests.web.conftest import noise


def pyramid_of(path: Path) -> Pyramid:
    original = open_original(path)
    return write_pyramid(original, display_range(original, "auto"), path.parent, "before")


@pytest.mark.parametrize("shape", [(1, 1), (700, 1100), (513, 512, 3), (5, 2000), (1025, 3, 3)])
def test_tiles_together_are_the_image_and_each_level_its_means(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    pixels = noise(*shape)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    pyramid = pyramid_of(tmp_path / "a.png")
    assert (pyramid.height, pyramid.width) == shape[:2]
    rows = [
        np.concatenate([pyramid.tile(0, column, row) for column in range(-(-shape[1] // SIDE))], 1)
        for row in range(-(-shape[0] // SIDE))
    ]
    assert np.array_equal(np.concatenate(rows).reshape(shape), pixels)
    above = pixels.reshape(*shape[:2], -1).astype(float)
    for level in range(1, len(pyramid.sizes)):
        above = np.pad(above, ((0, above.shape[0] % 2), (0, above.shape[1] % 2), (0, 0)), "edge")
        means = above.reshape(above.shape[0] // 2, 2, above.shape[1] // 2, 2, -1).mean((1, 3))
        assert np.abs(pyramid.level(level) - means).max() <= 1, f"level {level}"
        above = pyramid.level(level).astype(float)
    assert max(pyramid.sizes[-1]) <= SIDE


def test_a_turned_image_is_shown_upright(tmp_path: Path) -> None:
    pixels = noise(20, 30, 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    pyramid = pyramid_of(tmp_path / "a.png")
    assert (pyramid.height, pyramid.width) == (30, 20)
    assert np.array_equal(pyramid.tile(0, 0, 0), np.rot90(pixels, -1))


def test_sixteen_bits_and_alpha_are_brought_to_what_a_screen_shows(tmp_path: Path) -> None:
    deep = np.linspace(0, 65535, 400).reshape(20, 20).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert (
        np.abs(
            pyramid_of(tmp_path / "deep.png").level(0)[..., 0].astype(int) - np.rint(deep / 257)
        ).max()
        <= 1
    )
    Image.fromarray(noise(20, 30, 4)).save(tmp_path / "see-through.png")
    assert np.array_equal(
        pyramid_of(tmp_path / "see-through.png").level(0), noise(20, 30, 4)[..., :3]
    )


def test_its_size_is_the_predicted_one(tmp_path: Path) -> None:
    Image.fromarray(noise(700, 900, 3)).save(tmp_path / "a.png")
    pyramid_of(tmp_path / "a.png")
    assert sum(path.stat().st_size for path in tmp_path.glob("*.pixels")) == pyramid_bytes(
        open_original(tmp_path / "a.png")
    )


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    Image.fromarray(noise(20, 30)).save(tmp_path / "a.png")
    pyramid = pyramid_of(tmp_path / "a.png")
    for place in ((0, 1, 0), (0, 0, -1), (5, 0, 0), (-1, 0, 0)):
        with pytest.raises(RestoraeError, match="There is no"):
            pyramid.tile(*place)


@pytest.mark.parametrize("bands", [0, 3, 5])
def test_what_is_shown_black_and_white_is_what_restore_maps_to_0_and_1(
    tmp_path: Path, bands: int
) -> None:
    """Of a stack all planes count, also those that are not shown."""
    planes = np.random.default_rng(0).integers(100, 900, (4, 30, 40, *([bands] if bands else [])))
    planes[3] *= 4
    np.save(tmp_path / "a.npy", planes.astype(np.uint16))
    original = open_original(tmp_path / "a.npy", axes="ZYXC" if bands else "ZYX")
    shown = display_range(original, "auto")
    restored = ImageFacts.measure(original, "auto").range_of((0,))
    assert (shown.low[0], shown.high[0]) == (restored.low[0], restored.high[0])
    assert shown.high[0] > 2000
    pyramid = write_pyramid(original, shown, tmp_path, "before")
    assert pyramid.level(0).shape == (30, 40, 3 if bands == 3 else 1)
