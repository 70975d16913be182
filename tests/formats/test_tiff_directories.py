"""The directories of TIFFs: what tifffile finds in them, and files that lie."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from restorae.errors import BadImage
from restorae.formats.tiff_directories import Directory, Tiff


def pages_of(path: Path) -> list[Directory]:
    with path.open("rb") as opened:
        return Tiff(opened, path).pages()


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", "<>")
def test_tags_their_types_and_places_are_those_that_tifffile_finds(tmp_path, order, big):
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path, byteorder=order, bigtiff=big) as writer:
        for page in range(3):
            writer.write(
                np.zeros((20, 9 + page, 3), np.uint8),
                tile=(16, 16),
                description=f"page {page}",
                resolution=(page + 1, 7),
                metadata=None,
            )
    found = pages_of(path)
    with path.open("rb") as handle, tifffile.TiffFile(path) as opened:
        ours = Tiff(handle, path)
        assert (ours.order, ours.big, len(found)) == (order, big, 3)
        for directory, page in zip(found, opened.pages, strict=True):
            theirs = {tag.code: (int(tag.dtype), tag.count, tag.valueoffset) for tag in page.tags}
            assert {
                tag: (entry.type, entry.count, entry.place)
                for tag, entry in directory.entries.items()
            } == theirs
            assert ours.numbers(directory.entries[324]) == list(page.tags[324].value)
            assert ours.number(directory, 256) == page.imagewidth
            assert (
                ours.number(directory, 270) == ours.number(directory, 9999) == 0
            )  # no number, not there


def test_a_last_directory_without_a_pointer_to_the_next_is_read(tmp_path):
    (tmp_path / "short.tif").write_bytes(
        struct.pack("<2sHIHHHIHH", b"II", 42, 8, 1, 256, 3, 1, 7, 0)
    )
    (page,) = pages_of(tmp_path / "short.tif")
    assert page.entries.keys() == {256}


def test_of_a_tag_that_comes_twice_the_first_is_taken(tmp_path):
    (tmp_path / "twice.tif").write_bytes(
        struct.pack("<2sHIHHHIHHHHIHHI", b"II", 42, 8, 2, 256, 3, 1, 7, 0, 256, 3, 1, 8, 0, 0)
    )
    with (tmp_path / "twice.tif").open("rb") as opened:
        tiff = Tiff(opened, tmp_path / "twice.tif")
        assert tiff.number(tiff.pages()[0], 256) == 7


def test_pages_that_overlap_are_refused_before_they_take_all_time(tmp_path):
    # each of the 11,000 begins 16 bytes behind the one before, has 1,000 tags and points to the next
    content = bytearray(b"II*\0" + struct.pack("<I", 8) + bytes(200_000))
    for place in range(8, 180_000, 16):
        struct.pack_into("<H", content, place, 1000)
        struct.pack_into("<I", content, place + 2 + 12 * 1000, place + 16)
    (tmp_path / "ladder.tif").write_bytes(content)
    with pytest.raises(
        BadImage, match=r"ladder.tif: is a TIFF with more tags \(1,000 at byte 264\) than fit"
    ):
        pages_of(tmp_path / "ladder.tif")


def test_one_list_that_is_read_again_and_again_is_refused(tmp_path):
    content = struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 330, 4, 10_000, 26, 0) + bytes(40_000)
    (tmp_path / "list.tif").write_bytes(content)
    with (tmp_path / "list.tif").open("rb") as opened:
        tiff = Tiff(opened, tmp_path / "list.tif")
        entry = tiff.pages()[0].entries[330]
        with pytest.raises(BadImage, match="repeat one list"):
            [tiff.numbers(entry) for _ in range(10)]
