"""Boxes of AVIF and HEIF files (ISO/IEC 14496-12 and 23008-12): what is said of colours, and what the files hold."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from restorae.formats.mapped import Content

_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0}
"""Boxes that hold boxes, and the bytes before these."""
_MOST = 2**20


class Box(NamedTuple):
    """A box: what it is called, where it lies, where its content begins and ends."""

    name: bytes
    place: int
    start: int
    end: int


class ColourCode(NamedTuple):
    """Numbers that say what colours mean (ITU-T H.273): 9 and 16 are BT.2020 and PQ."""

    primaries: int
    transfer: int
    matrix: int

    @property
    def is_usual(self) -> bool:
        """Whether it is sRGB, or nothing is said."""
        return self.primaries in (1, 2) and self.transfer in (1, 2, 13)

    def __str__(self) -> str:
        return f"{self.primaries}/{self.transfer}/{self.matrix}"


def boxes(content: Content, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes side by side in a part of a file."""
    place, end = start, len(content) if end is None else end
    while place + 8 <= end:
        size, name = struct.unpack(">I4s", content[place : place + 8])
        lead = 8
        if size == 1 and place + 16 <= end:
            size, lead = struct.unpack(">Q", content[place + 8 : place + 16])[0], 16
        elif size == 0:
            size = end - place
        if size < lead or place + size > end:
            return
        yield Box(name, place, place + lead, place + size)
        place += size


def find(content: Content, *path: bytes) -> Box | None:
    """The first box along a path of names."""
    start, end, found = 0, len(content), None
    for name in path:
        found = next((each for each in boxes(content, start, end) if each.name == name), None)
        if found is None:
            return None
        start, end = found.start + _CONTAINERS.get(name, 0), found.end
    return found


def colour_code(content: Content) -> ColourCode | None:
    """What a file says of its colours by numbers; None if it does not."""
    properties = find(content, b"meta", b"iprp", b"ipco")
    if properties is None:
        return None
    for box in boxes(content, properties.start, properties.end):
        if box.name == b"colr" and content[box.start : box.start + 4] == b"nclx":
            return ColourCode(*struct.unpack(">HHH", content[box.start + 4 : box.start + 10]))
    return None


def holdings(content: Content) -> Counter[str]:
    """What a file holds beside its image."""
    found: Counter[str] = Counter()
    listed = find(content, b"meta", b"iinf")
    if listed is not None:
        lead = 6 if content[listed.start] == 0 else 8
        for box in boxes(content, listed.start + lead, listed.end):
            version = content[box.start]
            at = box.start + (8 if version <= 2 else 10)
            kind = content[at : at + 4]
            if kind == b"Exif":
                found["EXIF"] += 1
            elif kind == b"mime" and b"rdf+xml" in content[at : box.end]:
                found["XMP"] += 1
            elif kind == b"tmap":
                found["gain map"] += 1
    properties = find(content, b"meta", b"iprp", b"ipco")
    if properties is not None:
        for box in boxes(content, properties.start, properties.end):
            body = content[box.start : min(box.end, box.start + 200)]
            if box.name == b"auxC" and b"hdrgainmap" in body:
                found["gain map"] += 1
            elif box.name == b"auxC" and b"depth" in body:
                found["depth map"] += 1
            elif box.name == b"colr" and body[:4] in (b"prof", b"rICC"):
                found["colour profile"] += 1
    code = colour_code(content)
    if code is not None and not code.is_usual:
        found[f"colours of {code.primaries}/{code.transfer} (H.273)"] += 1
    return Counter(dict.fromkeys(found, 1))


def with_colour_code(content: bytes, code: ColourCode) -> bytes | None:
    """A file that also says what its colours mean; None if its boxes are not as expected.

    Args:
        content: a file with one image, whose boxes lie before its pixels, as libheif writes it.
        code: what to say.
    """
    meta, container = find(content, b"meta"), find(content, b"meta", b"iprp")
    properties = find(content, b"meta", b"iprp", b"ipco")
    links, places = find(content, b"meta", b"iprp", b"ipma"), find(content, b"meta", b"iloc")
    primary = find(content, b"meta", b"pitm")
    if not (meta and container and properties and links and places and primary):
        return None
    if colour_code(content) is not None or content[primary.start] != 0:
        return None
    said = struct.pack(">I4s4sHHHB", 19, b"colr", b"nclx", *code, 0x80)
    count = sum(1 for _ in boxes(content, properties.start, properties.end))
    item = content[primary.start + 4 : primary.start + 6]
    is_wide = bool(content[links.start + 3] & 1)
    entry = _entry_of(content, links, item, is_wide)
    if entry is None:
        return None
    linked = struct.pack(">H", count + 1) if is_wide else bytes([count + 1])
    result = bytearray(content)
    moved = len(said) + len(linked)
    if not _move(result, places, moved, meta.end):
        return None
    end_of_entry = entry + 3 + content[entry + 2] * (2 if is_wide else 1)
    result[entry + 2] += 1
    for box, more in (
        (links, len(linked)),
        (properties, len(said)),
        (container, moved),
        (meta, moved),
    ):
        size = struct.unpack(">I", result[box.place : box.place + 4])[0]
        struct.pack_into(">I", result, box.place, size + more)
    for at, part in sorted(((end_of_entry, linked), (properties.end, said)), reverse=True):
        result[at:at] = part
    return bytes(result)


def _entry_of(content: bytes, links: Box, item: bytes, is_wide: bool) -> int | None:
    """Where the properties of an item are listed."""
    if content[links.start] != 0:
        return None
    (count,) = struct.unpack(">I", content[links.start + 4 : links.start + 8])
    at = links.start + 8
    for _ in range(min(count, _MOST)):
        if content[at : at + 2] == item:
            return at
        at += 3 + content[at + 2] * (2 if is_wide else 1)
        if at + 3 > links.end:
            return None
    return None


def _move(result: bytearray, places: Box, by: int, behind: int) -> bool:
    """Add to all places of pixels that lie behind a byte; whether that was possible."""
    version, sizes = result[places.start], result[places.start + 4 : places.start + 6]
    offset, length, base = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index = sizes[1] & 15 if version == 1 else 0
    if version > 1 or base not in (0, 4) or offset != 4:
        return False
    (count,) = struct.unpack(">H", result[places.start + 6 : places.start + 8])
    at = places.start + 8
    for _ in range(count):
        in_file = version == 0 or not result[at + 3] & 15
        at += 4 + (2 if version == 1 else 0)
        (shared,) = struct.unpack(">I", result[at : at + 4]) if base else (0,)
        (extents,) = struct.unpack(">H", result[at + base : at + base + 2])
        step = index + offset + length
        spots = [at + base + 2 + number * step + index for number in range(extents)]
        found = [struct.unpack(">I", result[spot : spot + 4])[0] for spot in spots]
        if in_file:
            if any(shared + place < behind for place in found):
                return False
            moved = [(at, shared)] if base else list(zip(spots, found, strict=True))
            for spot, place in moved:
                struct.pack_into(">I", result, spot, place + by)
        at += base + 2 + extents * step
    return True
