"""A TIFF directory's values copied to another TIFF, exactly, whatever its byte order and size of offsets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from restorae.errors import BadImage
from restorae.formats.imagej import swapped, swapped_block
from restorae.formats.tiff_appender import Fields, TiffAppender
from restorae.formats.tiff_directories import SIZES, UNITS, Directory, Entry, Tiff

_SHORTENED = {16: 4, 17: 9, 18: 13}
"""Types that only BigTIFF has, and what they are elsewhere."""
_LONG, _LONG8, _SIGNED_LONG8 = 4, 16, 17
_IFDS = {13, 18}
_MAKER_NOTE, _IMAGEJ_COUNTS, _IMAGEJ = 37500, 50838, 50839
_DIRECTORIES = {34665, 34853, 40965}
"""EXIF, GPS and Interoperability: the value is the place of a further directory."""
_PIXELS = ((273, 279), (324, 325))
"""Places and sizes of strips, and of tiles."""
_BITS, _SUBIFDS, _ONE_BYTE = 258, 330, 8
_DEEPEST = 3  # a page has EXIF, which has Interoperability
_STREAMS = {700, 33723, 34377, 34675}
"""XMP, IPTC, Photoshop, ICC: streams of bytes, even where a writer calls them longs."""
OF_THE_OLD_FILE = {
    *range(33628, 33632), 34412,  # MetaMorph and LSM: places in the file
    37724,  # Photoshop's layers: it would show them in place of the image
    *range(50706, 50742), *range(50778, 50782), *range(50827, 50835), *range(50931, 50943), *range(50964, 50976),  # DNG
    *range(65420, 65459),  # NDPI: how its slides are stored
}  # fmt: skip
"""What makers say about their own way of storing pixels: a reader would look for it in vain, or be misled."""
_STEP = 2**20


_NAMES = {37724: "Photoshop's layers"}


def _named(tag: int) -> str:
    return f"{tag} ({_NAMES[tag]})" if tag in _NAMES else str(tag)


class ValueCopier:
    """Copies values of `source` behind the end of the file that `target` writes.

    What several pages share stays shared. No value is trusted: those that lie outside the file are left out, and values that
    together hold more than the file does are refused.
    """

    def __init__(self, source: Tiff, target: TiffAppender) -> None:
        self.source, self.target = source, target
        self.is_swapped = source.order != target.tiff.order
        self._copied: dict[tuple[int, int, int], int] = {}
        self._taken = 0
        self._lost: dict[str, set[int]] = {}  # reason: tags
        self._notices: list[str] = []

    def copy(self, directory: Directory, left_out: set[int], depth: int = 0) -> Fields:
        """The entries of a directory without the tags in `left_out`, with their values written."""
        fields: dict[int, bytes | None] = {}
        for tag, entry in directory.entries.items():
            if tag in left_out or (self.is_swapped and tag == _IMAGEJ_COUNTS):
                continue
            if tag in OF_THE_OLD_FILE:
                self.lose(tag, "made for the way in which the old file stores its pixels")
            elif tag in _DIRECTORIES:
                fields[tag] = self._directory(entry, depth + 1)
            elif self.is_swapped and tag == _IMAGEJ:
                fields[tag] = self._imagej(entry, directory.entries.get(_IMAGEJ_COUNTS))
            else:
                fields[tag] = self._value(entry)
        if self.is_swapped and fields.get(_IMAGEJ) is not None:
            fields[_IMAGEJ_COUNTS] = self._value(directory.entries[_IMAGEJ_COUNTS])
        return {tag: written for tag, written in fields.items() if written is not None}

    def copy_page(self, page: Directory) -> Fields | None:
        """The entries of a page with its pixels, which are copied as they are stored; None if they cannot be.

        Raises:
            NoRoomError: they would lie where the target cannot point.
        """
        source, target = self.source, self.target
        pairs = [pair for pair in _PIXELS if pair[0] in page.entries]
        deep = max(source.numbers(page.entries.get(_BITS)), default=1) > _ONE_BYTE
        if len(pairs) != 1 or (self.is_swapped and deep):
            return None
        places, sizes = (source.numbers(page.entries.get(tag)) for tag in pairs[0])
        if len(places) != len(sizes) or any(
            place + size > source.size for place, size in zip(places, sizes, strict=True)
        ):
            return None
        self._taken += sum(sizes)
        if self._taken > source.size:
            raise source.damaged("TIFF whose pages share their pixels")
        fields = self.copy(page, {pairs[0][0], _SUBIFDS})
        moved = []
        for place, size in zip(places, sizes, strict=True):
            source.file.seek(place)
            moved.append(target.append(source.file.read(size)))
        type_, code = (_LONG8, "Q") if target.tiff.big else (_LONG, "I")
        content = target.tiff.packed(f"{len(moved)}{code}", *moved)
        fields[pairs[0][0]] = target.entry(pairs[0][0], type_, len(moved), content)
        return fields

    def lose(self, tag: int, reason: str) -> None:
        """Remember that a tag was left out."""
        self._lost.setdefault(reason, set()).add(tag)

    def notice(self, notice: str) -> None:
        """Remember a notice, once."""
        if notice not in self._notices:
            self._notices.append(notice)

    def notices(self) -> list[str]:
        """What could not be copied, each in a sentence."""
        listed = [
            f"tag{'s' if len(tags) > 1 else ''} {', '.join(map(_named, sorted(tags)))} left out: {reason}"
            for reason, tags in self._lost.items()
        ]
        return listed + self._notices

    def _directory(self, entry: Entry, depth: int) -> bytes | None:
        """An entry that points to a directory, with that directory written anew."""
        place = next(iter(self.source.numbers(entry)), 0)
        key = (place, -1, -1)
        if key not in self._copied and depth <= _DEEPEST:
            try:
                directory = self.source.directory(place)
            except BadImage:
                self.lose(entry.tag, "pointing to what is not a directory")
                return None
            self._copied[key] = 0  # whoever points here from below runs in a circle
            if self.is_swapped and _MAKER_NOTE in directory.entries:
                self.notice(
                    "its maker's note stays as it was, but the byte order around it changed; some programs may not read it"
                )
            fields = self.copy(directory, set(), depth)
            self._copied[key] = self.target.append(self.target.directory(fields, 0))
        if not self._copied.get(key):
            self.lose(entry.tag, "cyclic or nested too deeply")
            return None
        type_, code = (_LONG8, "Q") if self.target.tiff.big else (_LONG, "I")
        content = self.target.tiff.packed(code, self._copied[key])
        return self.target.entry(entry.tag, type_, 1, content)

    def _value(self, entry: Entry) -> bytes | None:
        """An entry whose values are those of the original's; None if they cannot be copied."""
        target = self.target.tiff
        if entry.type not in SIZES:
            self.lose(entry.tag, "of an unknown type")
            return None
        if entry.type in _IFDS:
            self.lose(entry.tag, "pointing to a part of the old file")
            return None
        if not self.source.holds(entry):
            self.lose(entry.tag, "values that lie outside the file")
            return None
        if entry.type in _SHORTENED and not target.big:
            return self._shortened(entry)
        unit = 1 if entry.tag in _STREAMS else UNITS[entry.type]
        if entry.size <= target.room:
            content = self._swapped(self.source.content(entry), unit)
        else:
            key = (entry.place, entry.size, unit)
            if key not in self._copied:
                self._account(entry)
                steps = self._steps(entry, unit)
                self._copied[key] = self.target.append_steps(entry.size, steps)
            content = target.packed(target.offset, self._copied[key])
        return self.target.entry(entry.tag, entry.type, entry.count, content)

    def _steps(self, entry: Entry, unit: int) -> Iterator[bytes]:
        for done in range(0, entry.size, _STEP):
            self.source.file.seek(entry.place + done)
            yield self._swapped(self.source.file.read(min(_STEP, entry.size - done)), unit)

    def _swapped(self, content: bytes, unit: int) -> bytes:
        return swapped(content, unit) if self.is_swapped else content

    def _shortened(self, entry: Entry) -> bytes | None:
        """Values of eight bytes in four, if they fit."""
        self._account(entry)
        sign = "i" if entry.type == _SIGNED_LONG8 else "u"
        values = np.frombuffer(self.source.content(entry), f"{self.source.order}{sign}8")
        limits = np.iinfo(f"{sign}4")
        if len(values) and not (limits.min <= values.min() and values.max() <= limits.max):
            self.lose(entry.tag, "numbers of eight bytes, which a classic TIFF cannot hold")
            return None
        content = values.astype(f"{self.target.tiff.order}{sign}4").tobytes()
        return self.target.entry(entry.tag, _SHORTENED[entry.type], entry.count, content)

    def _imagej(self, entry: Entry, counts: Entry | None) -> bytes | None:
        content = None
        if counts is not None and SIZES.get(entry.type) == 1 and self.source.holds(entry):
            self._account(entry)
            is_little = self.source.order == "<"
            lengths = self.source.numbers(counts)
            content = swapped_block(self.source.content(entry), lengths, is_little)
        if content is None:
            self.lose(entry.tag, "in a byte order that cannot be changed")
            return None
        return self.target.entry(entry.tag, entry.type, entry.count, content)

    def _account(self, entry: Entry) -> None:
        self._taken += entry.size
        if self._taken > self.source.size:
            raise self.source.damaged("TIFF whose tags hold more than the file does")
