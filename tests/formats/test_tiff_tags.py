"""Metadata of TIFFs: what was said of the old pages is said of the new ones, value for value, in any order of bytes."""

from __future__ import annotations

import itertools
import logging
import struct
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, IptcImagePlugin, TiffImagePlugin

from restorae.errors import BadImage
from restorae.formats.tiff_tags import carry

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
MAKER_NOTE = bytes(range(256))
IPTC = b"\x1c\x02\x78\0\x07H\xc3\xa4user\0\0\0\0"
CODES = {
    1: "B",
    2: "s",
    3: "H",
    4: "I",
    5: "II",
    6: "b",
    7: "s",
    8: "h",
    9: "i",
    10: "ii",
    11: "f",
    12: "d",
    13: "I",
    16: "Q",
    17: "q",
    18: "Q",
}

Values = tuple[int, object]
"""A type, and one value, bytes, a list of values, or a further directory."""


def pixels(seed: int = 0, shape: tuple[int, ...] = (16, 24), dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def tiff(order: str, big: bool, pages: list[dict[int, Values]], image: bool = True) -> bytes:
    """A TIFF of 2 x 3 pixels a page, written from the format's description."""
    content = bytearray(
        (b"II" if order == "<" else b"MM")
        + struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, 16) if big else (42, 8)))
    )
    code, room = ("Q", 8) if big else ("I", 4)

    def directory(tags: dict[int, Values]) -> int:
        """Write a directory and all that it points to; the place of its pointer to the next."""
        start = len(content)
        content.extend(
            struct.pack(order + ("Q" if big else "H"), len(tags))
            + bytes(len(tags) * (8 + code_room) + room)
        )
        for place, tag in enumerate(sorted(tags)):
            kind, value = tags[tag]
            if isinstance(value, dict):
                content.extend(bytes(len(content) % 2))
                kind = 16 if big else 4
                count, raw = 1, struct.pack(order + CODES[kind], len(content))
                directory(value)
            elif isinstance(value, bytes):
                count, raw = len(value) // struct.calcsize(CODES[kind]), value
            else:
                values = value if isinstance(value, list) else [value]
                count, raw = (
                    len(values) // len(CODES[kind]),
                    struct.pack(order + CODES[kind][0] * len(values), *values),
                )
            if len(raw) > room:
                content.extend(bytes(len(content) % 2))
                content.extend(raw)
                raw = struct.pack(order + code, len(content) - len(raw))
            entry = struct.pack(order + "HH" + code, tag, kind, count) + raw.ljust(room, b"\0")
            at = start + (8 if big else 2) + place * len(entry)
            content[at : at + len(entry)] = entry
        return start + (8 if big else 2) + len(tags) * (8 + code_room)

    code_room = 12 if big else 4
    pointer = 0
    for number, tags in enumerate(pages):
        content.extend(bytes(len(content) % 2))
        if number:
            struct.pack_into(order + code, content, pointer, len(content))
        own: dict[int, Values] = {
            256: (3, 3),
            257: (3, 2),
            258: (3, 8),
            259: (3, 1),
            262: (3, 1),
            277: (3, 1),
            278: (3, 2),
            279: (4, 6),
        }
        pointer = directory((own | {273: (7, b"pixel" + bytes([number]))} if image else {}) | tags)
    if image:  # the strips' places were written as bytes, so that they would lie somewhere
        for found in range(len(content) - 12):
            if content[found : found + 8 + room // 8 * 4] == struct.pack(
                order + "HH" + code, 273, 7, 6
            ):
                struct.pack_into(order + "HH" + code, content, found, 273, 16 if big else 4, 1)
    return bytes(content)


