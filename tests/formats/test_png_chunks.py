"""Metadata of PNGs: what was said beside the old pixels is said beside the new ones, byte for byte."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from restorae.errors import BadImage
from restorae.formats.png_chunks import carry

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
SIGNATURE = b"\x89PNG\r\n\x1a\n"

Chunks = list[tuple[bytes, bytes]]


def pixels(
    seed: int = 0, shape: tuple[int, ...] = (24, 40, 3), dtype: type = np.uint8
) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def chunks(content: bytes) -> Chunks:
    """Names and content, read by the book."""
    found, place = [], 8
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        assert (
            zlib.crc32(content[place + 4 : place + 8 + length])
            == struct.unpack(">I", content[place + 8 + length : place + 12 + length])[0]
        )
        found.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def joined(parts: Chunks) -> bytes:
    return SIGNATURE + b"".join(chunk(*each) for each in parts)


def described(**options: object) -> bytes:
    """A PNG with all that Pillow can say beside the pixels."""
    tags = Image.Exif()
    tags[0x0112], tags[0x010F], tags[0x8769], tags[0x8825] = (
        8,
        "Häuser",
        {0x829A: (1, 125), 0x927C: bytes(range(256))},
        {1: "N", 2: (47.0, 22.0, 30.5)},
    )
    said = PngImagePlugin.PngInfo()
    said.add_text("Title", "Häuser")
    said.add_text("Comment", "long " * 500, zip=True)
    said.add_itxt("XML:com.adobe.xmp", XMP)
    said.add_itxt("Titel", "家", lang="de", tkey="Titel", zip=True)
    file = io.BytesIO()
    given_options = {
        "pnginfo": said,
        "exif": tags,
        "icc_profile": PROFILE,
        "dpi": (300, 150),
    } | options
    Image.fromarray(pixels()).save(file, "png", **given_options)
    return file.getvalue()


def encoded(array: np.ndarray | None = None, **options: object) -> bytes:
    image = pyvips.Image.new_from_array(pixels(1) if array is None else array)
    if image.format == "ushort":
        image = image.copy(interpretation="rgb16" if image.bands > 2 else "grey16")
    return bytes(image.pngsave_buffer(keep="none", **options))


def carried(original: bytes, new: bytes, **options: bool) -> bytes:
    result = io.BytesIO()
    assert carry(io.BytesIO(original), io.BytesIO(new), result, **options) == []
    return result.getvalue()


def with_chunks(original: bytes, before: Chunks = (), behind: Chunks = ()) -> bytes:
    parts = chunks(original)
    return joined([parts[0], *before, *parts[1:-1], *behind, parts[-1]])


def ancillary(content: bytes) -> Chunks:
    return [each for each in chunks(content) if each[0][0] & 0x20]


def look(content: bytes) -> np.ndarray:
    return np.asarray(pyvips.Image.new_from_buffer(content, "").numpy())


# ------------------------------------------------------------------------------------------------- there and back


@pytest.mark.parametrize("interlace", [False, True])
def test_pillow_finds_all_that_the_original_said_beside_the_new_pixels(interlace):
    original, new = described(), encoded(interlace=interlace)
    with (
        Image.open(io.BytesIO(original)) as before,
        Image.open(io.BytesIO(carried(original, new))) as after,
    ):
        before.load()
        assert np.array_equal(np.asarray(after), pixels(1))
        assert {
            name: said for name, said in after.info.items() if name != "interlace"
        } == before.info
        assert after.text == before.text
        assert after.text["Titel"].lang == "de"
        assert after.getexif() == before.getexif()
        for directory in (0x8769, 0x8825):
            assert dict(after.getexif().get_ifd(directory)) == dict(
                before.getexif().get_ifd(directory)
            )
        assert after.getexif().get_ifd(0x8769)[0x927C] == bytes(range(256))


@pytest.mark.parametrize(
    "array",
    [
        pixels(1, (5, 7)),
        pixels(1, (5, 7, 4)),
        pixels(1, (5, 7), np.uint16),
        pixels(1, (5, 7, 3), np.uint16),
    ],
    ids=lambda array: f"{array.shape}{array.dtype}",
)
def test_chunks_are_the_same_bytes_whatever_the_pixels(array):
    original, new = described(), encoded(array)
    result = carried(original, new)
    assert ancillary(result) == ancillary(original)
    assert [each for each in chunks(result) if each not in ancillary(result)] == [
        each for each in chunks(new) if each not in ancillary(new)
    ]
    assert np.array_equal(look(result).squeeze(), array)


def test_what_the_encoder_says_of_itself_is_left_out():
    image = pyvips.Image.new_from_array(pixels(1)).copy(xres=3, yres=3)
    new = bytes(image.pngsave_buffer(keep="none"))
    bare = joined([each for each in chunks(new) if not each[0][0] & 0x20])
    assert b"pHYs" in dict(chunks(new))
    assert carried(bare, new) == bare


KEPT: Chunks = [
    (b"gAMA", struct.pack(">I", 45455)),
    (b"cHRM", bytes(32)),
    (b"sBIT", b"\5\6\5"),
    (b"sPLT", b"few\0\x08\1\2\3\4\0\1"),
    *(
        (name, bytes(9))
        for name in (b"tIME", b"oFFs", b"sCAL", b"pCAL", b"sTER", b"cICP", b"cLLI", b"mDCV")
    ),
    (b"prVt", b"private and safe"),
    (b"tEXt", b"empty\0"),
]
LEFT: Chunks = [
    (name, bytes(6))
    for name in (b"bKGD", b"hIST", b"prVT", b"iDOT", b"acTL", b"fcTL", b"dSIG", b"caBX")
]


def test_what_stood_behind_the_pixels_stands_there_again():
    behind = [
        (b"eXIf", b"MM\0*\0\0\0\x08\0\0"),
        (b"tEXt", b"Late\0said"),
        (b"prVt", b""),
        *LEFT,
        (b"fdAT", bytes(20)),
    ]
    original = with_chunks(
        joined([each for each in chunks(described()) if each[0] != b"eXIf"]),
        [*KEPT[:3], *LEFT],
        behind,
    )
    names = [name for name, _ in chunks(carried(original, encoded()))]
    assert names[: names.index(b"IDAT")] == [
        b"IHDR",
        b"gAMA",
        b"cHRM",
        b"sBIT",
        b"iCCP",
        b"tEXt",
        b"zTXt",
        b"iTXt",
        b"iTXt",
        b"pHYs",
    ]
    assert names[len(names) - names[::-1].index(b"IDAT") :] == [b"eXIf", b"tEXt", b"prVt", b"IEND"]


@pytest.mark.parametrize("kept", KEPT, ids=lambda each: each[0].decode())
def test_every_kind_that_still_holds_is_carried(kept):
    assert kept in chunks(carried(with_chunks(described(), [kept]), encoded()))


@pytest.mark.parametrize("left", LEFT, ids=lambda each: each[0].decode())
def test_what_belongs_to_the_old_pixels_is_left_out(left):
    assert left not in chunks(carried(with_chunks(described(), [left]), encoded()))


def test_a_palette_and_its_transparency_are_not_carried_but_those_of_the_new_file_stay():
    file = io.BytesIO()
    Image.fromarray(pixels()).quantize(16).save(file, "png", transparency=3, dpi=(90, 90))
    original = with_chunks(file.getvalue(), [(b"sBIT", b"\5\5\5")])
    result = carried(original, encoded(), converted=True)
    assert [name for name, _ in chunks(result) if name != b"IDAT"] == [b"IHDR", b"pHYs", b"IEND"]
    again = carried(described(), file.getvalue())
    assert dict(chunks(again))[b"tRNS"] == dict(chunks(original))[b"tRNS"]
    assert np.array_equal(look(again), look(file.getvalue()))


@pytest.mark.parametrize(
    ("array", "options", "kept"),
    [
        (pixels(1), {}, True),
        (pixels(1), {"converted": True}, False),
        (pixels(1, (24, 40)), {}, False),
    ],
    ids=str,
)
def test_significant_bits_are_carried_while_the_type_is_the_same(array, options, kept):
    result = carried(with_chunks(described(), [(b"sBIT", b"\5\6\5")]), encoded(array), **options)
    assert (b"sBIT" in dict(chunks(result))) == kept


def test_colours_that_no_longer_hold_are_left_out_and_the_new_files_stay():
    colours = [(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", bytes(32)), (b"cICP", b"\1\r\0\1")]
    new = with_chunks(encoded(), [(b"sRGB", b"\0")])
    result = carried(with_chunks(described(), colours), new, profile=False)
    found = dict(chunks(result))
    assert not {b"iCCP", b"gAMA", b"cHRM", b"cICP"} & found.keys()
    assert found[b"sRGB"] == b"\0"
    assert b"eXIf" in found
    assert b"sRGB" not in dict(chunks(carried(described(), new)))


# -------------------------------------------------------------------------------------------------- odd and broken


def test_a_chunk_with_a_wrong_checksum_is_left_out_and_named():
    original = bytearray(described())
    original[original.index(b"eXIf") + 10] ^= 1
    result = io.BytesIO()
    assert carry(io.BytesIO(original), io.BytesIO(encoded()), result) == [
        "its eXIf was left out, since its checksum is wrong"
    ]
    assert ancillary(result.getvalue()) == [
        each for each in ancillary(described()) if each[0] != b"eXIf"
    ]


def test_a_chunk_larger_than_a_step_is_carried_whole():
    large = (b"prVt", np.random.default_rng(0).bytes(3 * 2**20 + 5))
    assert large in chunks(carried(with_chunks(described(), [large]), encoded()))


def test_an_original_that_is_cut_short_behind_its_first_pixels_keeps_what_it_said_before():
    original = with_chunks(described(), behind=[(b"tEXt", b"Late\0said")])
    result = io.BytesIO()
    told = carry(io.BytesIO(original[: original.index(b"Late")]), io.BytesIO(encoded()), result)
    assert told == ["it is cut short; metadata after its pixels was left out"]
    assert ancillary(result.getvalue()) == ancillary(described())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is not a PNG"),
        (b"\xff\xd8\xff\xe0", "is not a PNG"),
        (SIGNATURE, "cut short"),
        (SIGNATURE + b"\0\0\0\r", "cut short"),
        (SIGNATURE + b"\0\0\0\rIHDR" + bytes(12), "cut short"),
        (SIGNATURE + b"\xff\xff\xff\xffIHDR" + bytes(40), "cut short"),
        (SIGNATURE + chunk(b"IEND", b""), "begins with IEND, 0 bytes; expected IHDR"),
        (SIGNATURE + chunk(b"IHDR", bytes(12)), "begins with IHDR, 12 bytes; expected IHDR, 13"),
        (SIGNATURE + chunk(b"IHDR", bytes(13)) + chunk(b"\0\1\2\3", b""), "no name .00 01 02 03."),
        (SIGNATURE + chunk(b"IHDR", bytes(13)) + chunk(b"tEXt", b"a\0b"), "cut short"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_chunks_that_cannot_be_walked_are_reported(content, told, first):
    with pytest.raises(BadImage, match=told):
        carried(*((content, encoded()) if first else (encoded(), content)))


WHOLE, NEW = with_chunks(described(), KEPT[:4], [(b"tEXt", b"Late\0said")]), encoded()


@settings(max_examples=300)
@given(
    places=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=4),
    kept=st.integers(0, 2 * len(WHOLE)),
)
def test_a_damaged_original_gives_an_image_or_a_sentence(places, kept):
    content = bytearray(WHOLE)
    for place, value in places:
        content[place] = value
    result = io.BytesIO()
    try:
        carry(io.BytesIO(content[:kept]), io.BytesIO(NEW), result)
    except BadImage:
        pass
    else:
        critical = [each for each in chunks(result.getvalue()) if not each[0][0] & 0x20]
        assert critical == [each for each in chunks(NEW) if not each[0][0] & 0x20]
