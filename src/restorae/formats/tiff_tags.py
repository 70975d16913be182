"""What a TIFF says beside its pixels: tags, carried value for value from one file to another (TIFF 6.0, BigTIFF, Exif 2.32)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from restorae.errors import BadPicture
from restorae.formats.tiff_directories import SIZES, UNITS, Directory, Entry, Tiff

_SHORTENED = {16: 4, 17: 9, 18: 13}
"""Types that only BigTIFF has, and what they are elsewhere."""
_LONG, _LONG8 = 4, 16

_REDUCED, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _DESCRIPTION = 254, 256, 257, 258, 259, 270
_STRIPS, _TILES, _ORIENTATION, _SUBIFDS = 273, 324, 274, 330
_TRANSFER_FUNCTION, _MAKER_NOTE, _IMAGEJ_COUNTS, _IMAGEJ = 301, 37500, 50838, 50839
_DIRECTORIES = {34665, 34853, 40965}
"""EXIF, GPS and Interoperability: the value is the place of a further directory."""
_DEEPEST = 3  # a page has EXIF, which has Interoperability
_COLOURS = {_TRANSFER_FUNCTION, 318, 319, 342, 34675}
"""Transfer function and range, white point, primaries, ICC profile."""
_STREAMS = {700, 33723, 34377, 34675}
"""XMP, IPTC, Photoshop, ICC: streams of bytes, even where a writer calls them longs."""
_SAID_BY_WRITERS = {270, 282, 283, 296, 305, 306}
"""What encoders say unasked: description, resolution, software, date."""
_DESCRIPTIONS = {269, 270, 285, 700, 33723, 34377, 34665}

_STRUCTURAL = {
    *range(254, 260), 262, 263, 264, 265, 266, 273, *range(277, 282), 284, *range(288, 294), 300,  # size, depth, strips, fax, grey curve
    317, 320, *range(322, 329), 330, 332, 333, 334, 336, *range(338, 342), 346, 347,  # predictor, palette, tiles, inks, sample range
    *range(400, 406), *range(433, 436), *range(512, 522), *range(529, 533), 559,  # fax profile, JPEG, YCbCr
    *range(32995, 32999), 33421, 33422, *range(34019, 34033), 34310, 34750, 34925,  # SGI, mosaic, prepress runs, JBIG, LZMA
}  # fmt: skip
"""How the pixels lie in the file. The new pixels have their own."""
_OF_THE_OLD_FILE = {
    *range(33628, 33632), 34412,  # MetaMorph and LSM: places in the file
    37724,  # Photoshop's layers: it would show them in place of the picture
    *range(50706, 50742), *range(50778, 50782), *range(50827, 50835), *range(50931, 50943), *range(50964, 50976),  # DNG
    *range(65420, 65459),  # NDPI: how its slides are stored
}  # fmt: skip
"""What makers say about their own way of storing pixels; a reader would look for it in vain, or be misled."""


def carry(
    original: Path, encoded: Path, *, profile: bool = True, orientation: bool = True
) -> list[str]:
    """Give the pages of `encoded` the tags of the original's pages, with their exact values, in its own byte order.

    All is carried that does not say how the pixels are stored: descriptions (OME, ImageJ), resolution, orientation, EXIF and GPS, XMP,
    IPTC, Photoshop's resources, the ICC profile, georeference, private tags. A maker's note in EXIF stays byte for byte; where it
    counts places from the beginning of the old file, they are no longer true. What only the encoder says of itself, its name or a
    resolution, is taken out. An ImageJ stack's description is carried only to where ImageJ finds the planes. The pages are paired in
    order; if one file has more, the full pages of both in order and the smaller copies by their size. `original` may also be the
    content of a JPEG's EXIF segment, which is laid out as a TIFF without pixels.

    New directories are put behind the end, and the file turns to them with its last write. Until then it is as it was.

    Args:
        original: a TIFF, classic or BigTIFF, of either byte order.
        encoded: a TIFF of any of these kinds, which is changed.
        profile: whether what the original says of its colours still holds and is carried.
        orientation: whether the pixels still lie as the original's; False if they were turned upright.

    Returns:
        What could not be carried, each in a sentence.

    Raises:
        BadPicture: the directories of one of them cannot be walked.
    """
    with original.open("rb") as before, encoded.open("rb+") as after:
        source, target = Tiff(before, original), Tiff(after, encoded)
        carrier = _Carrier(
            source,
            target,
            _STRUCTURAL
            | (set() if profile else _COLOURS)
            | (set() if orientation else {_ORIENTATION}),
        )
        try:
            carrier.carry_pages()
        except _NoRoom:
            after.truncate(target.size)
            return [
                "its metadata were left out: they would lie beyond 4 GiB, where a classic TIFF cannot point"
            ]
        except BadPicture:
            after.truncate(target.size)
            raise
        return carrier.told()


class _NoRoom(Exception):
    """An offset that four bytes cannot hold."""


class _Carrier:
    """Writes what one file says into another, behind its end."""

    def __init__(self, source: Tiff, target: Tiff, left_out: set[int]) -> None:
        self.source, self.target, self.left_out = source, target, left_out
        self.end = target.size
        self.copied: dict[
            tuple[int, int, int], int
        ] = {}  # values and directories that several pages share stay shared
        self.taken = 0
        self.lost: dict[str, set[int]] = {}  # reason: tags
        self.notices: list[str] = []
        self.swapped = source.order != target.order

    def carry_pages(self) -> None:
        old, new = self.source.pages(), self.target.pages()
        if not {_STRIPS, _TILES} & old[0].entries.keys():
            old = old[:1]  # EXIF without a picture; its second page is a thumbnail
        if self._would_mislead(old[0], new):
            self.left_out.add(_DESCRIPTION)
        pages = [
            self._fields(page, partner)
            for page, partner in zip(new, self._partners(old, new), strict=True)
        ]
        places, place = [], self._aligned()
        for fields in pages:
            places.append(place)
            place += len(_padded(self._directory(fields, 0)))
        self._append(
            b"".join(
                _padded(self._directory(fields, behind))
                for fields, behind in zip(pages, [*places[1:], 0], strict=True)
            )
        )
        self.target.file.flush()
        self.target.file.seek(8 if self.target.big else 4)
        self.target.file.write(self.target.packed(self.target.offset, places[0]))

    def _would_mislead(self, first: Directory, new: Sequence[Directory]) -> bool:
        """Whether ImageJ would look for planes where there are none: of an uncompressed stack it believes that they lie side by side."""
        described = first.entries.get(_DESCRIPTION)
        if (
            described is None
            or len(new) < 2
            or self.target.number(new[0], _COMPRESSION) != 1
            or not self.source.holds(described)
        ):
            return False
        self.source.file.seek(described.place)
        said = self.source.file.read(min(described.size, 2**12))
        if not said.startswith(b"ImageJ") or b"\nimages=" not in said:
            return False
        expected = None
        for page in new:
            places, sizes = (
                self.target.numbers(page.entries.get(tag) or page.entries.get(tiled))
                for tag, tiled in ((_STRIPS, _TILES), (279, 325))
            )
            for place, size in zip(places, sizes, strict=False):
                if expected not in (None, place):
                    self._notice(
                        "its ImageJ description was left out: ImageJ would look for the planes side by side, where they do not lie here"
                    )
                    return True
                expected = place + size
        return False

    def told(self) -> list[str]:
        listed = [
            f"tag{'s' if len(tags) > 1 else ''} {', '.join(map(str, sorted(tags)))} left out: {why}"
            for why, tags in self.lost.items()
        ]
        return listed + self.notices

    def _partners(
        self, old: Sequence[Directory], new: Sequence[Directory]
    ) -> list[Directory | None]:
        """For each new page the old one that it comes from."""
        if len(old) == len(new):
            return list(old)
        full = [page for page in old if not self.source.number(page, _REDUCED) & 1]
        smaller = {
            self._size(self.source, page): page
            for page in old
            if self.source.number(page, _REDUCED) & 1
        }
        remaining = iter(full)
        partners = [
            smaller.get(self._size(self.target, page))
            if self.target.number(page, _REDUCED) & 1
            else next(remaining, None)
            for page in new
        ]
        if any(_DESCRIPTIONS & page.entries.keys() for page in remaining):
            self._notice(
                f"what some of its {len(full)} pages say was left out: the result has fewer"
            )
        return partners

    @staticmethod
    def _size(tiff: Tiff, page: Directory) -> tuple[int, int]:
        return tiff.number(page, _HEIGHT), tiff.number(page, _WIDTH)

    def _fields(self, page: Directory, partner: Directory | None) -> dict[int, bytes]:
        """A page's entries as they are written: its own, and its partner's."""
        fields = {
            tag: self._entry(tag, own.type, own.count, own.raw) for tag, own in page.entries.items()
        }
        if partner is None:
            return fields
        if {_STRIPS, _TILES} & partner.entries.keys():
            fields = {
                tag: written for tag, written in fields.items() if tag not in _SAID_BY_WRITERS
            }
        left_out = set(self.left_out)
        if self.source.numbers(partner.entries.get(_BITS)) != self.target.numbers(
            page.entries.get(_BITS)
        ):
            left_out.add(_TRANSFER_FUNCTION)
        fields |= self._carried(partner, left_out)
        subs = self._sub_pages(page, partner)
        return fields | ({_SUBIFDS: subs} if subs else {})

    def _sub_pages(self, page: Directory, partner: Directory) -> bytes | None:
        """The entry for the directories below a page, if there are any on both sides."""
        entry = page.entries.get(_SUBIFDS)
        if entry is None or _SUBIFDS not in partner.entries:
            return None
        new = [self.target.directory(place) for place in self.target.numbers(entry)]
        try:
            old = [
                self.source.directory(place)
                for place in self.source.numbers(partner.entries[_SUBIFDS])
            ]
        except BadPicture:
            self._lose(_SUBIFDS, "pointing to what is not a directory")
            return None
        if not new:
            return None
        places: list[int] = []
        for below, above in zip(new, self._partners(old, new), strict=True):
            fields = {
                tag: self._entry(tag, own.type, own.count, own.raw)
                for tag, own in below.entries.items()
            }
            fields |= self._carried(above, self.left_out | {_TRANSFER_FUNCTION}) if above else {}
            places.append(self._append(self._directory(fields, below.next)))
        return self._entry(
            _SUBIFDS,
            entry.type,
            entry.count,
            self.target.packed(f"{len(places)}{'IQ'[SIZES[entry.type] == 8]}", *places),
        )

    def _carried(
        self, directory: Directory, left_out: set[int], depth: int = 0
    ) -> dict[int, bytes]:
        """The entries that are carried from a directory, with their values written."""
        fields: dict[int, bytes] = {}
        for tag, entry in directory.entries.items():
            if tag in left_out:
                continue
            if tag in _OF_THE_OLD_FILE:
                self._lose(tag, "made for the way in which the old file stores its pixels")
            elif tag in _DIRECTORIES:
                self._put(fields, tag, self._below(entry, depth + 1))
            elif tag in (_IMAGEJ, _IMAGEJ_COUNTS) and self.swapped:
                if tag == _IMAGEJ:
                    self._put(
                        fields, tag, self._imagej(entry, directory.entries.get(_IMAGEJ_COUNTS))
                    )
            else:
                self._put(fields, tag, self._value(entry))
        if self.swapped and _IMAGEJ in fields:
            self._put(fields, _IMAGEJ_COUNTS, self._value(directory.entries[_IMAGEJ_COUNTS]))
        return fields

    @staticmethod
    def _put(fields: dict[int, bytes], tag: int, written: bytes | None) -> None:
        if written is not None:
            fields[tag] = written

    def _notice(self, told: str) -> None:
        if told not in self.notices:
            self.notices.append(told)

    def _lose(self, tag: int, why: str) -> None:
        self.lost.setdefault(why, set()).add(tag)

    def _below(self, entry: Entry, depth: int) -> bytes | None:
        """The directory that an entry points to, written anew."""
        place = next(iter(self.source.numbers(entry)), 0)
        key = (place, -1, -1)
        if key not in self.copied and depth <= _DEEPEST:
            try:
                directory = self.source.directory(place)
            except BadPicture:
                self._lose(entry.tag, "pointing to what is not a directory")
                return None
            self.copied[key] = 0  # whoever points here from below runs in a circle
            if self.swapped and _MAKER_NOTE in directory.entries:
                self._notice(
                    "its maker's note stays as it was, but the byte order around it changed; some programs may not read it"
                )
            self.copied[key] = self._append(
                self._directory(self._carried(directory, set(), depth), 0)
            )
        if not self.copied.get(key):
            self._lose(entry.tag, "leading in a circle or too deep")
            return None
        kind, code = (_LONG8, "Q") if self.target.big else (_LONG, "I")
        return self._entry(entry.tag, kind, 1, self.target.packed(code, self.copied[key]))

    def _value(self, entry: Entry) -> bytes | None:
        """An entry whose values are those of the original's."""
        if entry.type not in SIZES or (entry.type in (13, 18)):
            self._lose(
                entry.tag,
                "of an unknown type"
                if entry.type not in SIZES
                else "pointing to a part of the old file",
            )
            return None
        if not self.source.holds(entry):
            self._lose(entry.tag, "values that lie outside the file")
            return None
        if entry.type in _SHORTENED and not self.target.big:
            return self._shortened(entry)
        unit = 1 if entry.tag in _STREAMS else UNITS[entry.type]
        if entry.size <= self.target.room:
            self.source.file.seek(entry.place)
            return self._entry(
                entry.tag,
                entry.type,
                entry.count,
                self._turned(self.source.file.read(entry.size), unit),
            )
        key = (entry.place, entry.size, unit)
        if key not in self.copied:
            self._account(entry)
            self.copied[key] = self._append_turned(entry, unit)
        return self._entry(
            entry.tag,
            entry.type,
            entry.count,
            self.target.packed(self.target.offset, self.copied[key]),
        )

    def _shortened(self, entry: Entry) -> bytes | None:
        """Values of eight bytes in four, if they fit."""
        self._account(entry)
        kind = _SHORTENED[entry.type]
        sign = "i" if entry.type == 17 else "u"
        self.source.file.seek(entry.place)
        values = np.frombuffer(self.source.file.read(entry.size), f"{self.source.order}{sign}8")
        limits = np.iinfo(f"{sign}4")
        if len(values) and not (limits.min <= values.min() and values.max() <= limits.max):
            self._lose(entry.tag, "numbers of eight bytes, which a classic TIFF cannot hold")
            return None
        return self._entry(
            entry.tag, kind, entry.count, values.astype(f"{self.target.order}{sign}4").tobytes()
        )

    def _imagej(self, entry: Entry, counts: Entry | None) -> bytes | None:
        """ImageJ's own block, whose texts and numbers are in the file's byte order."""
        content = None
        if counts is not None and SIZES.get(entry.type) == 1 and self.source.holds(entry):
            self._account(entry)
            self.source.file.seek(entry.place)
            content = _turned_imagej(
                self.source.file.read(entry.size),
                self.source.numbers(counts),
                self.source.order == "<",
            )
        if content is None:
            self._lose(entry.tag, "in a byte order that cannot be turned")
            return None
        return self._entry(entry.tag, entry.type, entry.count, content)

    # ------------------------------------------------------------------------------------------------------- writing

    def _account(self, entry: Entry) -> None:
        self.taken += entry.size
        if self.taken > self.source.size:
            raise BadPicture(
                f"{self.source.path} is a TIFF whose tags hold more than the file does. It is damaged: get it anew."
            )

    def _turned(self, content: bytes, unit: int) -> bytes:
        return _turned(content, unit) if self.swapped else content

    def _aligned(self) -> int:
        return self.end + -self.end % 8

    def _append(self, content: bytes) -> int:
        """Write behind the end; the place where it lies."""
        place = self._aligned()
        self._extend(place, content)
        return place

    def _extend(self, place: int, content: bytes) -> None:
        self._check_room(place + len(content))
        self.target.file.seek(self.end)
        self.target.file.write(bytes(place - self.end) + content)
        self.end = place + len(content)

    def _check_room(self, end: int) -> None:
        if not self.target.big and end >= 2**32:
            raise _NoRoom

    def _append_turned(self, entry: Entry, unit: int) -> int:
        place = self._aligned()
        self._check_room(place + entry.size)
        for done in range(0, entry.size, 2**20):
            self.source.file.seek(entry.place + done)
            step = self.source.file.read(min(2**20, entry.size - done))
            self._extend(place + done, self._turned(step, unit))
        return place

    def _entry(self, tag: int, kind: int, count: int, content: bytes) -> bytes:
        """An entry; what does not fit into it is written behind the end."""
        if len(content) > self.target.room:
            content = self.target.packed(self.target.offset, self._append(content))
        return self.target.packed("HH" + self.target.offset, tag, kind, count) + content.ljust(
            self.target.room, b"\0"
        )

    def _directory(self, fields: dict[int, bytes], following: int) -> bytes:
        count = self.target.packed("Q" if self.target.big else "H", len(fields))
        return (
            count
            + b"".join(fields[tag] for tag in sorted(fields))
            + self.target.packed(self.target.offset, following)
        )


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 8)


