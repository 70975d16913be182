"""Metadata of JPEGs: what was said beside the old pixels is said beside the new ones, byte for byte."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import pyvips
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, IptcImagePlugin

from restorae.errors import BadImage
from restorae.formats.jpeg_segments import carry

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
MAKER_NOTE = b"Maker\0\xff\xd8\xff\xda" + bytes(range(256))
IPTC = b"\x1c\x02\x78" + struct.pack(">H", 11) + "Der Häuser".encode()
PHOTOSHOP = (
    b"Photoshop 3.0\0"
    + b"8BIM\x04\x04\0\0"
    + struct.pack(">I", len(IPTC))
    + IPTC
    + bytes(len(IPTC) % 2)
)


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def pixels(seed: int = 0, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (24, 40, channels), np.uint8).squeeze()


def exif() -> Image.Exif:
    tags = Image.Exif()
    tags[0x010F], tags[0x0112], tags[0x0132] = "Häuser & Söhne", 6, "1969:07:20 20:17:40"
    tags[0x8769] = {0x829A: (1, 125), 0x927C: MAKER_NOTE, 0x9286: b"UNICODE\0\xe4\0"}
    tags[0x8825] = {1: "N", 2: (47.0, 22.0, 30.5), 29: "1969:07:20"}
    return tags


def photograph(**more: object) -> bytes:
    """A JPEG with everything that Pillow can say beside the pixels, and a Photoshop segment."""
    options = {
        "exif": exif(),
        "icc_profile": PROFILE,
        "xmp": XMP,
        "comment": b"a comment",
        "dpi": (300, 299),
    } | more
    file = io.BytesIO()
    Image.fromarray(pixels()).save(file, "jpeg", **options)
    content = file.getvalue()
    return content[:2] + content[2:20] + segment(0xED, PHOTOSHOP) + content[20:]


def encoded(seed: int = 1, **options: object) -> bytes:
    return bytes(pyvips.Image.new_from_array(pixels(seed)).jpegsave_buffer(keep="none", **options))


def carried(original: bytes, new: bytes, **options: bool) -> bytes:
    result = io.BytesIO()
    carry(io.BytesIO(original), io.BytesIO(new), result, **options)
    return result.getvalue()


def segments(content: bytes) -> list[tuple[int, bytes]]:
    """Markers and content up to the first scan, read by the book."""
    found, place = [], 2
    while True:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        found.append((marker, content[place + 4 : place + 2 + length]))
        place += 2 + length
        if marker == 0xDA:
            return found


def metadata(content: bytes) -> list[tuple[int, bytes]]:
    return [
        (marker, said)
        for marker, said in segments(content)
        if 0xE0 <= marker <= 0xEF or marker == 0xFE
    ]


def scans(content: bytes) -> bytes:
    return content[
        content.index(
            b"\xff\xda", sum(len(said) + 4 for marker, said in segments(content) if marker != 0xDA)
        ) :
    ]


def look(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


# ------------------------------------------------------------------------------------------------- there and back


@pytest.mark.parametrize(
    "options",
    [{}, {"interlace": True}, {"optimize_coding": True}, {"subsample_mode": "off"}],
    ids=str,
)
def test_pillow_finds_all_that_the_original_said_beside_the_new_pixels(options):
    original, new = photograph(), encoded(**options)
    with (
        Image.open(io.BytesIO(original)) as before,
        Image.open(io.BytesIO(carried(original, new))) as after,
    ):
        assert np.array_equal(np.asarray(after), look(new))
        for name in (
            "exif",
            "icc_profile",
            "xmp",
            "comment",
            "dpi",
            "jfif",
            "jfif_density",
            "jfif_unit",
            "photoshop",
        ):
            assert after.info[name] == before.info[name], name
        assert after.getexif() == before.getexif()
        for directory in (0x8769, 0x8825):
            assert dict(after.getexif().get_ifd(directory)) == dict(
                before.getexif().get_ifd(directory)
            )
        assert after.getexif().get_ifd(0x8769)[0x927C] == MAKER_NOTE
        assert after.getexif().get_ifd(0x8825)[2] == (47.0, 22.0, 30.5)
        assert (
            IptcImagePlugin.getiptcinfo(after)
            == IptcImagePlugin.getiptcinfo(before)
            == {(2, 120): b"Der H\xc3\xa4user"}
        )


def test_tifffile_finds_the_exif_too():
    content = carried(photograph(), encoded())
    said = next(said for marker, said in metadata(content) if said.startswith(b"Exif\0\0"))
    with tifffile.TiffFile(io.BytesIO(said[6:])) as opened:
        tags = opened.pages.first.tags
        assert tags["Orientation"].value == 6
        assert tags["ExifTag"].value["MakerNote"] == MAKER_NOTE
        assert tags["GPSTag"].value["GPSLatitude"] == (47, 1, 22, 1, 61, 2)


@pytest.mark.parametrize("options", [{}, {"interlace": True}], ids=str)
def test_metadata_and_coded_pixels_are_the_same_bytes(options):
    original, new = photograph(), encoded(**options)
    result = carried(original, new)
    assert metadata(result) == metadata(original)
    assert scans(result) == scans(new)
    tables = [each for each in segments(new) if each not in metadata(new)]
    assert [each for each in segments(result) if each not in metadata(result)] == tables


def test_grey_and_an_image_without_metadata():
    new = encoded()
    bare = (
        b"\xff\xd8"
        + b"".join(segment(*each) for each in segments(new)[:-1] if each not in metadata(new))
        + scans(new)
    )
    assert carried(bare, new) == bare
    grey = bytes(pyvips.Image.new_from_array(pixels(3, 1)).jpegsave_buffer(keep="none"))
    assert np.array_equal(look(carried(photograph(), grey)), look(grey))


def test_large_profiles_and_extended_xmp_are_carried_in_all_their_parts():
    large = PROFILE + bytes(150_000)  # three segments
    extension = [
        segment(
            0xE1,
            b"http://ns.adobe.com/xmp/extension/\0"
            + b"0" * 32
            + struct.pack(">II", 120_000, at)
            + bytes([at // 60_000]) * 60_000,
        )
        for at in (0, 60_000)
    ]
    original = photograph(icc_profile=large)
    original = original[:20] + b"".join(extension) + original[20:]
    result = carried(original, encoded())
    assert metadata(result) == metadata(original)
    assert Image.open(io.BytesIO(result)).info["icc_profile"] == large


def test_a_profile_that_no_longer_describes_the_colours_is_left_out():
    result = carried(photograph(icc_profile=PROFILE + bytes(150_000)), encoded(), profile=False)
    assert "icc_profile" not in Image.open(io.BytesIO(result)).info
    assert Image.open(io.BytesIO(result)).info["exif"]


def test_every_kind_of_segment_is_carried_but_those_that_belong_to_the_old_file():
    extra = [(0xE0 + number, f"number {number}".encode()) for number in range(16)] + [
        (0xE2, b"MPF\0MM\0*\0\0\0\x08"),
        (0xE2, b"FPXR\0"),
        (0xFE, b""),
    ]
    original = photograph()
    result = carried(
        original[:20] + b"".join(segment(*each) for each in extra) + original[20:], encoded()
    )
    found = metadata(result)
    kept = [each for each in extra if each[0] != 0xEE and not each[1].startswith(b"MPF\0")]
    assert [each for each in found if each in extra] == kept


@pytest.mark.parametrize("transform", [0, 1])
def test_how_the_new_pixels_are_coded_is_said_by_the_new_file(transform):
    # the original's Adobe segment says that it is coded as RGB, or not; the other one's must be believed
    file = io.BytesIO()
    Image.fromarray(pixels(2)).save(file, "jpeg", keep_rgb=not transform)
    new = file.getvalue()
    old = photograph()
    old = old[:20] + segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([1 - transform])) + old[20:]
    if not transform:  # as Photoshop writes RGB: an Adobe segment that says so, and no JFIF
        new = (
            b"\xff\xd8"
            + segment(0xEE, b"Adobe\0\x64\0\0\0\0\0")
            + b"".join(segment(*each) for each in segments(new)[:-1] if each not in metadata(new))
            + scans(new)
        )
    result = carried(old, new)
    assert [said for marker, said in metadata(result) if marker == 0xEE] == [
        said for marker, said in metadata(new) if marker == 0xEE
    ]
    if transform:
        assert np.array_equal(look(result), look(new))


# -------------------------------------------------------------------------------------------------- odd and broken


def test_fill_bytes_stray_bytes_and_lone_markers_between_segments_are_passed_over():
    original = photograph()
    loose = (
        original[:2]
        + b"\xff\xff\xff"
        + original[2:20]
        + b"\0stray\xff\0"
        + b"\xff\xd0\xff\x01"
        + original[20:]
    )
    assert metadata(carried(loose, encoded())) == metadata(original)


def test_nothing_behind_the_first_scan_is_read():
    original = photograph()
    until = len(original) - len(scans(original))
    header = len(segments(original)[-1][1]) + 4
    assert carried(original[: until + header], encoded()) == carried(original, encoded())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "does not begin with FF D8"),
        (b"\x89PNG\r\n\x1a\n", "does not begin with FF D8"),
        (b"\xff\xd8", "cut short"),
        (b"\xff\xd8\xff\xd9", "ends before its pixels"),
        (b"\xff\xd8\xff\xe1\0\1", "segment FF E1 of length 1"),
        (b"\xff\xd8\xff\xe1\xff\xffExif", "cut short"),
        (b"\xff\xd8" + bytes(100_000), "65,536 bytes without a marker"),
        (b"\xff\xd8" + b"\xff" * 100_000, "65,536 bytes without a marker"),
    ],
)
@pytest.mark.parametrize("which", ["the original", "the encoded file"])
def test_a_header_that_cannot_be_walked_is_reported(content, told, which):
    good = encoded()
    with pytest.raises(BadImage, match=f"{which}: .*{told}"):
        carried(*((content, good) if which == "the original" else (good, content)))


def test_a_broken_file_is_reported_with_its_name(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8")
    with (
        (tmp_path / "broken.jpg").open("rb") as opened,
        pytest.raises(BadImage, match=r"broken\.jpg"),
    ):
        carry(opened, io.BytesIO(encoded()), io.BytesIO())


WHOLE, NEW = photograph(), encoded()


@settings(max_examples=300)
@given(
    places=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=4),
    kept=st.integers(0, 2 * len(WHOLE)),
)
def test_a_damaged_original_gives_an_image_or_a_sentence(places, kept):
    content = bytearray(WHOLE)
    for place, value in places:
        content[place] = value
    try:
        result = carried(bytes(content[:kept]), NEW)
    except BadImage:
        pass
    else:
        assert scans(result) == scans(NEW)
