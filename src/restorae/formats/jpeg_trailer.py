"""What lies behind the image in a JPEG file: further images and their index (CIPA DC-007, MPF), films, makers' own data.

All of it counts from the end, from its own beginning, or is found in order; so it stays true as it is. Only the index counts from
the place where it lies itself, in the first image, and says how long that is. Previews that it names are left out: they show the
image as it was.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import BinaryIO, NamedTuple

_MPF = b"MPF\0"
_COUNT, _ENTRIES = 0xB001, 0xB002
_ENTRY = 16
_STEP = 2**20
_LARGE_PREVIEWS = {0x010001, 0x010002, 0x010003, 0x010004, 0x010005}


class MpfImage(NamedTuple):
    """An image that the index names."""

    kind: int
    """Type code: 0x010001 and the like are previews, 0x030000 the main image, 0x050000 a gain map."""
    size: int
    place: int
    """In the file; 0 is the first image."""

    @property
    def is_preview(self) -> bool:
        """Whether it shows the main image, smaller."""
        return self.kind in _LARGE_PREVIEWS


def mpf_images(content: bytes, place: int) -> list[MpfImage]:
    """The images that an index names; none if it cannot be understood.

    Args:
        content: the segment's content, which begins with `MPF`.
        place: where that lies in the file.
    """
    found = _entries(content)
    if found is None:
        return []
    order, start, count = found
    images = []
    for at in range(start, start + count * _ENTRY, _ENTRY):
        kind, size, offset = struct.unpack(order + "III", content[at : at + 12])
        where = offset + place + len(_MPF) if offset else 0
        images.append(MpfImage(kind & 0xFFFFFF, size, where))
    return images


def previews_behind(content: bytes, place: int, end: int) -> list[tuple[int, int]]:
    """From where to where the previews lie that an index names; `end` is where the first image ends."""
    return sorted(
        (each.place, each.place + each.size)
        for each in mpf_images(content, place)
        if each.is_preview and each.place >= end
    )


def copy_without(
    source: BinaryIO, left_out: Sequence[tuple[int, int]], target: BinaryIO, *, start: int
) -> None:
    """Copy a file from `start` to its end, but for some parts of it, in order."""
    source.seek(start)
    for first, last in left_out:
        while (rest := first - source.tell()) > 0 and (step := source.read(min(rest, _STEP))):
            target.write(step)
        source.seek(max(last, source.tell()))
    shutil.copyfileobj(source, target)


@dataclass(frozen=True)
class Moved:
    """Where an index lay and lies, and what else changed its place."""

    place: int
    new_place: int
    _: KW_ONLY
    end: int
    """Where the first image ended."""
    new_end: int
    """Where it ends now."""
    left_out: Sequence[tuple[int, int]] = ()
    """Parts behind it that are left out."""

    def offset(self, offset: int) -> int | None:
        """What the index says of a place behind the first image; None if that does not lie there."""
        where = offset + self.place + len(_MPF)
        if where < self.end:
            return None
        gone = sum(last - first for first, last in self.left_out if first < where)
        return where - gone - self.end + self.new_end - self.new_place - len(_MPF)


def moved_mpf(content: bytes, moved: Moved) -> bytes | None:
    """An index for a file whose first image has another length and whose previews are left out.

    Args:
        content: the segment's content.
        moved: what lies elsewhere now.

    Returns:
        It, as long as before; None if it cannot be made true, or names nothing else.
    """
    found = _entries(content)
    if found is None:
        return None
    order, start, count = found
    kept = []
    for at in range(start, start + count * _ENTRY, _ENTRY):
        kind, size, offset = struct.unpack(order + "III", content[at : at + 12])
        changed = 0
        if offset == 0:
            size = max(0, size + moved.new_end - moved.end)
        else:
            found_offset = moved.offset(offset)
            if found_offset is None:
                return None
            if MpfImage(kind & 0xFFFFFF, size, 0).is_preview:
                continue
            changed = found_offset
        if not (0 <= changed < 2**32 and size < 2**32):
            return None
        kept.append(struct.pack(order + "III", kind, size, changed) + content[at + 12 : at + 16])
    if len(kept) < 2:
        return None
    result = bytearray(content)
    result[start : start + count * _ENTRY] = b"".join(kept).ljust(count * _ENTRY, b"\0")
    _set_count(result, order, len(kept))
    return bytes(result)


def _set_count(content: bytearray, order: str, count: int) -> None:
    """Say how many images an index names: in its own tag, and by the length of the list."""
    directory = 4 + struct.unpack(order + "I", content[8:12])[0]
    (tags,) = struct.unpack(order + "H", content[directory : directory + 2])
    for at in range(directory + 2, min(directory + 2 + 12 * tags, len(content) - 11), 12):
        tag = struct.unpack(order + "H", content[at : at + 2])[0]
        if tag == _ENTRIES:
            struct.pack_into(order + "I", content, at + 4, count * _ENTRY)
        elif tag == _COUNT:
            struct.pack_into(order + "I", content, at + 8, count)


def _entries(content: bytes) -> tuple[str, int, int] | None:
    """Byte order, and where in the content how many entries lie."""
    order = {b"II": "<", b"MM": ">"}.get(content[4:6])
    if not content.startswith(_MPF) or order is None or len(content) < 14:
        return None
    directory = 4 + struct.unpack(order + "I", content[8:12])[0]
    if directory + 2 > len(content):
        return None
    (tags,) = struct.unpack(order + "H", content[directory : directory + 2])
    for at in range(directory + 2, min(directory + 2 + 12 * tags, len(content) - 11), 12):
        tag, _, size, offset = struct.unpack(order + "HHII", content[at : at + 12])
        if tag == _ENTRIES:
            start = 4 + offset
            fits = size % _ENTRY == 0 and start + size <= len(content)
            return (order, start, size // _ENTRY) if fits else None
    return None
