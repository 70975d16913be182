"""The directories of a TIFF, classic or BigTIFF: a chain, one for each page, of entries (TIFF 6.0 and the BigTIFF proposal).

An entry is a tag, a type, a count, and the values or, if there are more than fit into it, the place where they lie.

tifffile reads directories too, but trusts them: it follows offsets and allocates what a file claims. Here entries are copied byte
for byte from files of any origin, so each offset and count is checked against the file before it is used.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from restorae.errors import BadImage

SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
"""Bytes of one value of each type."""
UNITS = SIZES | {5: 4, 10: 4}
"""Bytes that turn round together: a rational is two numbers."""

_MOST = 2**16 - 1
"""Tags of a directory: a classic TIFF counts them in two bytes, and as many there are."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a directory says under one tag."""

    tag: int
    type: int
    count: int
    place: int
    """Where the values lie; in the entry itself if there is room."""
    raw: bytes = field(repr=False)
    """The entry's own field: the values, or their place."""

    @property
    def size(self) -> int:
        """Bytes of the values; 0 if their type is unknown."""
        return self.count * SIZES.get(self.type, 0)


@dataclass(frozen=True)
class Directory:
    """A page, or what hangs below one: EXIF, smaller copies."""

    entries: dict[int, Entry]
    """By their tags; of a tag that comes twice, the first."""
    next: int
    """Where the next page's directory lies; 0 behind the last."""


class Tiff:
    """The directories of a file. None of them is trusted: what does not fit into the file is refused before it is read."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file, self.path = file, path
        self.size = file.seek(0, os.SEEK_END)
        self.known: dict[int, Directory] = {}
        self.walked = self.looked = 0
        file.seek(0)
        head = file.read(16)
        self.order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        version = self.unpacked("H", head[2:4])[0] if self.order and len(head) >= 8 else 0
        self.big = version == 43
        if version not in (42, 43) or (
            self.big and (len(head) < 16 or self.unpacked("HH", head[4:8]) != (8, 0))
        ):
            raise BadImage("is not a TIFF: it does not begin with a TIFF signature", subject=path)
        self.offset = "Q" if self.big else "I"  # of places and counts
        self.room = 8 if self.big else 4  # for values within an entry
        self.first = self.unpacked(self.offset, head[8:16] if self.big else head[4:8])[0]

    def unpacked(self, codes: str, content: bytes) -> tuple[int, ...]:
        """As `struct.unpack`, in the file's byte order."""
        try:
            return struct.unpack(self.order + codes, content)
        except struct.error:  # sizes were checked, so it changed
            raise self._became_shorter() from None

    def damaged(self, what: str) -> BadImage:
        """An error about a file that is a `what`."""
        return BadImage(f"is a {what}: it is damaged or cut short", subject=self.path)

    def _became_shorter(self) -> BadImage:
        return BadImage("changed while it was being read", subject=self.path)

    def content(self, entry: Entry) -> bytes:
        """An entry's values as they are stored."""
        self.file.seek(entry.place)
        content = self.file.read(entry.size)
        if len(content) < entry.size:
            raise self._became_shorter()
        return content

    def packed(self, codes: str, *values: int | bytes) -> bytes:
        """As `struct.pack`, in the file's byte order."""
        return struct.pack(self.order + codes, *values)

    def pages(self) -> list[Directory]:
        """The chain of directories."""
        pages: list[Directory] = []
        seen: set[int] = set()
        place = self.first
        while place or not pages:
            if place in seen:
                raise self.damaged(
                    f"TIFF with a cyclic page list (after page {len(pages)} comes an earlier one)"
                )
            seen.add(place)
            pages.append(self.directory(place))
            place = pages[-1].next
        return pages

    def directory(self, place: int) -> Directory:
        """The directory at a place."""
        if place not in self.known:
            self.known[place] = self._read_directory(place)
        return self.known[place]

    def _read_directory(self, place: int) -> Directory:
        lead, each = (8, 20) if self.big else (2, 12)
        if not 8 <= place <= self.size - lead:
            raise self.damaged(f"TIFF that names byte {place:,} of {self.size:,} as a page")
        self.file.seek(place)
        count = self.unpacked("Q" if self.big else "H", self.file.read(lead))[0]
        start, length = place + lead, count * each
        self.walked += length
        if (
            count > _MOST or start + length > self.size or self.walked > self.size
        ):  # directories that overlap would never end
            raise self.damaged(
                f"TIFF with more tags ({count:,} at byte {place:,}) than fit into it"
            )
        content = self.file.read(length)
        following = self.file.read(self.room)  # some writers leave it away
        entries: dict[int, Entry] = {}
        for at in range(0, length, each):
            tag, kind, number = self.unpacked(
                "HH" + self.offset, content[at : at + each - self.room]
            )
            raw = content[at + each - self.room : at + each]
            inline = number * SIZES.get(kind, 0) <= self.room
            where = start + at + each - self.room if inline else self.unpacked(self.offset, raw)[0]
            entries.setdefault(tag, Entry(tag=tag, type=kind, count=number, place=where, raw=raw))
        return Directory(
            entries, self.unpacked(self.offset, following)[0] if len(following) == self.room else 0
        )

    def holds(self, entry: Entry) -> bool:
        """Whether an entry's values lie within the file."""
        return entry.place + entry.size <= self.size

    def numbers(self, entry: Entry | None) -> list[int]:
        """An entry's whole numbers; none if it has others, or is not there."""
        if entry is None or entry.type not in (1, 3, 4, 13, 16, 18) or not self.holds(entry):
            return []
        self.looked += entry.size
        if (
            self.looked > 4 * self.size + 2**16
        ):  # a few bytes a page, unless all of them point to the same long list
            raise self.damaged("TIFF whose pages repeat one list again and again")
        values = np.frombuffer(self.content(entry), f"{self.order}u{SIZES[entry.type]}")
        return [int(value) for value in values]

    def number(self, page: Directory, tag: int) -> int:
        """The first number under a tag; 0 if there is none."""
        return next(iter(self.numbers(page.entries.get(tag))), 0)