def _turned(content: bytes, unit: int) -> bytes:
    return content if unit == 1 else np.frombuffer(content, f"u{unit}").byteswap().tobytes()


def _turned_imagej(content: bytes, counts: Iterable[int], little: bool) -> bytes | None:
    """ImageJ's block in the other byte order: a magic number, kinds with counts, then the parts; None if it cannot be understood."""
    units = {
        b"info": 2,
        b"labl": 2,
        b"prop": 2,
        b"rang": 8,
        b"luts": 1,
        b"plot": 1,
        b"roi ": 1,
        b"over": 1,
    }
    lengths = iter(counts)
    head = next(lengths, 0)
    if content[:4] != (b"JIJI" if little else b"IJIJ") or head % 8 != 4 or head > len(content):
        return None
    turned, place = [_turned(content[:head], 4)], head
    for at in range(4, head, 8):
        name = content[at : at + 4][:: -1 if little else 1]
        number = int.from_bytes(content[at + 4 : at + 8], "little" if little else "big")
        for _ in range(number):
            length = next(lengths, -1)
            unit = units.get(name, 0)
            if length < 0 or not unit or length % unit or place + length > len(content):
                return None
            turned.append(_turned(content[place : place + length], unit))
            place += length
    return b"".join([*turned, content[place:]])
