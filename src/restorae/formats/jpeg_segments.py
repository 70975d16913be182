"""What a JPEG says beside its pixels: segments, carried byte for byte from one file to another (ITU-T T.81, annex B)."""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from restorae.errors import BadImage
from restorae.formats.jpeg_structure import read_structure
from restorae.formats.jpeg_trailer import Moved, copy_without, moved_mpf, previews_behind
from restorae.formats.thumbnails import without_thumbnails

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_APP0, _APP2, _APP14, _APP15 = 0xE0, 0xE2, 0xEE, 0xEF
_ALONE = {0x01, *range(0xD0, 0xD9)}
"""Markers without a length and content: TEM, RST0 to RST7, SOI."""
_MPF = b"MPF\0"
_LEAD = 4
"""Bytes of a segment before its content: marker and length."""
_MOST_STRAY = 2**16
"""Bytes between segments that decoders skip with a warning; beyond that it is no JPEG any more."""


class _Segment(NamedTuple):
    marker: int
    content: bytes
    """What stands behind the length."""

    @property
    def whole(self) -> bytes:
        return (
            b"\xff"
            + bytes([self.marker])
            + (len(self.content) + 2).to_bytes(2, "big")
            + self.content
        )


def carry(original: BinaryIO, encoded: BinaryIO, result: BinaryIO, *, profile: bool = True) -> None:
    """Write to `result` the image of `encoded` with the metadata of `original`, whose segments stay as they are, in their order.

    Carried are JFIF (density), EXIF, XMP and its extension, the ICC profile, Photoshop and IPTC, comments, and what else makers put
    into the segments APP0 to APP15; and, behind the image, whatever lay behind it: films, gain maps, further images. The index of
    further images (MPF) is made true. Not carried are thumbnails and previews, since they show the image as it was before, and the
    original's Adobe segment (APP14), since it says how the old pixels are coded and `encoded` has its own.

    Args:
        original: a JPEG, from its beginning; it can seek.
        encoded: a JPEG, from its beginning, whose own metadata are left out.
        result: where to write; it can seek.
        profile: whether the ICC profile still describes the pixels and is carried.

    Raises:
        BadImage: the segments of one of them cannot be walked.
    """
    result.write(bytes((0xFF, _SOI)))
    indices: list[tuple[bytes, int, int]] = []  # content, its place then and now
    for segment in _header(original, _named(original, "the original")):
        if _is_carried(segment, profile):
            if segment.content.startswith(_MPF):
                old_place = original.tell() - len(segment.content)
                indices.append((segment.content, old_place, result.tell() + _LEAD))
            content = without_thumbnails(segment.content)
            if content is not None:
                result.write(segment._replace(content=content).whole)
    for segment in _header(encoded, _named(encoded, "the encoded file")):
        if segment.marker == _APP14 or not _is_metadata(segment.marker):
            result.write(segment.whole)
    shutil.copyfileobj(encoded, result)  # the first scan has begun: from here on all is pixels
    new_end, end = result.tell(), _end(original)
    previews = [each for index in indices for each in previews_behind(*index[:2], end)]
    copy_without(original, previews, result, start=end)
    for content, old_place, new_place in indices:
        place = Moved(old_place, new_place, end=end, new_end=new_end, left_out=previews)
        moved = moved_mpf(content, place)
        result.seek(new_place)
        # an index that cannot be understood is made one that no reader takes for one
        result.write(moved if moved is not None else b"\0" * len(_MPF))
    result.seek(0, os.SEEK_END)


def _end(file: BinaryIO) -> int:
    """Where the image of a JPEG ends."""
    with _mapped(file) as content:
        return read_structure(content).end


@contextlib.contextmanager
def _mapped(file: BinaryIO) -> Iterator[mmap.mmap | bytes]:
    """A file's content without reading it, where it has a descriptor."""
    try:
        number = file.fileno()
    except (OSError, ValueError):  # in memory
        file.seek(0)
        yield file.read()
        return
    with mmap.mmap(number, 0, access=mmap.ACCESS_READ) as content:
        yield content


def _named(file: BinaryIO, otherwise: str) -> str:
    return str(getattr(file, "name", otherwise))


def _is_metadata(marker: int) -> bool:
    return _APP0 <= marker <= _APP15 or marker == _COM


def _is_carried(segment: _Segment, profile: bool) -> bool:
    if segment.marker == _APP2:
        return profile or not segment.content.startswith(b"ICC_PROFILE\0")
    return segment.marker != _APP14 and _is_metadata(segment.marker)


def _header(file: BinaryIO, which: str) -> Iterator[_Segment]:
    """All segments up to the first scan's, that one included."""
    if file.read(2) != bytes((0xFF, _SOI)):
        raise BadImage("is not a JPEG: it does not begin with FF D8", subject=which)
    while True:
        marker = _next_marker(file, which)
        if marker in _ALONE:
            continue
        if marker == _EOI:
            raise BadImage(
                "is a JPEG that ends before its pixels begin: it is damaged", subject=which
            )
        length = int.from_bytes(_exactly(file, 2, which), "big")
        if length < 2:
            raise BadImage(
                f"is a JPEG with a segment FF {marker:02X} of length {length}; expected 2 or more: it is damaged",
                subject=which,
            )
        yield _Segment(marker, _exactly(file, length - 2, which))
        if marker == _SOS:
            return


def _next_marker(file: BinaryIO, which: str) -> int:
    """The next byte that follows FF and is neither FF, which fills, nor 00, which escapes."""
    after_ff = False
    for _ in range(_MOST_STRAY):
        byte = _exactly(file, 1, which)[0]
        if after_ff and byte not in (0x00, 0xFF):
            return byte
        after_ff = byte == 0xFF
    raise BadImage(
        f"is a JPEG with {_MOST_STRAY:,} bytes without a marker before its pixels: it is damaged",
        subject=which,
    )


def _exactly(file: BinaryIO, count: int, which: str) -> bytes:
    read = file.read(count)
    if len(read) < count:
        raise BadImage("is a JPEG that is cut short before its pixels begin", subject=which)
    return read
