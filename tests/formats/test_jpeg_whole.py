"""JPEGs as they come: damaged, without an end, with films, gain maps and further images behind them."""

from __future__ import annotations

import contextlib
import io
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from restorae.errors import BadImage
from restorae.formats import jpeg_damage, open_original, read_still
from restorae.formats.jpeg_damage import NO_END, examine
from restorae.formats.jpeg_structure import read_structure
from restorae.formats.jpeg_trailer import mpf_images
from restorae.formats.xmp import promises
from tests.known_restorer import identity, restore_file

PHOTO = data.astronaut()[:199, :233]
HDR = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:h="http://ns.adobe.com/hdr-gain-map/1.0/" h:Version="1.0" a:b="c"/>'


def jpeg(values: np.ndarray = PHOTO, **options: object) -> bytes:
    content = io.BytesIO()
    Image.fromarray(values).save(content, "jpeg", quality=90, **options)
    return content.getvalue()


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def restored(folder: Path, content: bytes, target: str = "out.jpg", **options: object) -> Path:
    (folder / "in.jpg").write_bytes(content)
    restore_file(folder / "in.jpg", folder / target, identity(), **options)
    return folder / target


KINDS = {
    "baseline": {},
    "4:2:2": {"subsampling": 1},
    "4:4:4, own tables": {"subsampling": 0, "optimize": True},
    "restart markers": {"restart_marker_rows": 1},
    "progressive": {"progressive": True},
}
CUT = {
    "cut in the middle": lambda content: content[: len(content) // 2],
    "cut near its end": lambda content: content[:-400],
    "its second half was never written": lambda content: content[: len(content) // 2].ljust(
        len(content), b"\0"
    ),
    "a hole": lambda content: content[:9000] + bytes(4096) + content[13096:],
    "foreign bytes": lambda content: (
        content[:9000] + np.random.default_rng(0).bytes(4096) + content[13096:]
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_sound_ones_are_read_without_a_word(tmp_path, kind):
    for values in (PHOTO, PHOTO[:8, :8], PHOTO[..., 0], np.full((70, 90, 3), 200, np.uint8)):
        (tmp_path / "in.jpg").write_bytes(jpeg(values, **KINDS[kind]))
        assert open_original(tmp_path / "in.jpg").notices == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("damage", CUT)
def test_damage_is_said_on_every_way_in(tmp_path, kind, damage):
    (tmp_path / "in.jpg").write_bytes(CUT[damage](jpeg(**KINDS[kind])))
    for read in (open_original, read_still):
        with pytest.raises(BadImage, match="damaged"):
            read(tmp_path / "in.jpg")


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_end_marker_is_said_and_all_pixels_are_there(tmp_path, kind):
    whole = jpeg(**KINDS[kind])
    (tmp_path / "whole.jpg").write_bytes(whole)
    (tmp_path / "in.jpg").write_bytes(whole[:-2])
    assert open_original(tmp_path / "in.jpg").notices == (NO_END,)
    assert np.array_equal(read_still(tmp_path / "in.jpg"), read_still(tmp_path / "whole.jpg"))


def test_padding_behind_the_last_pixel_is_no_damage(tmp_path):
    whole = jpeg()
    (tmp_path / "in.jpg").write_bytes(whole[:-2] + bytes(3000) + whole[-2:])
    assert open_original(tmp_path / "in.jpg").notices == ()


@pytest.mark.parametrize(
    ("luma", "chroma", "coarser"),
    [(0x22, 0x11, True), (0x21, 0x11, False), (0x12, 0x11, False), (0x11, 0x11, False)],
)
def test_chroma_never_becomes_coarser(tmp_path, luma, chroma, coarser):
    subsampling = {0x22: 2, 0x21: 1, 0x11: 0}.get(luma, 1)
    content = bytearray(jpeg(np.ascontiguousarray(PHOTO[:, :199]), subsampling=subsampling))
    if luma == 0x12:  # 4:4:0 is 4:2:2 on its side: the same blocks in another order
        frame = next(
            each for each in read_structure(bytes(content)).segments if each.marker == 0xC0
        )
        content[frame.start + 7] = luma
    result = restored(tmp_path, bytes(content))
    assert read_structure(result.read_bytes()).halves_chroma_both_ways == coarser
    if not coarser:
        before, after = (read_still(path).astype(int) for path in (tmp_path / "in.jpg", result))
        assert np.abs(before - after).mean() < 3


def test_what_lies_behind_the_image_comes_along(tmp_path):
    film = b"\0\0\0\x18ftypmp42" + bytes(500)
    first = jpeg()
    result = restored(tmp_path, first + film).read_bytes()
    assert result.endswith(b"\xff\xd9" + film)
    assert result != first + film


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_index_of_further_images_is_made_true_without_previews(tmp_path, order):
    further = preview, gain_map = [jpeg(PHOTO[:60, :80, 0]), jpeg(PHOTO[:30, :40])]
    entries = 8 + 2 + 12 + 4

    def index(places: list[tuple[int, int]]) -> bytes:
        mark = b"II*\0" if order == "<" else b"MM\0*"
        head = b"MPF\0" + mark + struct.pack(order + "I", 8)
        directory = struct.pack(order + "HHHIII", 1, 0xB002, 7, 48, entries, 0)
        kinds = (0x030000, 0x010001, 0x050000)
        rows = [
            struct.pack(order + "IIIHH", kind, size, place, 0, 0)
            for kind, (place, size) in zip(kinds, places, strict=True)
        ]
        return segment(0xE2, head + directory + b"".join(rows))

    plain = jpeg()
    length = len(plain) + len(index([(0, 0)] * 3))
    header = 2 + 4 + 4  # SOI, marker and length, MPF
    places = [(0, length), (length - header, len(further[0]))]
    places.append((length - header + len(further[0]) + 5, len(further[1])))
    content = plain[:2] + index(places) + plain[2:] + further[0] + bytes(5) + further[1]
    result = restored(tmp_path, content, quality=40).read_bytes()
    structure = read_structure(result)
    mpf = next(each for each in structure.segments if result[each.start :].startswith(b"MPF\0"))
    found = mpf_images(result[mpf.start : mpf.end], mpf.start)
    assert found[0].size == structure.end != length
    assert [result[each.place : each.place + each.size] for each in found[1:]] == [gain_map]
    assert preview not in result


def test_xmp_promises_nothing_that_stays_behind(tmp_path):
    first = jpeg()
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + HDR)
    content = first[:2] + xmp + first[2:] + jpeg(PHOTO[:50, :50])
    assert promises(HDR)
    assert HDR in restored(tmp_path, content).read_bytes()
    result = restored(tmp_path, content, "out.webp", kind="webp").read_bytes()
    assert b'a:b="c"' in result
    assert b"h:Version" not in result


def test_damage_is_found_while_other_threads_take_the_words_of_the_decoder(tmp_path: Path) -> None:
    pyvips = pytest.importorskip("pyvips")
    content = jpeg()
    cut, sound = tmp_path / "cut.jpg", tmp_path / "sound.jpg"
    cut.write_bytes(content[: len(content) // 2])
    strange = content.replace(b"JFIF\0\1", b"JFIF\0\x09")  # a revision that the decoder warns of
    sound.write_bytes(strange)
    assert strange != content
    ended = threading.Event()

    def fail() -> None:
        image = pyvips.Image.black(1, 1)
        while not ended.is_set():
            with contextlib.suppress(pyvips.Error):
                image.get("nothing")

    thread = threading.Thread(target=fail)
    thread.start()
    try:
        for _ in range(20):
            jpeg_damage._examined.cache_clear()
            assert (examine(cut).damage or "").startswith("it is cut short: ")
    finally:
        ended.set()
        thread.join()
    assert examine(sound).damage is None