ALL_TYPES: dict[int, Values] = {
    270: (2, b"H\xc3\xa4user\0"),
    271: (2, b"ab\0"),
    282: (5, [3_000_001, 10_007]),
    283: (5, [4_294_967_295, 7]),
    296: (3, 3),
    274: (3, 6),
    297: (3, [0, 2]),
    305: (2, b"scanner's program\0"),
    700: (1, XMP),
    33432: (2, b"somebody\0another\0"),
    33550: (12, [0.1, 1 / 3, -0.0]),
    34735: (3, list(range(20))),
    34853: (
        4,
        {0: (1, b"\2\3\0\0"), 1: (2, b"N\0"), 2: (5, [47, 1, 22, 1, 3051, 100]), 6: (5, [1, 3])},
    ),
    34665: (
        4,
        {
            33434: (5, [1, 125]),
            36864: (7, b"0232"),
            37380: (10, [-1, 3]),
            37500: (7, MAKER_NOTE),
            40965: (4, {1: (2, b"R98\0")}),
        },
    ),
    40001: (6, [-1, 5]),
    40002: (8, [-300, 300]),
    40003: (9, [-70_000, 2, 3]),
    40004: (11, [0.5, -1.5]),
    40005: (4, [2**32 - 1]),
    40006: (3, [65535]),
    40007: (1, b"\1\2\3"),
}
BIG_TYPES: dict[int, Values] = {40008: (16, [1, 2**32 - 1]), 40009: (17, [-5, 2**31 - 1])}
STRUCTURE = {
    254,
    256,
    257,
    258,
    259,
    262,
    273,
    277,
    278,
    279,
    284,
    317,
    322,
    323,
    324,
    325,
    330,
    338,
    339,
    347,
    530,
    532,
}


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)


def said(path: Path, page: int = 0) -> dict[int, tuple[int, int, object]]:
    """Type, count and value of each tag that does not say how pixels are stored, as tifffile reads them."""
    with tifffile.TiffFile(path) as opened:
        found = {}
        for tag in opened.pages[page].tags:
            if tag.code in STRUCTURE:
                continue
            value = tag.value
            if isinstance(value, dict):  # places of further directories stand in it as numbers
                value = {
                    name: each for name, each in value.items() if name != "InteroperabilityTag"
                }
            found[tag.code] = (0 if isinstance(value, dict) else int(tag.dtype), tag.count, value)
    return found


def is_sound(path: Path) -> None:
    """Directories lie on even places, their tags ascend, and the last one ends the chain."""
    with tifffile.TiffFile(path) as opened:
        for page in opened.pages:
            codes = [tag.code for tag in page.tags]
            assert codes == sorted(set(codes))
            assert page.offset % 2 == 0


KINDS = list(itertools.product("<>", (False, True)))


# ------------------------------------------------------------------------------------------------- there and back


@pytest.mark.parametrize("new", KINDS, ids=str)
@pytest.mark.parametrize("old", KINDS, ids=str)
def test_every_type_is_carried_exactly_between_byte_orders_and_sizes(tmp_path, old, new):
    original, encoded = tmp_path / "original.tif", tmp_path / "encoded.tif"
    original.write_bytes(tiff(*old, [ALL_TYPES | (BIG_TYPES if old[1] else {})]))
    array = pixels(1)
    tifffile.imwrite(encoded, array, byteorder=new[0], bigtiff=new[1], compression="zlib")
    notices = carry(original, encoded)
    assert [notice[:19] for notice in notices] == (
        ["its maker's note st"] if old[0] != new[0] else []
    )
    before, after = said(original), said(encoded)
    if old[1] and not new[1]:  # eight bytes became four
        for tag, kind in ((40008, 4), (40009, 9)):
            assert after[tag][0] == kind
            after[tag] = (before[tag][0], *after[tag][1:])
    assert after == before
    if new != (">", True):  # which Pillow does not know
        with Image.open(encoded) as opened:
            tags = opened.getexif()
            assert tags.get_ifd(0x8769)[37500] == MAKER_NOTE
            assert tags.get_ifd(0xA005) == {1: "R98"}
    assert np.array_equal(tifffile.imread(encoded), array)
    is_sound(encoded)
    if not new[1] and new[0] == "<":
        assert np.array_equal(pyvips.Image.new_from_file(str(encoded)).numpy(), array)


