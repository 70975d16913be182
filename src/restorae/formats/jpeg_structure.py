"""How a JPEG is built: its frame, its scans, where the image ends and what lies behind it (ITU-T T.81)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field

from restorae.formats.mapped import Content

_DHT, _SOI, _EOI, _SOS = 0xC4, 0xD8, 0xD9, 0xDA
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_AFTER_SCAN = re.compile(rb"\xff([\x02-\xbf\xc0-\xcf\xd8-\xfe])")
"""Within a scan FF is followed by 00, which escapes, or by a restart marker."""
_COEFFICIENTS = 64


@dataclass(frozen=True)
class Segment:
    """A marker and what belongs to it."""

    marker: int
    _: KW_ONLY
    place: int
    """Where its FF lies."""
    start: int
    """Where its content begins, behind the length."""
    end: int


@dataclass(kw_only=True)
class JpegStructure:
    """What a JPEG consists of."""

    segments: list[Segment] = field(default_factory=list)
    frame: int = 0
    """Marker of its frame: C0 baseline, C2 progressive, …"""
    height: int = 0
    width: int = 0
    sampling: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Horizontal and vertical sampling of each component."""
    last_scan: tuple[int, int] = (0, 0)
    """From where to where the coded pixels of the last scan lie."""
    end: int = 0
    """Where the image ends: behind its end marker, or at the end of the file."""
    has_end: bool = False
    """Whether the end marker is there."""
    scans: int = 0
    zeros_are_flat: bool = False
    """Whether zeros in a scan may code flat areas: with standard tables they code noise."""
    missing_scans: bool = False
    """Whether a progressive image lacks bits that a further scan would bring."""

    @property
    def is_progressive(self) -> bool:
        """Whether each scan refines the whole image."""
        return self.frame in _PROGRESSIVE

    @property
    def halves_chroma_both_ways(self) -> bool:
        """Whether chroma has at most half the rows and half the columns, as in 4:2:0."""
        most = tuple(max(each[way] for each in self.sampling.values()) for way in (0, 1))
        chroma = list(self.sampling.values())[1:3]
        return bool(chroma) and all(2 * each[way] <= most[way] for each in chroma for way in (0, 1))


def read_structure(content: Content) -> JpegStructure:
    """The structure of a JPEG, as far as it can be followed: nothing is refused here.

    Args:
        content: the file, or a view of it.
    """
    found = JpegStructure(end=len(content))
    tables: dict[int, int] = {}  # of AC coefficients: what a code of zeros means
    precision: dict[tuple[int, int], int] = {}  # component and coefficient: bits still missing
    place = 2
    while (marker := _MARKER.search(content, place)) is not None:
        code, start = marker[1][0], marker.end()
        if code == _EOI:
            found.end, found.has_end = start, True
            break
        if code in (0x01, _SOI):
            place = start
            continue
        length = int.from_bytes(content[start : start + 2], "big")
        segment = Segment(
            code,
            place=marker.start(),
            start=start + 2,
            end=min(start + length, len(content)),
        )
        found.segments.append(segment)
        place = max(segment.end, segment.start)
        body = content[segment.start : segment.end]
        if code in _FRAMES and len(body) >= 6:
            _read_frame(found, code, body)
        elif code == _DHT:
            _note_tables(body, tables)
        elif code == _SOS:
            found.scans += 1
            _note_scan(body, precision)
            found.zeros_are_flat |= len(body) < 3 or tables.get(body[2] & 15, 1) == 0
            following = _AFTER_SCAN.search(content, place)
            stop = len(content) if following is None else following.start()
            found.last_scan, place = (place, stop), stop
    if found.is_progressive:
        found.missing_scans = any(
            precision.get((component, at), 1) > 0
            for component in found.sampling
            for at in range(_COEFFICIENTS)
        )
    return found


def _read_frame(found: JpegStructure, code: int, body: bytes) -> None:
    found.frame = code
    found.height, found.width = (int.from_bytes(body[at : at + 2], "big") for at in (1, 3))
    for at in range(6, min(6 + 3 * body[5], len(body) - 2), 3):
        found.sampling[body[at]] = (body[at + 1] >> 4, body[at + 1] & 15)


def _note_tables(body: bytes, tables: dict[int, int]) -> None:
    """What the shortest code of each table for AC coefficients means: 0 ends a block."""
    place = 0
    while place + 18 <= len(body):
        count = sum(body[place + 1 : place + 17])
        if body[place] >> 4 == 1:
            tables[body[place] & 15] = body[place + 17]
        place += 17 + count


def _note_scan(body: bytes, precision: dict[tuple[int, int], int]) -> None:
    """Which coefficients of which components a scan brings, and to which bit."""
    count = body[0] if body else 0
    if len(body) < 4 + 2 * count:
        return
    first, last, bits = body[1 + 2 * count : 4 + 2 * count]
    for component in body[1 : 1 + 2 * count : 2]:
        for at in range(first, min(last, _COEFFICIENTS - 1) + 1):
            precision[component, at] = bits & 15


def trailing_images(content: Content, start: int) -> Iterator[tuple[int, int]]:
    """Where further JPEGs lie behind an image, from and to: each begins where the last one ended, save for padding."""
    place = start
    while (place := content.find(b"\xff\xd8\xff", place)) >= 0:
        end = place + read_structure(content[place:]).end
        yield place, end
        place = end
