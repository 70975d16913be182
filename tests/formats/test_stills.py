"""Stills: every kind of PNG and JPEG that people have, and every way in which a file can be broken."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as some
from PIL import Image, ImageOps

from restorae.errors import BadImage, OutputError, RestoraeError
from restorae.formats import image_files, read_outline, read_still, write_still

ORIENTATION = 0x0112


def random_pixels(*shape: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(
        0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True
    )


def smooth_pixels(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Pixels that JPEG keeps nearly as they are."""
    down, across = np.mgrid[0:height, 0:width]
    planes = [
        40 + 150 * down / height + 30 * across / width * (1 + place) / channels
        for place in range(channels)
    ]
    return np.squeeze(np.stack(planes, -1)).astype(np.uint8)


# ------------------------------------------------------------------------------------------------- there and back


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    some.arrays(
        st.sampled_from((np.uint8, np.uint16)),
        st.tuples(st.integers(1, 9), st.integers(1, 9))
        | st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)),
    )
)
def test_png_gives_the_pixels_back_and_their_depth(tmp_path, pixels):
    path = tmp_path / "image.png"
    write_still(path, pixels)
    back = read_still(path)
    assert back.dtype == pixels.dtype
    assert np.array_equal(back, pixels)
    outline = read_outline(path)
    assert (outline.height, outline.width) == pixels.shape[:2]
    assert (outline.channels, outline.bytes) == (3 if pixels.ndim == 3 else 1, pixels.nbytes)


def test_a_file_that_was_written_anew_is_read_anew(tmp_path):
    # libvips remembers what it has opened by name
    for seed in range(3):
        write_still(tmp_path / "image.png", random_pixels(5, 6, seed=seed))
        assert np.array_equal(read_still(tmp_path / "image.png"), random_pixels(5, 6, seed=seed))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(60, 40), (60, 40, 3), (60, 40, 1)], ids=str)
def test_png_of_ours_is_what_pillow_reads_too(tmp_path, dtype, shape):
    pixels = random_pixels(*shape, dtype=dtype)
    write_still(tmp_path / "image.png", pixels)
    with Image.open(tmp_path / "image.png") as opened:
        found = np.asarray(opened)
    if dtype is np.uint16 and len(shape) == 3 and shape[2] == 3:
        assert np.array_equal(
            found, pixels >> 8
        )  # Pillow has no 16-bit colour and keeps the upper byte
    else:
        assert np.array_equal(found, pixels.squeeze())
    assert read_still(tmp_path / "image.png").dtype == dtype


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".JPG"])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_gives_nearly_the_pixels_back(tmp_path, suffix, channels):
    pixels = smooth_pixels(50, 70, channels)
    write_still(tmp_path / f"image{suffix}", pixels)
    back = read_still(tmp_path / f"image{suffix}")
    assert back.shape == pixels.shape
    assert back.dtype == np.uint8
    assert np.abs(back.astype(int) - pixels).mean() < 2


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_of_16_bits_keeps_the_brightness(tmp_path, channels):
    pixels = smooth_pixels(50, 70, channels)
    write_still(tmp_path / "image.jpg", pixels.astype(np.uint16) * 257)
    back = read_still(tmp_path / "image.jpg")
    assert back.dtype == np.uint8
    assert back.shape == pixels.shape
    assert np.abs(back.astype(int) - pixels).mean() < 2


def test_quality_is_size_against_likeness(tmp_path):
    pixels = random_pixels(64, 64)
    write_still(tmp_path / "low.jpg", pixels, quality=10)
    write_still(tmp_path / "high.jpg", pixels, quality=99)
    assert (tmp_path / "low.jpg").stat().st_size < (tmp_path / "high.jpg").stat().st_size / 3
    off = [
        np.abs(read_still(tmp_path / name).astype(int) - pixels).mean()
        for name in ("low.jpg", "high.jpg")
    ]
    assert off[1] < off[0] / 3


# ------------------------------------------------------------------------------------------------- kinds of image

GREY, COLOUR = smooth_pixels(20, 31, 1), smooth_pixels(20, 31)
ALPHA = random_pixels(20, 31, seed=5)
PALETTE = Image.fromarray(COLOUR).quantize(16)

ZOO: dict[str, tuple[Image.Image, dict[str, object], np.ndarray]] = {
    "grey.png": (Image.fromarray(GREY), {}, GREY),
    "grey-interlaced-by-16.png": (
        Image.fromarray(GREY.astype(np.uint16) * 257),
        {},
        GREY.astype(np.uint16) * 257,
    ),
    "grey-alpha.png": (
        Image.merge("LA", (Image.fromarray(GREY), Image.fromarray(ALPHA))),
        {},
        GREY,
    ),
    "grey-one-value-clear.png": (Image.fromarray(GREY), {"transparency": 60}, GREY),
    "colour.png": (Image.fromarray(COLOUR), {}, COLOUR),
    "colour-alpha.png": (Image.fromarray(np.dstack([COLOUR, ALPHA])), {}, COLOUR),
    "palette.png": (PALETTE, {}, np.asarray(PALETTE.convert("RGB"))),
    "palette-clear.png": (PALETTE, {"transparency": 3}, np.asarray(PALETTE.convert("RGB"))),
    "black-and-white.png": (
        Image.fromarray(GREY).convert("1"),
        {},
        np.asarray(Image.fromarray(GREY).convert("1")).astype(np.uint8) * 255,
    ),
}