def pillows(path: Path, mode: str = "RGB", **options: object) -> None:
    tags = Image.Exif()
    tags[0x010F], tags[0x0112], tags[0x0132], tags[0x8298] = (
        "maker",
        3,
        "1969:07:20 20:17:40",
        "Söhne",
    )
    tags[0x8769] = {0x829A: TiffImagePlugin.IFDRational(1, 125)}
    tags[0x8825] = {1: "N", 2: (47.0, 22.0, 30.5)}
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[33723], info.tagtype[33723] = IPTC, 7
    info[700], info.tagtype[700] = XMP, 1
    info[270], info[274] = "a description", 3
    image = (
        Image.fromarray(pixels(0, (16, 24, 3))) if mode == "RGB" else Image.new(mode, (24, 16), 7)
    )
    image.save(path, exif=tags, tiffinfo=info, icc_profile=PROFILE, dpi=(300.5, 299), **options)


@pytest.mark.parametrize(
    ("mode", "options"),
    [("RGB", {}), ("RGB", {"big_tiff": True}), ("I;16B", {}), ("RGB", {"compression": "tiff_lzw"})],
    ids=str,
)
@pytest.mark.parametrize(
    "saved",
    [{}, {"bigtiff": True}, {"compression": "jpeg"}, {"tile": True, "pyramid": True}],
    ids=str,
)
def test_pillow_and_tifffile_find_what_pillow_wrote(tmp_path, mode, options, saved):
    pillows(tmp_path / "original.tif", mode, **options)
    array = pixels(1, (300, 200, 3)) if "tile" in saved else pixels(1, (16, 24, 3))
    pyvips.Image.new_from_array(array).tiffsave(str(tmp_path / "encoded.tif"), keep="none", **saved)
    untouched = pyvips.Image.new_from_file(str(tmp_path / "encoded.tif")).numpy()
    notices = carry(tmp_path / "original.tif", tmp_path / "encoded.tif")
    assert all("maker's note" in notice for notice in notices)
    assert said(tmp_path / "encoded.tif") == said(tmp_path / "original.tif")
    with (
        Image.open(tmp_path / "original.tif") as before,
        Image.open(tmp_path / "encoded.tif") as after,
    ):
        assert np.array_equal(
            np.asarray(after)[::-1, ::-1], untouched
        )  # Pillow turns it as its orientation says
        for name in ("dpi", "icc_profile", "xmp"):
            assert after.info[name] == before.info[name]
        for directory in (0x8769, 0x8825):
            assert dict(after.getexif().get_ifd(directory)) == dict(
                before.getexif().get_ifd(directory)
            )
        assert after.tag_v2[282] == before.tag_v2[282]
        assert IptcImagePlugin.getiptcinfo(after) == {(2, 120): IPTC[5:12]}
    assert np.array_equal(
        pyvips.Image.new_from_file(str(tmp_path / "encoded.tif")).numpy(), untouched
    )
    is_sound(tmp_path / "encoded.tif")


def test_libvips_finds_the_profile_and_the_rest(tmp_path):
    pillows(tmp_path / "original.tif")
    pyvips.Image.new_from_array(pixels(1, (16, 24, 3))).tiffsave(
        str(tmp_path / "encoded.tif"), keep="none"
    )
    carry(tmp_path / "original.tif", tmp_path / "encoded.tif")
    before, after = (
        pyvips.Image.new_from_file(str(tmp_path / name)) for name in ("original.tif", "encoded.tif")
    )
    for name in ("icc-profile-data", "xmp-data", "iptc-data", "orientation", "image-description"):
        assert after.get(name) == before.get(name)
    assert (after.xres, after.yres) == (before.xres, before.yres)


def test_iptc_that_is_called_longs_stays_as_it_was(tmp_path):
    (tmp_path / "original.tif").write_bytes(tiff(">", False, [{33723: (4, IPTC)}]))
    tifffile.imwrite(tmp_path / "encoded.tif", pixels(), byteorder="<")
    carry(tmp_path / "original.tif", tmp_path / "encoded.tif")
    assert IPTC in (tmp_path / "encoded.tif").read_bytes()


