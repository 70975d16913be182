"""Originals: the type told by content, outlines, rows from the top, and what is refused in words."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from restorae.errors import BadImage, Fix
from restorae.formats import open_original


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def read_by(path: Path, count: int, page: int = 0) -> np.ndarray:
    """A page, so many rows at a time."""
    original = open_original(path)
    rows, height = original.rows(page), original.pages[page].height
    return np.concatenate([rows.read(min(count, height - top)) for top in range(0, height, count)])


@pytest.mark.parametrize("count", [1, 7, 100])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".npy"])
def test_rows_come_from_top_to_bottom_as_they_are_stored(tmp_path, suffix, count):
    values, path = noise(53, 31, 3), tmp_path / f"in{suffix}"
    if suffix == ".npy":
        np.save(path, values)
    else:
        Image.fromarray(values).save(path, **({"lossless": True} if suffix == ".webp" else {}))
    assert np.array_equal(read_by(path, count), values)


def test_an_outline_distinguishes_alpha_from_colour(tmp_path):
    for bands, alpha in ((2, 1), (3, 0), (4, 1)):
        Image.fromarray(noise(20, 30, bands)).save(tmp_path / "in.png")
        (page,) = open_original(tmp_path / "in.png").pages
        assert (page.height, page.width, page.bands, page.alpha, page.channels) == (
            20,
            30,
            bands,
            alpha,
            bands - alpha,
        )
        assert page.bytes == 20 * 30 * bands


@pytest.mark.parametrize("name", ["a b\n[page=2].png", "häuser.png", b"\xff\xfe.png"])
def test_names_of_any_bytes_are_read(tmp_path, name):
    path = tmp_path / (os.fsdecode(name) if isinstance(name, bytes) else name)
    Image.fromarray(noise(20, 30)).save(tmp_path / "plain.png")
    path.write_bytes((tmp_path / "plain.png").read_bytes())
    assert np.array_equal(read_by(path, 20)[..., 0], noise(20, 30))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".avif", ".npy", ".npz"])
def test_a_file_that_is_cut_short_is_refused_with_its_name(tmp_path, suffix):
    path, values = tmp_path / f"in{suffix}", noise(64, 64, 3)
    if suffix == ".npy":
        np.save(path, values)
    elif suffix == ".npz":
        np.savez(path, values)
    else:
        Image.fromarray(values).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadImage, match="in"):
        read_by(path, 64)


def test_a_wrong_checksum_is_refused(tmp_path):
    Image.fromarray(noise(64, 64)).save(tmp_path / "in.png")
    content = bytearray((tmp_path / "in.png").read_bytes())
    content[content.index(b"IDAT") + 200] ^= 1
    (tmp_path / "in.png").write_bytes(content)
    with pytest.raises(BadImage, match=r"in\.png: cannot be read as an image"):
        read_by(tmp_path / "in.png", 64)


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "is empty"), (b"XYZ89a" + bytes(40), "is not in a format that is read")],
)
def test_what_is_no_image_is_named(tmp_path, content, told):
    (tmp_path / "in.png").write_bytes(content)
    with pytest.raises(BadImage, match=rf"in\.png.* {told}"):
        open_original(tmp_path / "in.png")
    with pytest.raises(BadImage, match="is a directory"):
        open_original(tmp_path)
    with pytest.raises(BadImage, match="does not exist"):
        open_original(tmp_path / "absent.png")


def test_more_pixels_than_are_read_unasked_are_refused_with_the_option(tmp_path):
    Image.fromarray(noise(40, 30)).save(tmp_path / "in.png")
    with pytest.raises(BadImage, match="declares 0 megapixels") as caught:
        open_original(tmp_path / "in.png", most_pixels=1199)
    assert caught.value.message.fixes == (Fix("max_pixels", 1200),)
    assert open_original(tmp_path / "in.png", most_pixels=1200).pixels == 1200


def test_all_pages_count_against_the_limit(tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", noise(5, 20, 30), photometric="minisblack")
    with pytest.raises(BadImage) as caught:
        open_original(tmp_path / "in.tif", most_pixels=2999)
    assert caught.value.message.fixes == (Fix("max_pixels", 3000),)


@pytest.mark.parametrize(
    ("shape", "axes", "pages", "bands", "alpha"),
    [
        ((20, 30), None, 1, 1, 0),
        ((20, 30, 3), None, 1, 3, 0),
        ((20, 30, 4), None, 1, 4, 1),
        ((5, 20, 30), None, 5, 1, 0),
        ((5, 20, 30, 3), None, 5, 3, 0),
        ((2, 5, 20, 30), None, 10, 1, 0),
        ((20, 30, 5), "YXC", 1, 5, 0),
        ((5, 20, 30), "CYX", 1, 5, 0),
        ((2, 3, 20, 30), "ZCYX", 2, 3, 0),
        ((20, 30, 4), "YXZ", 4, 1, 0),
        ((30, 20), "XY", 1, 1, 0),
    ],
)
def test_sides_of_an_array_are_reported_by_its_shape_or_by_axes(
    tmp_path, shape, axes, pages, bands, alpha
):
    np.save(tmp_path / "in.npy", noise(*shape))
    original = open_original(tmp_path / "in.npy", axes)
    assert len(original.pages) == pages
    page = original.pages[0]
    assert (page.height, page.width, page.bands, page.alpha) == (20, 30, bands, alpha)


@pytest.mark.parametrize("axes", ["YX", "ZZYX", "ZTCX", "12YX", "ZCYXT"])
def test_axes_that_do_not_fit_are_refused_with_an_example(tmp_path, axes):
    np.save(tmp_path / "in.npy", noise(2, 3, 20, 30))
    with pytest.raises(BadImage, match=rf"'{axes}' does not fit .* such as ZCYX"):
        open_original(tmp_path / "in.npy", axes)


def test_axes_are_for_what_does_not_say_its_sides(tmp_path):
    Image.fromarray(noise(20, 30)).save(tmp_path / "in.png")
    with pytest.raises(BadImage, match="`axes` is for arrays and TIFF stacks"):
        open_original(tmp_path / "in.png", "YX")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(3),
        np.zeros((0, 3)),
        np.zeros((2, 2), complex),
        np.zeros((2, 2), "U3"),
        np.zeros((2, 2), "M8[s]"),
    ],
    ids=str,
)
def test_arrays_that_are_no_images_are_refused(tmp_path, array):
    np.save(tmp_path / "in.npy", array)
    with pytest.raises(BadImage, match="images are"):
        open_original(tmp_path / "in.npy")
