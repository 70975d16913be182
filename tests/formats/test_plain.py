"""Plain companion files, read back by other libraries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from restorae.errors import BadImage
from restorae.formats import Original, Page, begin_plain, open_original, plain_suffix


def page(*shape: int, dtype: str = "uint8") -> Page:
    return Page(
        shape[0], shape[1], bands=shape[2] if len(shape) > 2 else 1, alpha=0, dtype=np.dtype(dtype)
    )


def write(path: Path, pages: list[np.ndarray], like: Original | None = None) -> Path:
    outlines = [page(*each.shape, dtype=each.dtype.str) for each in pages]
    with begin_plain(path, outlines, like) as writer:
        for index, values in enumerate(pages):
            writer.put(index, 0, values.reshape(*values.shape[:2], -1))
        writer.finish()
    return path


def values(*shape: int, dtype: str = "uint8") -> np.ndarray:
    return (np.arange(np.prod(shape)) % 251).reshape(shape).astype(dtype)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)], ids=str)
def test_png_holds_values(tmp_path, shape):
    with Image.open(write(tmp_path / "a.png", [values(*shape)])) as opened:
        assert np.array_equal(np.asarray(opened), values(*shape))


def test_tiff_holds_pages_of_any_size_type_and_number_of_channels(tmp_path):
    pages = [values(5, 7), values(6, 4, 5, dtype="uint16"), values(3, 3, 3, dtype="float32")]
    with tifffile.TiffFile(write(tmp_path / "a.tif", pages)) as opened:
        for found, expected in zip(opened.pages, pages, strict=True):
            assert found.dtype == expected.dtype
            assert np.array_equal(found.asarray(), expected)


def test_it_stands_upright_like_the_file_that_it_belongs_to(tmp_path):
    tags = Image.Exif()
    tags[0x0112] = 6
    Image.fromarray(values(5, 7)).save(tmp_path / "in.png", exif=tags)
    like = open_original(tmp_path / "in.png")
    with Image.open(write(tmp_path / "a.png", [values(5, 7)], like)) as opened:
        assert np.array_equal(np.asarray(opened), np.rot90(values(5, 7), -1))
    with tifffile.TiffFile(write(tmp_path / "a.tif", [values(5, 7)], like)) as opened:
        assert opened.pages.first.tags["Orientation"].value == 6
        assert np.array_equal(opened.asarray(), values(5, 7))


@pytest.mark.parametrize("axes", ["ZYX", "YXZ"])
def test_beside_an_array_it_has_its_shape(tmp_path, axes):
    np.save(tmp_path / "in.npy", np.zeros((4, 5, 6), np.uint8))
    like = open_original(tmp_path / "in.npy", axes)
    outline = like.pages[0]
    expected = values(4, 5, 6, dtype="float32")
    planes = np.moveaxis(expected, axes.index("Z"), 0)
    path = write(tmp_path / "a.npy", list(planes), like)
    assert len(planes) == len(like.pages)
    assert planes[0].shape == (outline.height, outline.width)
    found = np.load(path)
    assert found.dtype == np.float32
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    ("pages", "suffix"),
    [
        ([page(5, 7, 3)], ".png"),
        ([page(5, 7, dtype="uint16")], ".png"),
        ([page(5, 7, dtype="float32")], ".tif"),
        ([page(5, 7, 2)], ".tif"),
        ([page(5, 7), page(5, 7)], ".tif"),
    ],
    ids=str,
)
def test_the_suffix_that_can_hold_it(tmp_path, pages, suffix):
    assert plain_suffix(pages) == suffix
    if suffix == ".tif":
        with pytest.raises(BadImage, match=r"a\.png: PNG holds"):
            begin_plain(tmp_path / "a.png", pages)