def test_a_profile_that_no_longer_describes_the_colours_is_left_out(tmp_path):
    pillows(tmp_path / "original.tif")
    pyvips.Image.new_from_array(pixels(1, (16, 24, 3))).tiffsave(
        str(tmp_path / "encoded.tif"), keep="none"
    )
    carry(tmp_path / "original.tif", tmp_path / "encoded.tif", profile=False)
    with Image.open(tmp_path / "encoded.tif") as opened:
        assert "icc_profile" not in opened.info
        assert opened.info["xmp"] == XMP


def test_what_only_the_encoder_says_of_itself_is_taken_out(tmp_path):
    (tmp_path / "original.tif").write_bytes(tiff("<", False, [{33432: (2, b"somebody\0")}]))
    tifffile.imwrite(
        tmp_path / "encoded.tif",
        pixels(),
        description="of the encoder",
        datetime=True,
        resolution=(3, 3),
    )
    assert carry(tmp_path / "original.tif", tmp_path / "encoded.tif") == []
    assert said(tmp_path / "encoded.tif").keys() == {33432}


def test_exif_of_a_jpeg_is_carried_too(tmp_path):
    # what stands in the segment behind "Exif 00 00"; its second directory is a thumbnail
    (tmp_path / "exif").write_bytes(
        tiff(
            ">",
            False,
            [ALL_TYPES, {513: (4, 0), 514: (4, 0), 270: (2, b"thumbnail\0")}],
            image=False,
        )
    )
    pyvips.Image.new_from_array(pixels(1)).copy(xres=2, yres=2).tiffsave(
        str(tmp_path / "encoded.tif"), keep="none", bigtiff=True
    )
    notices = carry(tmp_path / "exif", tmp_path / "encoded.tif", orientation=False)
    assert ["maker's note" in notice for notice in notices] == [True]
    found = said(tmp_path / "encoded.tif")
    assert found[34665][2]["MakerNote"] == MAKER_NOTE
    assert found[282][2] == (3_000_001, 10_007)
    assert found.get(274, (3, 1, 1))[2] == 1  # the pixels were turned upright


# ---------------------------------------------------------------------------------------------------------- pages


@pytest.mark.parametrize("order", "<>")
def test_each_page_keeps_what_was_said_of_it(tmp_path, order):
    pages = [
        {
            270: (2, f"page {number}\0".encode()),
            285: (2, b"%d\0" % number),
            282: (5, [number + 1, 7]),
            34665: (4, {33434: (5, [1, number + 1])}),
        }
        for number in range(5)
    ]
    (tmp_path / "original.tif").write_bytes(tiff(order, False, pages))
    with tifffile.TiffWriter(tmp_path / "encoded.tif") as writer:
        for number in range(5):
            writer.write(pixels(number), compression="zlib", metadata=None)
    assert carry(tmp_path / "original.tif", tmp_path / "encoded.tif") == []
    with tifffile.TiffFile(tmp_path / "encoded.tif") as opened:
        assert len(opened.pages) == 5
        for number, page in enumerate(opened.pages):
            assert np.array_equal(page.asarray(), pixels(number))
    for number in range(5):
        assert said(tmp_path / "encoded.tif", number) == said(tmp_path / "original.tif", number)
    is_sound(tmp_path / "encoded.tif")


