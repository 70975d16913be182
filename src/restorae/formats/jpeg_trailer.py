"""What lies behind the image in a JPEG file: further images and their index (CIPA DC-007, MPF), films, makers' own data.

All of it counts from the end, from its own beginning, or is found in order; so it stays true as it is. Only the index counts from
the place where it lies itself, in the first image, and says how long that is.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_MPF = b"MPF\0"
_ENTRIES = 0xB002
_ENTRY = 16
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


def moved_mpf(
    content: bytes, place: int, end: int, *, new_place: int, new_end: int
) -> bytes | None:
    """An index for a file whose first image has another length; None if it cannot be made true.

    Args:
        content: the segment's content.
        place: where it lay in the file.
        end: where the first image ended.
        new_place: where it lies now.
        new_end: where the first image ends now.
    """
    found = _entries(content)
    if found is None:
        return None
    order, start, count = found
    moved = bytearray(content)
    for at in range(start, start + count * _ENTRY, _ENTRY):
        _, size, offset = struct.unpack(order + "III", content[at : at + 12])
        if offset == 0:
            size = max(0, size + new_end - end)
        else:
            where = offset + place + len(_MPF)
            if where < end:
                return None
            offset = where - end + new_end - new_place - len(_MPF)
        if not (0 <= offset < 2**32 and size < 2**32):
            return None
        struct.pack_into(order + "II", moved, at + 4, size, offset)
    return bytes(moved)


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