@pytest.mark.parametrize("name", ZOO)
def test_every_kind_of_png_is_read_as_grey_or_colour(tmp_path, name):
    image, options, expected = ZOO[name]
    image.save(tmp_path / name, **options)
    found = read_still(tmp_path / name)
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_kind_of_jpeg_is_read_as_grey_or_colour(tmp_path, mode):
    image = Image.fromarray(COLOUR).convert(mode)
    image.save(tmp_path / "image.jpg", quality=98)
    found = read_still(tmp_path / "image.jpg")
    expected = np.asarray(image.convert("L" if mode == "L" else "RGB"))
    assert found.shape == expected.shape
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - expected).mean() < (
        40 if mode == "CMYK" else 2
    )  # inks have a colour profile of their own


@pytest.mark.parametrize("name", ZOO)
def test_the_outline_is_what_reading_gives(tmp_path, name):
    image, options, _ = ZOO[name]
    image.save(tmp_path / name, **options)
    found, outline = read_still(tmp_path / name), read_outline(tmp_path / name)
    assert (outline.height, outline.width) == found.shape[:2]
    assert outline.channels == (3 if found.ndim == 3 else 1)
    assert outline.bytes == found.nbytes


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize(
    "size", [(6, 10), (700, 1100)], ids=["small", "larger than what libvips remembers"]
)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_stands_upright_as_its_orientation_says(tmp_path, suffix, size, orientation):
    image = Image.fromarray(smooth_pixels(*size))
    exif = image.getexif()
    exif[ORIENTATION] = orientation
    path = tmp_path / f"turned.{suffix}"
    image.save(path, exif=exif, compress_level=1)
    with Image.open(path) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    found = read_still(path)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= 4
    outline = read_outline(path)
    assert (outline.height, outline.width, outline.channels) == expected.shape


# ------------------------------------------------------------------------------------------------- broken files


def encoded(suffix: str) -> bytes:
    held = io.BytesIO()
    Image.fromarray(random_pixels(80, 90, 3)).save(held, {".png": "PNG", ".jpg": "JPEG"}[suffix])
    return held.getvalue()


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("kept", [0.001, 0.3, 0.95])
def test_an_image_that_is_cut_short_is_refused(tmp_path, suffix, kept):
    content = encoded(suffix)
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(content[: max(4, int(len(content) * kept))])
    with pytest.raises(BadImage, match=rf"cut\{suffix}: .*(cut short|not in a format)"):
        read_still(path)


@pytest.mark.parametrize("read", [read_still, read_outline])
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<html><body>404</body></html>", "is not in a format that is read"),
        (b"\0" * 500, "is not in a format that is read"),
        (b"\x89PNG\r\n\x1a\n", "cannot be read as an image"),
    ],
)
def test_what_only_has_the_name_of_an_image_is_refused(tmp_path, content, problem, read):
    path = tmp_path / "notes.png"
    path.write_bytes(content)
    with pytest.raises(BadImage, match=rf"notes\.png: {problem}"):
        read(path)


@pytest.mark.parametrize("read", [read_still, read_outline])
def test_an_empty_file_a_missing_one_and_a_folder_are_distinguished(tmp_path, read):
    (tmp_path / "empty.png").touch()
    with pytest.raises(BadImage, match=r"empty.png: is empty \(0 bytes\)"):
        read(tmp_path / "empty.png")
    with pytest.raises(BadImage, match=r"missing.png: does not exist"):
        read(tmp_path / "missing.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(BadImage, match=r"folder.png: is a directory"):
        read(tmp_path / "folder.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), kept=st.floats(0.5, 1))
def test_a_damaged_file_gives_pixels_or_a_sentence(tmp_path, suffix, place, value, kept):
    content = bytearray(encoded(suffix))
    content[int(place * len(content))] = value
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(content[: int(len(content) * kept)])
    told = None
    try:
        pixels = read_still(path)
        assert pixels.dtype in (np.uint8, np.uint16)
        assert pixels.ndim == 2 or pixels.shape[2] == 3
    except BadImage as error:
        told = str(error)
    assert told is None or str(path) in told


# ------------------------------------------------------------------------------------------------- writing


@pytest.mark.parametrize("name", ["image.gif", "image", "image.png.txt"])
def test_a_suffix_that_is_not_written_is_refused_with_those_that_are(tmp_path, name):
    with pytest.raises(BadImage, match=r"written as .png, .jpg, .tif, .webp, .avif"):
        write_still(tmp_path / name, GREY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((4, 4), 0.5, np.float32),
        np.zeros((4, 4), np.int64),
        np.zeros((4, 4, 7), np.uint8),
        np.zeros((2, 4, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 4), np.uint8),
    ],
    ids=lambda pixels: f"{pixels.dtype}{pixels.shape}",
)
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_pixels_that_a_still_cannot_hold_are_refused_and_not_bent(tmp_path, pixels, suffix):
    with pytest.raises(RestoraeError):
        write_still(tmp_path / f"image{suffix}", pixels)
    assert list(tmp_path.iterdir()) == []


def test_an_image_too_large_for_its_format_is_reported(tmp_path):
    with pytest.raises(RestoraeError, match=r"wide.jpg"):
        write_still(tmp_path / "wide.jpg", np.zeros((1, 70_000), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_nothing_is_left(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match="could not be written"):
        write_still(tmp_path / "file" / "image.png", GREY)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# ------------------------------------------------------------------------------------------------- finding


def test_images_are_found_below_a_folder_in_order(tmp_path):
    for name in (
        "b.png",
        "a.JPG",
        "sub/deep/c.jpeg",
        "sub/a.png",
        "notes.txt",
        ".hidden.png",
        ".git/d.png",
        "sub/e.png.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in image_files(tmp_path)]
    assert found == ["a.JPG", "b.png", "sub/a.png", "sub/deep/c.jpeg"]


def test_links_to_folders_are_not_followed(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").touch()
    (tmp_path / "images" / "loop").symlink_to(tmp_path / "images", target_is_directory=True)
    assert image_files(tmp_path / "images") == [Path(tmp_path / "images" / "a.png")]
