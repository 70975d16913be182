"""Directories and values written behind the end of a TIFF, which stays as it was until its first page is changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from restorae.formats.tiff_directories import Tiff

Fields = dict[int, bytes]
"""A directory's entries as they are written, by tag."""


class NoRoomError(Exception):
    """An offset that the four bytes of a classic TIFF cannot hold."""


class TiffAppender:
    """Writes behind the end of a TIFF, in its byte order."""

    def __init__(self, tiff: Tiff) -> None:
        self.tiff = tiff
        self.end = tiff.size

    def append(self, content: bytes) -> int:
        """Write behind the end; returns the place where it lies."""
        place = self._aligned()
        self._extend(place, content)
        return place

    def append_steps(self, size: int, steps: Iterator[bytes]) -> int:
        """Write `size` bytes that come in steps; returns the place where they lie."""
        place = at = self._aligned()
        self._require_room(place + size)
        for step in steps:
            self._extend(at, step)
            at += len(step)
        return place

    def entry(self, tag: int, type_: int, count: int, content: bytes) -> bytes:
        """A directory's entry; values that do not fit into it are written behind the end."""
        tiff = self.tiff
        if len(content) > tiff.room:
            content = tiff.packed(tiff.offset, self.append(content))
        return tiff.packed("HH" + tiff.offset, tag, type_, count) + content.ljust(tiff.room, b"\0")

    def directory(self, fields: Fields, next_: int) -> bytes:
        """A directory as it is written; `next_` is the place of the one that follows."""
        tiff = self.tiff
        count = tiff.packed("Q" if tiff.big else "H", len(fields))
        entries = b"".join(fields[tag] for tag in sorted(fields))
        return count + entries + tiff.packed(tiff.offset, next_)

    def replace_pages(self, pages: Sequence[Fields]) -> None:
        """Write all pages' directories, then let the file begin with the first of them: its last write."""
        places, place = [], self._aligned()
        for fields in pages:
            places.append(place)
            place += len(_padded(self.directory(fields, 0)))
        chain = zip(pages, [*places[1:], 0], strict=True)
        self.append(b"".join(_padded(self.directory(fields, next_)) for fields, next_ in chain))
        tiff = self.tiff
        tiff.file.flush()
        tiff.file.seek(8 if tiff.big else 4)
        tiff.file.write(tiff.packed(tiff.offset, places[0]))

    def undo(self) -> None:
        """Cut off what was appended."""
        self.tiff.file.truncate(self.tiff.size)

    def _aligned(self) -> int:
        return self.end + -self.end % 8

    def _extend(self, place: int, content: bytes) -> None:
        self._require_room(place + len(content))
        self.tiff.file.seek(self.end)
        self.tiff.file.write(bytes(place - self.end) + content)
        self.end = place + len(content)

    def _require_room(self, end: int) -> None:
        if not self.tiff.big and end >= 2**32:
            raise NoRoomError


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 8)