def test_values_that_pages_share_stay_shared(tmp_path):
    content = bytearray(tiff("<", False, [{700: (1, XMP * 100)}, {700: (1, XMP * 100)}]))
    first, second = (
        content.index(struct.pack("<HHI", 700, 1, len(XMP) * 100), start)
        for start in (0, len(content) // 2)
    )
    content[second : second + 12] = content[first : first + 12]
    (tmp_path / "original.tif").write_bytes(content)
    with tifffile.TiffWriter(tmp_path / "encoded.tif") as writer:
        for number in range(2):
            writer.write(pixels(number), metadata=None)
    carry(tmp_path / "original.tif", tmp_path / "encoded.tif")
    assert (tmp_path / "encoded.tif").read_bytes().count(XMP) == 100
    assert (
        said(tmp_path / "encoded.tif", 1)[700]
        == said(tmp_path / "encoded.tif", 0)[700]
        == (1, len(XMP) * 100, XMP * 100)
    )


def test_pages_without_a_partner_are_reported(tmp_path):
    (tmp_path / "original.tif").write_bytes(
        tiff("<", False, [{270: (2, b"one\0")}, {270: (2, b"two\0")}])
    )
    tifffile.imwrite(tmp_path / "encoded.tif", pixels())
    assert carry(tmp_path / "original.tif", tmp_path / "encoded.tif") == [
        "what some of its 2 pages say was left out: the result has fewer"
    ]
    assert said(tmp_path / "encoded.tif")[270][2] == "one"


@pytest.mark.parametrize("subifd", [False, True])
def test_a_pyramid_stays_one_and_its_copies_keep_what_was_said_of_them(tmp_path, subifd):
    described = {"keep": "none", "tile": True, "tile_width": 64, "tile_height": 64, "pyramid": True}
    image = pyvips.Image.new_from_array(pixels(0, (300, 200, 3))).copy()
    image.set_type(pyvips.GValue.gstr_type, "image-description", "a slide")
    image.tiffsave(
        str(tmp_path / "original.tif"), **described | {"keep": "all"}, subifd=subifd, xres=4, yres=4
    )
    new = pyvips.Image.new_from_array(pixels(1, (300, 200, 3)))
    new.tiffsave(str(tmp_path / "encoded.tif"), **described, subifd=subifd)
    levels = []
    for before in (True, False):
        if not before:
            carry(tmp_path / "original.tif", tmp_path / "encoded.tif")
        with tifffile.TiffFile(tmp_path / "encoded.tif") as opened:
            levels.append([level.asarray() for level in opened.series[0].levels])
            assert len(levels[-1]) == 4
            assert bool(opened.pages.first.subifds) == subifd
    assert all(np.array_equal(*pair) for pair in zip(*levels, strict=True))
    assert said(tmp_path / "encoded.tif") == said(tmp_path / "original.tif")
    with (
        tifffile.TiffFile(tmp_path / "encoded.tif") as after,
        tifffile.TiffFile(tmp_path / "original.tif") as before,
    ):
        for ours, theirs in zip(after.series[0].levels, before.series[0].levels, strict=True):
            assert ours.pages[0].tags[282].value == theirs.pages[0].tags[282].value
    is_sound(tmp_path / "encoded.tif")


# ----------------------------------------------------------------------------------------------------- microscopes


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", "<>")
def test_ome_is_read_back_as_ome(tmp_path, order, big):
    array = pixels(0, (2, 3, 16, 24), np.uint16)
    metadata = {
        "axes": "CZYX",
        "PhysicalSizeX": 0.1,
        "PhysicalSizeXUnit": "µm",
        "Channel": {"Name": ["red", "blue"]},
    }
    tifffile.imwrite(
        tmp_path / "original.ome.tif",
        array,
        ome=True,
        metadata=metadata,
        byteorder=order,
        bigtiff=big,
    )
    restored = pixels(1, (2, 3, 16, 24), np.uint16)
    stack = pyvips.Image.new_from_array(restored.reshape(-1, 24)).copy()
    stack.set_type(pyvips.GValue.gint_type, "page-height", 16)
    stack.tiffsave(str(tmp_path / "encoded.ome.tif"), keep="none", compression="deflate")
    assert carry(tmp_path / "original.ome.tif", tmp_path / "encoded.ome.tif") == []
    with (
        tifffile.TiffFile(tmp_path / "original.ome.tif") as before,
        tifffile.TiffFile(tmp_path / "encoded.ome.tif") as after,
    ):
        assert after.ome_metadata == before.ome_metadata
        assert after.series[0].axes == "CZYX"
        assert np.array_equal(after.series[0].asarray(), restored)


def imagej(path: Path, order: str) -> dict[str, object]:
    """Write a hyperstack with all that ImageJ says of one."""
    metadata: dict[str, object] = {
        "axes": "ZCYX", "spacing": 0.5, "unit": "um", "mode": "composite", "Info": "Häuser 家", "Labels": [f"slice {n}" for n in range(6)],
        "Ranges": (0.0, 1.5, -3.0, 7e10, 1.0, 2.0), "LUTs": [pixels(n, (3, 256)) for n in range(3)], "ROI": b"Iout\0\xe4" + bytes(59),
        "Overlays": [b"Iout" + bytes(60), b"Iout" + bytes([1]) * 60], "Properties": {"Key": "Wert"},
    }  # fmt: skip
    tifffile.imwrite(
        path,
        pixels(0, (2, 3, 16, 24), np.uint16),
        imagej=True,
        metadata=metadata,
        byteorder=order,
        resolution=(1e4 / 3, 7),
    )
    return metadata


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}], ids=str)
@pytest.mark.parametrize("new", "<>")
@pytest.mark.parametrize("old", "<>")
def test_imagej_is_read_back_as_imagej_with_its_texts_ranges_and_overlays(
    tmp_path, old, new, options
):
    metadata = imagej(tmp_path / "original.tif", old)
    restored = pixels(1, (2, 3, 16, 24), np.uint16)
    tifffile.imwrite(
        tmp_path / "encoded.tif",
        restored.reshape(6, 16, 24),
        byteorder=new,
        metadata=None,
        **options,
    )
    with tifffile.TiffFile(tmp_path / "original.tif") as before:
        described = before.pages.first.tags[270].value
    assert carry(tmp_path / "original.tif", tmp_path / "encoded.tif") == []
    with (
        tifffile.TiffFile(tmp_path / "original.tif") as before,
        tifffile.TiffFile(tmp_path / "encoded.tif") as after,
    ):
        assert after.pages.first.tags[270].value == described
        assert after.pages.first.tags[282].value == before.pages.first.tags[282].value
        assert (
            after.imagej_metadata.keys()
            == before.imagej_metadata.keys()
            >= metadata.keys() - {"axes"}
        )
        np.testing.assert_equal(after.imagej_metadata, before.imagej_metadata)
        assert after.series[0].axes == "ZCYX"
        assert np.array_equal(after.series[0].asarray(), restored)


