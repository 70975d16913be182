"""How TIFFs are laid out: pages, pyramids, stacks and their channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile

from restorae.errors import BadImage
from restorae.formats.tiff_layout import read_layout


def tiff(path: Path, values: np.ndarray, **options: object) -> Path:
    tifffile.imwrite(path, values, **{"photometric": "minisblack", **options})
    return path


def zeros(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.zeros(shape, dtype)


@pytest.mark.parametrize("subifd", [False, True])
def test_the_smaller_copies_of_a_pyramid_are_no_pages(tmp_path, subifd):
    pyvips.Image.black(600, 500).tiffsave(
        str(tmp_path / "in.tif"),
        tile=True,
        pyramid=True,
        subifd=subifd,
        tile_width=64,
        tile_height=32,
    )
    layout = read_layout(tmp_path / "in.tif")
    assert layout.pages == (0,)
    assert layout.pyramid
    assert layout.subifds == subifd
    assert layout.tile == (32, 64)


def test_tiles_without_pixels_are_refused_and_not_waited_for(tmp_path):
    image = pyvips.Image.black(600, 500)
    image.tiffsave(str(tmp_path / "in.tif"), tile=True, pyramid=True, tile_width=64)
    with tifffile.TiffFile(tmp_path / "in.tif", mode="r+") as opened:
        opened.pages.first.tags["TileLength"].overwrite(0)
    with pytest.raises(BadImage, match="tiles without pixels"):
        read_layout(tmp_path / "in.tif")


def test_smaller_copies_that_are_said_to_be_so_are_no_pages(tmp_path):
    with tifffile.TiffWriter(tmp_path / "in.tif") as writer:
        writer.write(zeros(100, 90))
        writer.write(zeros(30, 27), subfiletype=1)
    assert read_layout(tmp_path / "in.tif").pages == (0,)


def test_pages_that_happen_to_differ_in_size_are_pages(tmp_path):
    with tifffile.TiffWriter(tmp_path / "in.tif") as writer:
        for size in ((100, 90), (50, 45), (31, 8)):
            writer.write(zeros(*size))
    layout = read_layout(tmp_path / "in.tif")
    assert layout.pages == (0, 1, 2)
    assert not layout.pyramid
    assert not layout.uniform


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("none", "none", None, False, False)),
        ({"compression": "zlib", "predictor": True}, ("deflate", "horizontal", None, False, False)),
        ({"tile": (32, 16), "bigtiff": True}, ("none", "none", (32, 16), True, False)),
        ({"byteorder": ">"}, ("none", "none", None, False, True)),
    ],
    ids=str,
)
def test_how_it_was_written_is_known(tmp_path, options, expected):
    layout = read_layout(tiff(tmp_path / "in.tif", zeros(64, 64), **options))
    assert (
        layout.compression,
        layout.predictor,
        layout.tile,
        layout.bigtiff,
        layout.big_endian,
    ) == expected


@pytest.mark.parametrize(
    ("options", "shape", "axes", "channels"),
    [
        ({"ome": True, "metadata": {"axes": "ZCYX"}}, (2, 3), None, (0, 1, 2, 0, 1, 2)),
        ({"ome": True, "metadata": {"axes": "CZYX"}}, (3, 2), None, (0, 0, 1, 1, 2, 2)),
        ({"imagej": True, "metadata": {"axes": "TZCYX"}}, (1, 2, 3), None, (0, 1, 2, 0, 1, 2)),
        (
            {"imagej": True, "truncate": True, "metadata": {"axes": "ZCYX"}},
            (2, 3),
            None,
            (0, 1, 2, 0, 1, 2),
        ),
        ({"ome": True, "metadata": {"axes": "ZYX"}}, (4,), None, (0, 0, 0, 0)),
        ({"metadata": None}, (3,), None, (0, 0, 0)),
        ({"metadata": None}, (3,), "CYX", (0, 1, 2)),
        ({"metadata": None}, (3,), "cyx", (0, 1, 2)),
        ({"metadata": None}, (3,), "ZYX", (0, 0, 0)),
        ({"ome": True, "metadata": {"axes": "ZTYX"}}, (2, 3), "ZCYX", (0, 1, 2, 0, 1, 2)),
    ],
    ids=str,
)
def test_which_channel_each_page_shows(tmp_path, options, shape, axes, channels):
    path = tiff(
        tmp_path / ("in.ome.tif" if "ome" in options else "in.tif"),
        zeros(*shape, 20, 30, dtype=np.uint16),
        **options,
    )
    assert read_layout(path, axes).channels == channels


@pytest.mark.parametrize("axes", ["ZCYX", "TZCYX"])
def test_axes_that_name_more_than_the_file_says_are_refused(tmp_path, axes):
    path = tiff(tmp_path / "in.tif", zeros(6, 20, 30), metadata=None)
    with pytest.raises(
        BadImage,
        match=r"holds 6 pages and does not say how they are arranged.*Expected one, such as ZYX or CYX",
    ):
        read_layout(path, axes)


@pytest.mark.parametrize("axes", ["ZY", "ZZYX", "1YX"])
def test_axes_that_are_none_are_refused(tmp_path, axes):
    with pytest.raises(BadImage, match="one letter for each axis, Y and X among them"):
        read_layout(tiff(tmp_path / "in.tif", zeros(3, 20, 30), metadata=None), axes)


@pytest.mark.parametrize(
    ("shape", "options", "alpha"),
    [
        ((20, 30, 3), {"photometric": "rgb"}, 0),
        ((20, 30, 4), {"photometric": "rgb", "extrasamples": ["unassalpha"]}, 1),
        ((20, 30, 4), {"photometric": "rgb", "extrasamples": ["assocalpha"]}, 1),
        ((20, 30, 4), {"photometric": "rgb", "extrasamples": ["unspecified"]}, 1),
        ((20, 30, 5), {"photometric": "rgb", "extrasamples": ["unassalpha", "unspecified"]}, 2),
        ((20, 30, 5), {"photometric": "rgb", "extrasamples": ["unspecified", "unassalpha"]}, 1),
        ((20, 30, 5), {"planarconfig": "contig"}, 0),
        ((20, 30, 2), {"planarconfig": "contig", "extrasamples": ["unassalpha"]}, 1),
    ],
    ids=str,
)
def test_alpha_is_distinguished_from_channels(tmp_path, shape, options, alpha):
    assert read_layout(
        tiff(tmp_path / "in.tif", zeros(*shape), metadata=None, **options)
    ).alphas == (alpha,)


def test_colours_that_are_multiplied_by_alpha_are_not_put_in_place(tmp_path):
    # what is decoded is divided by alpha, and would no longer be what the file says it holds
    for extra, in_place in (("unassalpha", True), ("assocalpha", False)):
        layout = read_layout(
            tiff(
                tmp_path / "in.tif",
                zeros(20, 30, 4),
                photometric="rgb",
                extrasamples=[extra],
                metadata=None,
            )
        )
        assert (layout.contiguous is not None) == in_place
        assert layout.associated != in_place


def test_a_volume_in_one_page_is_refused_since_planes_would_be_lost(tmp_path):
    path = tiff(tmp_path / "in.tif", zeros(32, 64, 64), volumetric=True, tile=(16, 32, 32))
    with pytest.raises(BadImage, match="holds volumes, several planes in one page"):
        read_layout(path)


@pytest.mark.parametrize("content", [b"II*\0" + bytes(4), b"II*\0" + b"\xff" * 20, b"MM\0+"])
def test_what_is_no_tiff_is_refused_in_words(tmp_path, content):
    (tmp_path / "in.tif").write_bytes(content)
    with pytest.raises(BadImage, match=r"in\.tif"):
        read_layout(tmp_path / "in.tif")


def test_complex_numbers_are_refused(tmp_path):
    with pytest.raises(BadImage, match="holds complex64 values, which cannot be restored"):
        read_layout(tiff(tmp_path / "in.tif", np.zeros((4, 4), np.complex64)))
