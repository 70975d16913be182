"""Whether a file that begins as a TIFF is a camera's raw file, or another kind that only looks like a TIFF."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from restorae.errors import BadImage
from restorae.formats.tiff_directories import Directory, Tiff
from restorae.formats.unread import LSM, RAW, UnreadKind

_COMPRESSION, _PHOTOMETRIC, _SUBIFDS, _LSM_TAG = 259, 262, 330, 34412
_MOSAIC, _LINEAR_RAW = 32803, 34892
_CFA_TAGS = {33421, 33422}
"""The pattern of a colour filter array and its repeat."""
_RAW_COMPRESSIONS = {32767, 32769, 32770, 32772, 34713, 65000, 65535}
"""Sony, Epson and packed, Samsung, Nikon, Kodak, Pentax."""
_DEEPEST = 3
_MOST = 400
"""Directories that are looked at."""


def disguised_kind(path: Path) -> UnreadKind | None:
    """What a file is that begins as a TIFF does and is not read as one; None if it is a TIFF, or broken.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as handle:
        try:
            tiff = Tiff(handle, path)
            for count, directory in enumerate(_directories(tiff, tiff.first, 0)):
                if count > _MOST:
                    break
                if _LSM_TAG in directory.entries:
                    return LSM
                if _is_raw(tiff, directory):
                    return RAW
        except BadImage:
            return None  # opening it says what is wrong
    return None


def _is_raw(tiff: Tiff, directory: Directory) -> bool:
    return (
        tiff.number(directory, _PHOTOMETRIC) in (_MOSAIC, _LINEAR_RAW)
        or tiff.number(directory, _COMPRESSION) in _RAW_COMPRESSIONS
        or not _CFA_TAGS.isdisjoint(directory.entries)
    )


def _directories(tiff: Tiff, place: int, depth: int) -> Iterator[Directory]:
    """The chain that begins at a place, each followed by what hangs below it."""
    seen: set[int] = set()
    while place and place not in seen and len(seen) < _MOST:
        seen.add(place)
        directory = tiff.directory(place)
        yield directory
        if depth < _DEEPEST:
            for below in tiff.numbers(directory.entries.get(_SUBIFDS))[:_MOST]:
                yield from _directories(tiff, below, depth + 1)
        place = directory.next