def test_imagej_is_not_sent_to_where_its_planes_are_not(tmp_path):
    # it believes that those of an uncompressed stack lie side by side, and so does tifffile
    imagej(tmp_path / "original.tif", "<")
    restored = pixels(1, (6, 16, 24), np.uint16)
    with tifffile.TiffWriter(tmp_path / "encoded.tif") as writer:
        for plane in restored:
            writer.write(plane, metadata=None, contiguous=False)
    told = carry(tmp_path / "original.tif", tmp_path / "encoded.tif")
    assert told == [
        "its ImageJ description was left out: ImageJ would look for the planes side by side, where they do not lie here"
    ]
    assert np.array_equal(tifffile.imread(tmp_path / "encoded.tif", key=range(6)), restored)
    assert 282 in said(tmp_path / "encoded.tif")


def test_an_imagej_block_that_is_not_understood_is_left_out_when_the_byte_order_changes(tmp_path):
    block = b"IJIJ" + b"newk" + struct.pack(">I", 1) + b"content"
    (tmp_path / "original.tif").write_bytes(
        tiff(">", False, [{50838: (4, [12, 7]), 50839: (1, block)}])
    )
    for order in "<>":
        tifffile.imwrite(tmp_path / "encoded.tif", pixels(), byteorder=order)
        told = carry(tmp_path / "original.tif", tmp_path / "encoded.tif")
        assert (block in (tmp_path / "encoded.tif").read_bytes()) == (order == ">")
        assert told == (
            ["tag 50839 left out: in a byte order that cannot be changed"] if order == "<" else []
        )
        assert (50838 in said(tmp_path / "encoded.tif")) == (order == ">")


# -------------------------------------------------------------------------------------------------- odd and broken


