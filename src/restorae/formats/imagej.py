"""ImageJ's own TIFF tags: a description that counts planes, and a block of texts and numbers in the file's byte order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from restorae.formats.tiff_directories import Directory, Entry, Tiff

_STRIPS, _TILES, _STRIP_SIZES, _TILE_SIZES = 273, 324, 279, 325
_UNITS = {
    b"info": 2,
    b"labl": 2,
    b"prop": 2,
    b"rang": 8,
    b"luts": 1,
    b"plot": 1,
    b"roi ": 1,
    b"over": 1,
}
"""Bytes of one number in each kind of part."""


def swapped(content: bytes, unit: int) -> bytes:
    """Numbers of `unit` bytes in the other byte order."""
    return content if unit == 1 else np.frombuffer(content, f"u{unit}").byteswap().tobytes()


def swapped_block(content: bytes, counts: Iterable[int], is_little: bool) -> bytes | None:
    """ImageJ's block (tag 50839) in the other byte order; None if it cannot be understood.

    It holds a magic number, kinds of parts with how many there are of each, then the parts.

    Args:
        content: the block.
        counts: lengths of its header and of each part (tag 50838).
        is_little: whether it is little-endian.
    """
    lengths = iter(counts)
    head = next(lengths, 0)
    magic = b"JIJI" if is_little else b"IJIJ"
    if content[:4] != magic or head % 8 != 4 or head > len(content):
        return None
    parts, place = [swapped(content[:head], 4)], head
    for at in range(4, head, 8):
        name = content[at : at + 4][:: -1 if is_little else 1]
        number = int.from_bytes(content[at + 4 : at + 8], "little" if is_little else "big")
        for _ in range(number):
            length = next(lengths, -1)
            unit = _UNITS.get(name, 0)
            if length < 0 or not unit or length % unit or place + length > len(content):
                return None
            parts.append(swapped(content[place : place + length], unit))
            place += length
    return b"".join([*parts, content[place:]])


def describes_stack(source: Tiff, description: Entry | None) -> bool:
    """Whether a page's description is ImageJ's, and counts planes."""
    if description is None or not source.holds(description):
        return False
    source.file.seek(description.place)
    text = source.file.read(min(description.size, 2**12))
    return text.startswith(b"ImageJ") and b"\nimages=" in text


def is_contiguous(target: Tiff, pages: Sequence[Directory]) -> bool:
    """Whether the pages' values lie side by side, where ImageJ expects those of an uncompressed stack."""
    expected = None
    for page in pages:
        places, sizes = (
            target.numbers(page.entries.get(strips) or page.entries.get(tiles))
            for strips, tiles in ((_STRIPS, _TILES), (_STRIP_SIZES, _TILE_SIZES))
        )
        for place, size in zip(places, sizes, strict=False):
            if expected not in (None, place):
                return False
            expected = place + size
    return True
