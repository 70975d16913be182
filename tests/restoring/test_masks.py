"""Masks: which image each belongs to, and how it is turned to lie on the stored rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from restorae.errors import BadImage, ShapeMismatch
from restorae.formats import open_original
from restorae.formats.orientation import upright
from restorae.restoring import Masks
from restorae.restoring.masks import laid_out_for
from tests.known_restorer import restore_file


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def turned(path: Path, values: np.ndarray, orientation: int) -> Path:
    """An image that says how it is to be turned."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    Image.fromarray(values).save(path, exif=tags)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_that_was_painted_upright_covers_what_it_covered(tmp_path, orientation):
    values = noise(20, 31)
    source = turned(tmp_path / "in.png", values, orientation)
    with Image.open(source) as opened:
        before = np.asarray(ImageOps.exif_transpose(opened))
    painted = np.zeros(before.shape, np.uint8)
    painted[2:9, 3:6] = 255
    Image.fromarray(painted).save(tmp_path / "mask.png")
    original = open_original(source)
    assert original.orientation == orientation
    mask = Masks(tmp_path / "mask.png").of(Path("in.png"), original)
    restore_file(source, tmp_path / "out.png", mask=mask)
    with Image.open(tmp_path / "out.png") as opened:
        assert opened.getexif()[0x0112] == orientation
        after = np.asarray(ImageOps.exif_transpose(opened))
    expected = np.where(painted > 0, np.rint(before * 0.5 + 63.75), before)
    assert np.array_equal(after, expected)
    assert np.array_equal(upright(values, orientation), before)


def test_a_mask_that_was_painted_on_the_stored_rows_stays(tmp_path):
    painted = np.zeros((20, 31), np.uint8)
    painted[2:9, 3:6] = 255
    original = open_original(turned(tmp_path / "in.png", noise(20, 31), 6))
    assert np.array_equal(laid_out_for(original, painted), painted)


def test_a_mask_of_another_size_is_refused(tmp_path):
    original = open_original(turned(tmp_path / "in.png", noise(20, 31), 1))
    with pytest.raises(
        ShapeMismatch,
        match=r"in\.png: is 31 × 20 pixels, its mask 20 × 31 .*Paint the mask on a copy",
    ):
        laid_out_for(original, np.zeros((31, 20), np.uint8))


def test_each_image_has_the_mask_of_its_name_whatever_the_suffix(tmp_path):
    for place, name in enumerate(("a.png", "inner/a.tif", "inner/b.c.png")):
        path = tmp_path / "masks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (31, 20), 10 + place).save(path)
    original, masks = (
        open_original(turned(tmp_path / "in.png", noise(20, 31), 1)),
        Masks(tmp_path / "masks"),
    )
    for name, value in (("a.jpg", 10), ("inner/a.png", 11), ("inner/b.c.jpg", 12)):
        assert (masks.of(Path(name), original) == value).all(), f"{name} was given another's mask"
    with pytest.raises(BadImage, match=r"holds no mask for b\.png"):
        masks.of(Path("b.png"), original)


def test_two_masks_for_one_image_are_refused(tmp_path):
    (tmp_path / "masks").mkdir()
    for suffix in (".png", ".tif"):
        Image.new("L", (31, 20)).save(tmp_path / "masks" / f"a{suffix}")
    with pytest.raises(BadImage, match=r"several masks for a\.png"):
        Masks(tmp_path / "masks").of(
            Path("a.png"), open_original(turned(tmp_path / "in.png", noise(20, 31), 1))
        )


@pytest.mark.parametrize(
    ("image", "value"),
    [
        (Image.new("L", (31, 20), 102), 102),
        (Image.new("RGB", (31, 20), (255, 255, 255)), 255),
        (Image.new("RGB", (31, 20), (255, 0, 0)), 76),
        (Image.new("1", (31, 20), 1), 255),
        (Image.new("RGBA", (31, 20), (255, 255, 255, 7)), 7),
        (Image.fromarray(np.full((20, 31), 51 * 257, np.uint16)), 51),
    ],
    ids=lambda each: each.mode if isinstance(each, Image.Image) else "",
)
def test_a_mask_may_be_painted_in_any_mode(tmp_path, image, value):
    image.save(tmp_path / "mask.png")
    original = open_original(turned(tmp_path / "in.png", noise(20, 31), 1))
    assert (Masks(tmp_path / "mask.png").of(Path("in.png"), original) == value).all()