def test_what_belongs_to_the_old_file_is_left_out_and_named(tmp_path):
    odd: dict[int, Values] = {
        34412: (7, b"LSM"),
        37724: (7, b"layers"),
        65000: (13, 8),
        320: (3, [0] * 6),
        301: (3, [0] * 65536),
        347: (7, b"x"),
    }
    content = bytearray(
        tiff(
            "<",
            False,
            [odd | {65001: (7, b"too long for the entry"), 65002: (7, b"abc"), 65003: (7, b"abc")}],
        )
    )
    for tag, at, value in ((65001, 8, 2**31), (65002, 4, 2**32 - 1), (65003, 2, 99)):
        place = content.index(struct.pack("<HH", tag, 7))
        struct.pack_into("<H" if at == 2 else "<I", content, place + at, value)
    (tmp_path / "original.tif").write_bytes(content)
    tifffile.imwrite(tmp_path / "encoded.tif", pixels(dtype=np.uint16), byteorder="<")
    assert sorted(carry(tmp_path / "original.tif", tmp_path / "encoded.tif")) == [
        "tag 65000 left out: pointing to a part of the old file",
        "tag 65003 left out: of an unknown type",
        "tags 34412, 37724 (Photoshop's layers) left out: made for the way in which the old file stores its pixels",
        "tags 65001, 65002 left out: values that lie outside the file",
    ]
    assert not said(tmp_path / "encoded.tif")
    assert np.array_equal(tifffile.imread(tmp_path / "encoded.tif"), pixels(dtype=np.uint16))


def test_numbers_that_a_classic_tiff_cannot_hold_are_left_out_and_named(tmp_path):
    (tmp_path / "original.tif").write_bytes(
        tiff(
            "<", True, [{40008: (16, [1, 2**32]), 40009: (17, [-(2**31) - 1]), 270: (2, b"one\0")}]
        )
    )
    tifffile.imwrite(tmp_path / "encoded.tif", pixels())
    assert carry(tmp_path / "original.tif", tmp_path / "encoded.tif") == [
        "tags 40008, 40009 left out: numbers of eight bytes, which a classic TIFF cannot hold"
    ]
    assert said(tmp_path / "encoded.tif").keys() == {270}


def test_a_classic_tiff_that_is_full_stays_as_it_was(tmp_path):
    (tmp_path / "original.tif").write_bytes(tiff("<", False, [ALL_TYPES]))
    tifffile.imwrite(tmp_path / "encoded.tif", pixels())
    before = (tmp_path / "encoded.tif").read_bytes()
    with (tmp_path / "encoded.tif").open("rb+") as opened:
        opened.truncate(2**32 - 200)  # a hole, which takes no room on the disk
    told = carry(tmp_path / "original.tif", tmp_path / "encoded.tif")
    assert told == [
        "its metadata were left out: they would lie beyond 4 GiB, where a classic TIFF cannot point"
    ]
    with (tmp_path / "encoded.tif").open("rb") as opened:
        assert opened.read(len(before)) == before
    assert (tmp_path / "encoded.tif").stat().st_size == 2**32 - 200


def test_until_the_last_write_the_file_is_as_it_was(tmp_path):
    # the header's pointer is what changes; whatever a crash leaves behind the end is not looked at
    (tmp_path / "original.tif").write_bytes(tiff(">", False, [ALL_TYPES]))
    tifffile.imwrite(tmp_path / "encoded.tif", pixels())
    before = (tmp_path / "encoded.tif").read_bytes()
    carry(tmp_path / "original.tif", tmp_path / "encoded.tif")
    after = (tmp_path / "encoded.tif").read_bytes()
    assert after[:4] == before[:4]
    assert after[8 : len(before)] == before[8:]
    (tmp_path / "encoded.tif").write_bytes(after[:4] + before[4:8] + after[8:-20])
    assert np.array_equal(tifffile.imread(tmp_path / "encoded.tif"), pixels())


