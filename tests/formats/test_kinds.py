"""Which kind a file is of: by its content alone; what is read further, and what is refused by name."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from restorae.errors import BadImage
from restorae.formats import find_images, open_original, read_still
from restorae.formats.jpeg_xl import _size
from restorae.formats.raw import disguised_kind

VALUES = np.random.default_rng(0).integers(0, 256, (21, 34, 3), np.uint8)


def mosaic(path: Path, photometric: int = 32803, compression: int = 1) -> Path:
    """A raw file as cameras write them: a preview, and below it a mosaic."""
    values = np.random.default_rng(0).integers(0, 4000, (160, 120), np.uint16)
    with tifffile.TiffWriter(path) as writer:
        writer.write(VALUES, photometric="rgb", subifds=1, subfiletype=1)
        writer.write(values, photometric="minisblack", subfiletype=0)
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as opened:
        below = opened.pages[0].pages[0]
        places = [below.tags[tag].valueoffset for tag in (259, 262)]
    for place, value in zip(places, (compression, photometric), strict=True):
        struct.pack_into("<H", content, place, value)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("photometric", "compression"), [(32803, 1), (34892, 1), (1, 34713), (1, 32767)]
)
def test_raw_files_that_begin_as_tiff_does_are_refused_by_name(tmp_path, photometric, compression):
    path = mosaic(tmp_path / "in.tif", photometric, compression)
    for read in (open_original, read_still):
        with pytest.raises(BadImage, match=r"format camera raw, which is not read\. Develop it"):
            read(path)


def test_a_tiff_with_a_smaller_copy_is_no_raw_file(tmp_path):
    assert disguised_kind(mosaic(tmp_path / "in.tif", 1)) is None


STARTS = {
    "camera raw": [
        b"II*\0\x10\0\0\0CR\x02\0",
        b"IIRO\x08\0\0\0",
        b"IIU\0\x18\0\0\0",
        b"FUJIFILMCCD-RAW 0201",
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
        b"FOVb\0\0\2\0",
        b"\0MRM\0\0",
    ],
    "DICOM": [bytes(128) + b"DICM"],
    "FITS": [b"SIMPLE  =                    T"],
    "Zeiss CZI": [b"ZISRAWFILE"],
    "Nikon ND2": [b"\xda\xce\xbe\x0a\0\0"],
    "Photoshop": [b"8BPS\0\1"],
    "OpenEXR": [b"v/1\x01\2\0\0\0"],
    "NIfTI": [bytes(344) + b"n+1\0"],
}


@pytest.mark.parametrize(("title", "starts"), STARTS.items(), ids=STARTS)
def test_known_kinds_are_refused_by_name_and_counted_in_folders(tmp_path, title, starts):
    for number, start in enumerate(starts):
        path = tmp_path / f"{number}.png"
        path.write_bytes(start + bytes(400))
        with pytest.raises(
            BadImage,
            match=rf"(has the format {title}, which is not read|is a {title} file, which .*cannot decode)\. \w",
        ):
            open_original(path)
    Image.fromarray(VALUES).save(tmp_path / "sound.bmp")
    (tmp_path / "notes.txt").write_text("hello")
    found = find_images(tmp_path)
    assert (found.images, found.passed_over) == ((tmp_path / "sound.bmp",), {title: len(starts)})
    (notice,) = found.notices()
    assert f"{len(starts)} {title}" in notice.problem


@pytest.mark.parametrize(
    ("suffix", "mode", "options"),
    [
        (".bmp", "RGB", {}), (".bmp", "L", {}), (".bmp", "P", {}), (".bmp", "1", {}),
        (".gif", "P", {}), (".gif", "L", {}), (".ppm", "RGB", {}), (".pgm", "L", {}), (".pbm", "1", {}),
        (".jp2", "RGB", {}), (".jp2", "L", {}), (".j2k", "RGBA", {}), (".pgm", "I;16", {}), (".jp2", "I;16", {}),
    ],
)  # fmt: skip
def test_further_formats_give_the_values_that_pillow_reads(tmp_path, suffix, mode, options):
    if mode == "I;16":
        image = Image.fromarray(VALUES[..., 0].astype(np.uint16) * 257)
    else:
        image = Image.fromarray(np.dstack([VALUES, VALUES[..., :1]]), "RGBA").convert(mode)
    path = tmp_path / f"in{suffix}"
    image.save(path, **options)
    with Image.open(path) as opened:
        alike = {"P": "RGB", "1": "L", "I": "I;16"}.get(opened.mode, opened.mode)
        expected = np.asarray(opened if alike == opened.mode else opened.convert(alike))
    original = open_original(path)
    (page,) = original.pages
    values = original.rows(0).read(page.height)
    if expected.ndim == 2:
        values = values[..., 0] if values.shape[2] == 1 else values
        expected = expected if values.ndim == 2 else np.repeat(expected[..., None], 3, 2)
    assert np.array_equal(values, expected)
    assert (page.alpha == 1) == (mode == "RGBA")
    assert bool(original.notices) == (mode in ("P", "1") or suffix == ".gif")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"P2\n# a comment\n3 1\n15\n0 5 15\n", [0, 85, 255]),
        (b"P1 3 1\n1 0\n1", [0, 255, 0]),
        (b"P5 2 1 1023\n" + struct.pack(">2H", 0, 1023), [0, 65535]),
        (b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n\x07\x09", [7, 9]),
        (b"Pf\n2 1\n-1.0\n" + struct.pack("<2f", -1.5, 2.5), [-1.5, 2.5]),
    ],
)  # fmt: skip
def test_plain_values_by_the_book(tmp_path, content, expected):
    (tmp_path / "in.pnm").write_bytes(content)
    assert open_original(tmp_path / "in.pnm").rows(0).read(1).ravel().tolist() == expected
    (tmp_path / "in.pnm").write_bytes(content[:-3])
    with pytest.raises(BadImage, match=r"cut short|damaged"):
        open_original(tmp_path / "in.pnm")


def test_deep_colour_that_the_decoder_would_reduce_is_refused(tmp_path):
    pytest.importorskip("PIL")
    Image.fromarray(VALUES).save(tmp_path / "in.jp2")
    content = bytearray((tmp_path / "in.jp2").read_bytes())
    at = content.index(b"\xff\x4f\xff\x51") + 42  # Ssiz of each component: bits - 1
    content[at : at + 9 : 3] = bytes([15] * 3)
    (tmp_path / "in.jp2").write_bytes(content)
    with pytest.raises(BadImage, match=r"16 bits a value in 3 channels|cannot be read"):
        open_original(tmp_path / "in.jp2")


def test_all_frames_of_a_gif_are_pages(tmp_path):
    frames = [Image.fromarray(np.roll(VALUES, shift, 0)) for shift in range(3)]
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:], duration=50)
    assert len(open_original(tmp_path / "in.gif").pages) == 3


def test_heic_is_decoded_or_the_way_to_a_decoder_is_said(tmp_path, monkeypatch):
    pillow_heif = pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "somebody"
    photo = np.repeat(np.repeat(VALUES[:16, :16], 8, 0), 4, 1)
    heif = pillow_heif.from_bytes("RGB", (64, 128), photo.tobytes())
    heif.save(tmp_path / "in.heic", quality=95, exif=exif.tobytes())
    original = open_original(tmp_path / "in.heic")
    assert (original.pages[0].height, original.pages[0].width, original.orientation) == (64, 128, 1)
    assert b"somebody" in bytes(original.header.get("exif-data"))
    assert np.abs(read_still(tmp_path / "in.heic").astype(int) - np.rot90(photo, -1)).mean() < 20
    monkeypatch.setattr("restorae.formats.loaders.importlib.util.find_spec", lambda name: None)
    with pytest.raises(BadImage, match=r"HEVC.* pip install 'restorae\[heic\]'"):
        open_original(tmp_path / "in.heic")


@pytest.mark.parametrize(
    ("start", "size"),
    [
        ("ff0a1803488048080401006db02b5989", (100, 37)),
        ("ff0a5839100908040100e2d9162bf98b", (300, 400)),
        ("0000000c4a584c200d0a870a00000d476a786c63ff0a3a1f0000880408020100", (1000, 1)),
    ],
)
def test_the_size_of_a_jpeg_xl_is_known_before_it_is_decoded(tmp_path, start, size):
    """Files that libjxl wrote: the first bytes of each, one of them in a container."""
    (tmp_path / "in.jxl").write_bytes(bytes.fromhex(start))
    assert _size(tmp_path / "in.jxl") == size
