"""Nothing that stays in a file shows the image as it was: thumbnails are left out, and that is told."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from restorae.formats.contents import read_contents
from restorae.formats.thumbnails import without_exif_thumbnail, without_photoshop_thumbnail
from tests.known_restorer import identity, restore_file

VALUES = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)


def encoded(kind: str, values: np.ndarray = VALUES, **options: object) -> bytes:
    content = io.BytesIO()
    Image.fromarray(values).save(content, kind, **options)
    return content.getvalue()


OLD = encoded("jpeg", VALUES[::2, ::2])
ITS_PIXELS = OLD[-200:]


def exif(order: str = "<", behind: bytes = b"") -> bytes:
    """A maker's name, a thumbnail, and what lies behind that."""
    first = struct.pack(order + "HHHI4sI", 1, 0x010F, 2, 4, b"abc\0", 26)
    at = 8 + len(first) + 2 + 24 + 4
    second = struct.pack(order + "HHHIIHHII", 2, 513, 4, 1, at, 514, 4, 1, len(OLD)) + bytes(4)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return head + first + second + OLD + behind


def resources() -> bytes:
    def resource(number: int, content: bytes) -> bytes:
        head = b"8BIM" + struct.pack(">HHI", number, 0, len(content))
        return head + content + b"\0" * (len(content) % 2)

    return resource(1005, bytes(16)) + resource(1036, bytes(28) + OLD) + resource(1028, b"iptc")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("behind", [b"", b"a maker's note"])
def test_exif_keeps_its_other_values_in_their_places(order, behind):
    before = exif(order, behind)
    after = without_exif_thumbnail(b"Exif\0\0" + before).removeprefix(b"Exif\0\0")
    assert len(after) == (len(before) if behind else len(before) - len(OLD))
    found = Image.Exif()
    found.load(after)
    assert found[0x010F] == "abc"
    assert not found.get_ifd(1)
    assert ITS_PIXELS not in after
    assert after.endswith(behind)
    assert without_exif_thumbnail(after) == after


def test_photoshop_keeps_its_other_resources():
    after = without_photoshop_thumbnail(resources())
    assert after == resources()[:28] + resources()[-16:]


def write_jpeg(path: Path, **options: object) -> None:
    photoshop = b"Photoshop 3.0\0" + resources()
    content = encoded("jpeg", exif=b"Exif\0\0" + exif(), **options)
    segment = b"\xff\xed" + (len(photoshop) + 2).to_bytes(2, "big") + photoshop
    path.write_bytes(content[:2] + segment + content[2:])


def write_tiff(path: Path, compression: str | None) -> None:
    tags = [(34377, 7, len(resources()), resources(), True), (271, 2, 5, "maker", True)]
    tifffile.imwrite(path, VALUES, photometric="rgb", extratags=tags, compression=compression)


MADE = {
    "jpg": write_jpeg,
    "png": lambda path: path.write_bytes(encoded("png", exif=exif())),
    "webp": lambda path: path.write_bytes(encoded("webp", lossless=True, exif=exif())),
    "avif": lambda path: path.write_bytes(encoded("avif", exif=exif())),
    "tif": lambda path: write_tiff(path, None),
    "tiff": lambda path: write_tiff(path, "zlib"),
}


@pytest.mark.parametrize("suffix", MADE)
@pytest.mark.parametrize("other", ["jpeg", "webp", None])
def test_no_result_shows_the_image_as_it_was(tmp_path, suffix, other):
    source = tmp_path / f"in.{suffix}"
    MADE[suffix](source)
    assert ITS_PIXELS in source.read_bytes()
    target = tmp_path / f"out.{other or suffix}"
    _, said = restore_file(source, target, identity(), kind=other)
    assert ITS_PIXELS not in target.read_bytes()
    assert any("thumbnail" in each for each in said)
    if suffix.startswith("tif") and other is None:
        with tifffile.TiffFile(target) as opened:
            tags = opened.pages.first.tags
            assert tags[34377].value == without_photoshop_thumbnail(resources())
            assert tags[271].value == "maker"
    elif not suffix.startswith("tif"):
        with Image.open(target) as image:
            assert image.getexif()[0x010F] == "abc"
    assert "thumbnail" not in "".join(
        read_contents(target, other or {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix))
    )


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_thumbnails_within_xmp_are_left_out_and_told(tmp_path, kind):
    xmp = b"<x:xmpmeta>kept<xmp:Thumbnails>" + b"A" * 2**21 + b"</xmp:Thumbnails></x:xmpmeta>"
    source, target = tmp_path / f"in.{kind}", tmp_path / f"out.{kind}"
    if kind == "png":
        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        source.write_bytes(encoded("png", pnginfo=text))
    else:
        source.write_bytes(encoded("webp", lossless=True, xmp=xmp))
    _, said = restore_file(source, target, identity())
    assert any("thumbnail" in each for each in said)
    assert b"<x:xmpmeta>kept</x:xmpmeta>" in target.read_bytes()