def circle() -> bytes:
    content = bytearray(tiff("<", False, [{}, {}]))
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    (second,) = struct.unpack_from("<I", content, first + 2 + 12 * count)
    struct.pack_into("<I", content, second + 2 + 12 * 9, first)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is not a TIFF"),
        (b"II*\0", "is not a TIFF"),
        (b"II\x2b\0\x08\0\0\0\x10\0\0\0", "is not a TIFF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "is not a TIFF"),
        (b"II*\0" + struct.pack("<I", 0) + bytes(50), "names byte 0 of 58"),
        (b"II*\0" + struct.pack("<I", 4_000_000_000) + bytes(50), "names byte 4,000,000,000 of 58"),
        (
            b"II*\0" + struct.pack("<IH", 8, 65535) + bytes(50),
            "more tags .65,535 at byte 8. than fit",
        ),
        (
            b"II\x2b\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63) + bytes(50),
            "more tags .9,223,372,036,854,775,808 at byte 16",
        ),
        (circle(), "cyclic page list .after page 2"),
        (tiff("<", False, [{}])[:-30], "more tags|names byte"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_directories_that_cannot_be_walked_are_reported(tmp_path, content, told, first):
    broken, good = tmp_path / "broken.tif", tmp_path / "good.tif"
    broken.write_bytes(content)
    good.write_bytes(tiff("<", False, [{}]))
    with pytest.raises(BadImage, match=f"broken.tif: .*({told})"):
        carry(*((broken, good) if first else (good, broken)))
    assert (good.read_bytes(), broken.read_bytes()) == (tiff("<", False, [{}]), content)


def test_directories_that_lie_in_one_another_end(tmp_path):
    # EXIF that names itself, one that names its page, and a ladder of directories
    deep: dict[int, Values] = {270: (2, b"end\0")}
    for _ in range(100):
        deep = {34665: (4, deep)}
    (tmp_path / "original.tif").write_bytes(
        tiff("<", False, [{34665: (4, 8), 34853: (4, 2**31), 40965: (4, deep)}])
    )
    tifffile.imwrite(tmp_path / "encoded.tif", pixels())
    told = carry(tmp_path / "original.tif", tmp_path / "encoded.tif")
    assert "tag 34853 left out: pointing to what is not a directory" in told
    assert any("cyclic or nested too deeply" in notice for notice in told)
    assert np.array_equal(tifffile.imread(tmp_path / "encoded.tif"), pixels())


def test_tags_that_hold_the_same_bytes_again_and_again_are_refused(tmp_path):
    content = bytearray(tiff("<", False, [{tag: (7, bytes(8)) for tag in range(40000, 40500)}]))
    for tag in range(40000, 40500):
        place = content.index(struct.pack("<HHI", tag, 7, 8))
        struct.pack_into("<II", content, place + 4, len(content) - 1000 + tag % 7, 900 + tag % 101)
    (tmp_path / "original.tif").write_bytes(content)
    tifffile.imwrite(tmp_path / "encoded.tif", pixels())
    before = (tmp_path / "encoded.tif").read_bytes()
    with pytest.raises(BadImage, match="whose tags hold more than the file does"):
        carry(tmp_path / "original.tif", tmp_path / "encoded.tif")
    assert (tmp_path / "encoded.tif").read_bytes() == before


WHOLE = tiff(
    "<",
    False,
    [
        ALL_TYPES,
        {
            270: (2, b"second page\0"),
            330: (4, [8, 300]),
            50838: (4, [12, 8]),
            50839: (1, b"JIJIofni\1\0\0\0" + bytes(8)),
        },
    ],
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=6),
    kept=st.integers(0, 3 * len(WHOLE)),
    big=st.booleans(),
    order=st.sampled_from("<>"),
)
def test_a_damaged_original_gives_an_image_or_a_sentence(tmp_path, places, kept, big, order):
    content = bytearray(WHOLE)
    for place, value in places:
        content[place] = value
    (tmp_path / "original.tif").write_bytes(content[:kept])
    with tifffile.TiffWriter(tmp_path / "encoded.tif", bigtiff=big, byteorder=order) as writer:
        for number in range(2):
            writer.write(pixels(number), metadata=None)
    before = (tmp_path / "encoded.tif").read_bytes()
    try:
        carry(tmp_path / "original.tif", tmp_path / "encoded.tif")
    except BadImage:
        assert (tmp_path / "encoded.tif").read_bytes() == before
    else:
        with tifffile.TiffFile(tmp_path / "encoded.tif") as opened:
            assert all(
                np.array_equal(page.asarray(), pixels(number))
                for number, page in enumerate(opened.pages)
            )
            assert len(opened.pages) == 2
