"""What a PNG says beside its pixels: chunks, carried byte for byte from one file to another (W3C, Portable Network Graphics)."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from restorae.errors import BadImage
from restorae.formats.thumbnails import without_exif_thumbnail, without_xmp_thumbnail

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR = {b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"mDCV", b"cLLI"}
_OF_THE_VALUES = {b"sBIT", b"pCAL"}
"""True as long as the pixels' type is the same."""
_CARRIED = {
    b"pHYs",
    b"eXIf",
    b"iTXt",
    b"tEXt",
    b"zTXt",
    b"tIME",
    b"sPLT",
    b"oFFs",
    b"sCAL",
    b"sTER",
}
_STEP = 2**20
LONGEST_CHANGED = 2**24
"""Bytes of a chunk that is looked through for a thumbnail; a longer one is carried as it is."""


class Chunk(NamedTuple):
    """A part of a PNG: its name, and where its content lies."""

    name: bytes
    place: int
    """Where its content begins."""
    length: int

    @property
    def is_critical(self) -> bool:
        """Whether the pixels cannot be read without it."""
        return not self.name[0] & 0x20  # a capital letter

    @property
    def is_safe_to_copy(self) -> bool:
        """Whether it holds for other pixels too."""
        return bool(
            self.name[3] & 0x20
        )  # a small letter: its maker says that it does not depend on the pixels


def carry(
    original: BinaryIO,
    encoded: BinaryIO,
    result: BinaryIO,
    *,
    profile: bool = True,
    converted: bool = False,
) -> list[str]:
    """Write to `result` the image of `encoded` with the metadata of `original`, whose chunks stay as they are, in their order.

    What stood before the pixels stands before them again, and what stood behind them, behind. Carried are descriptions of the
    colours, resolution, EXIF, texts (XMP among them), time, calibrations, and private chunks that are marked as safe to copy. Not
    carried is what belongs to the old pixels: palette, transparency, background, histogram, animation, and chunks that are marked
    as unsafe to copy. The number of significant bits (sBIT) is carried where the pixels' type is still the same.

    Args:
        original: a PNG, from its beginning; it can seek.
        encoded: a PNG, from its beginning; it can seek. Its own metadata are left out.
        result: where to write.
        profile: whether the original's description of colours still holds and is carried; if not, the encoded file's own stays.
        converted: whether the pixels are of another type than they were, such as full colour in place of a palette.

    Returns:
        What could not be carried, each in a sentence.

    Raises:
        BadImage: the chunks of one of them cannot be walked.
    """
    notices: list[str] = []
    old_name, new_name = _named(original, "the original"), _named(encoded, "the encoded file")
    before, after = chunks_of(original, old_name), chunks_of(encoded, new_name)
    old, new = _first(original, before, old_name), _first(encoded, after, new_name)
    # after IHDR's height and width stand depth and colour type
    left_out = set() if old[8:10] == new[8:10] and not converted else set(_OF_THE_VALUES)
    own = {b"tRNS"}
    if not profile:
        left_out |= _COLOUR
        own |= _COLOUR
    result.write(_SIGNATURE)
    _copy(encoded, Chunk(b"IHDR", 16, len(new)), result)
    _carry_until(b"IDAT", original, before, result, left_out, notices)
    for chunk in after:
        if chunk.name == b"IEND":
            _carry_until(b"IEND", original, before, result, left_out, notices)
        if chunk.is_critical or chunk.name in own:
            _copy(encoded, chunk, result)
    return notices


def _named(file: BinaryIO, otherwise: str) -> str:
    return str(getattr(file, "name", otherwise))


def _carry_until(
    name: bytes,
    file: BinaryIO,
    chunks: Iterator[Chunk],
    result: BinaryIO,
    left_out: set[bytes],
    notices: list[str],
) -> None:
    try:
        for chunk in chunks:
            if chunk.name == name:
                return
            known = chunk.name in _CARRIED or chunk.name in _COLOUR or chunk.name in _OF_THE_VALUES
            if chunk.is_critical or chunk.name in left_out or not (known or chunk.is_safe_to_copy):
                continue
            if _is_sound(file, chunk):
                _copy_without_thumbnail(file, chunk, result)
            else:
                notices.append(
                    f"its {_printed(chunk.name)} was left out, since its checksum is wrong"
                )
    except BadImage:
        if name == b"IDAT":
            raise
        notices.append(
            "it is cut short; metadata after its pixels was left out"
        )  # the pixels could be read


def _copy_without_thumbnail(file: BinaryIO, chunk: Chunk, result: BinaryIO) -> None:
    change = {b"eXIf": without_exif_thumbnail, b"iTXt": without_xmp_thumbnail}.get(chunk.name)
    if change is None or chunk.length > LONGEST_CHANGED:
        _copy(file, chunk, result)
        return
    file.seek(chunk.place)
    content = change(file.read(chunk.length))
    checksum = zlib.crc32(chunk.name + content)
    result.write(struct.pack(">I", len(content)) + chunk.name + content)
    result.write(struct.pack(">I", checksum))


def _first(file: BinaryIO, chunks: Iterator[Chunk], which: str) -> bytes:
    """IHDR's content."""
    chunk = next(chunks)
    place = file.tell()
    file.seek(chunk.place)
    content = file.read(min(chunk.length, 64))
    file.seek(place)
    if chunk.name != b"IHDR" or len(content) != 13:
        raise BadImage(
            f"is a PNG that begins with {_printed(chunk.name)}, {chunk.length:,} bytes; expected IHDR, 13 bytes",
            subject=which,
        )
    return content


def chunks_of(file: BinaryIO, which: str) -> Iterator[Chunk]:
    """All chunks up to IEND, without their content; the file may be read elsewhere in between.

    Args:
        file: a PNG; it can seek.
        which: what messages call it.

    Raises:
        BadImage: they cannot be walked to their end.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if file.read(8) != _SIGNATURE:
        raise BadImage("is not a PNG: it does not begin with a PNG's signature", subject=which)
    place = 8
    while True:
        file.seek(place)
        head = file.read(8)
        chunk = Chunk(head[4:], place + 8, int.from_bytes(head[:4], "big"))
        place = chunk.place + chunk.length + 4
        if len(head) < 8 or place > size:
            raise BadImage("is a PNG that is cut short", subject=which)
        if not (chunk.name.isascii() and chunk.name.isalpha()):
            raise BadImage(
                f"is a PNG with a chunk that has no name ({_printed(chunk.name)}): it is damaged",
                subject=which,
            )
        yield chunk
        if chunk.name == b"IEND":
            return


def _printed(name: bytes) -> str:
    return name.decode("latin-1") if name.isalnum() else name.hex(" ")


def _content(file: BinaryIO, chunk: Chunk) -> Iterator[bytes]:
    """A chunk from its name to its checksum, in steps: chunks may be large."""
    file.seek(chunk.place - 4)
    remaining = chunk.length + 8
    while remaining:
        step = file.read(min(remaining, _STEP))
        if not step:
            raise BadImage("changed while it was being read", subject=_named(file, "the PNG"))
        remaining -= len(step)
        yield step


def _is_sound(file: BinaryIO, chunk: Chunk) -> bool:
    checksum, tail = 0, b""
    for step in _content(file, chunk):
        joined = tail + step
        checksum, tail = zlib.crc32(joined[:-4], checksum), joined[-4:]
    return checksum == int.from_bytes(tail, "big")


def _copy(file: BinaryIO, chunk: Chunk, result: BinaryIO) -> None:
    result.write(chunk.length.to_bytes(4, "big"))
    for step in _content(file, chunk):
        result.write(step)
