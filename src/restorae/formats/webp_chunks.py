"""WebP's metadata, carried over byte for byte: `EXIF`, `XMP ` and `ICCP` are chunks of their own beside the pixels'."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from restorae.errors import BadImage
from restorae.formats.thumbnails import without_exif_thumbnail, without_xmp_thumbnail

_FLAGS = {b"ICCP": 0x20, b"EXIF": 0x08, b"XMP ": 0x04}
"""The chunks that are carried, and the bit of the header that announces each."""
_ALPHA = 0x10
_WITHOUT = {b"EXIF": without_exif_thumbnail, b"XMP ": without_xmp_thumbnail}


def carry(original: BinaryIO, encoded: BinaryIO, result: BinaryIO, *, profile: bool = True) -> None:
    """Write `encoded` to `result` with the metadata of `original` in place of its own.

    Args:
        original: the file whose metadata are kept.
        encoded: the restored pixels, as an encoder wrote them.
        result: where to write.
        profile: whether the colour profile still describes the pixels.

    Raises:
        BadImage: one of the two cannot be walked.
    """
    kept = {
        name: _WITHOUT[name](content) if name in _WITHOUT else content
        for name, content in _chunks(original)
        if name in _FLAGS and (profile or name != b"ICCP")
    }
    pixels = [(name, content) for name, content in _chunks(encoded) if name not in _FLAGS]
    if pixels and pixels[0][0] == b"VP8X":
        header, pixels = pixels[0][1], pixels[1:]
    else:
        header = _header(pixels)
    if not kept and not _needs_header(header, pixels):
        ordered = pixels
    else:
        flags = header[0] & ~sum(_FLAGS.values()) | sum(_FLAGS[name] for name in kept)
        ordered = [(b"VP8X", bytes([flags]) + header[1:])]
        ordered += [(name, kept[name]) for name in (b"ICCP",) if name in kept]
        ordered += pixels
        ordered += [(name, kept[name]) for name in (b"EXIF", b"XMP ") if name in kept]
    size = 4 + sum(8 + len(content) + len(content) % 2 for _, content in ordered)
    result.write(b"RIFF" + size.to_bytes(4, "little") + b"WEBP")
    for name, content in ordered:
        result.write(
            name + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2)
        )


def is_lossless(file: BinaryIO) -> bool:
    """Whether a WebP file's pixels were stored without loss; of an animation, those of its first frame.

    Raises:
        BadImage: the file cannot be walked.
    """
    for name, content in _chunks(file):
        if name in (b"VP8L", b"VP8 "):
            return name == b"VP8L"
        if name == b"ANMF":  # 16 bytes of where and how long, then the frame's own chunks
            return content[16:20] == b"VP8L"
    return False


def _needs_header(header: bytes, pixels: list[tuple[bytes, bytes]]) -> bool:
    """Whether an extended header must stay without metadata: for an animation, or alpha in a chunk of its own."""
    return len(pixels) > 1 or bool(header[0] & 0x02)


def _chunks(handle: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    size = handle.seek(0, os.SEEK_END)
    handle.seek(0)
    start = handle.read(12)
    if start[:4] != b"RIFF" or start[8:] != b"WEBP":
        raise BadImage("is not a WebP file", subject=_named(handle))
    while len(head := handle.read(8)) == 8:
        length = int.from_bytes(head[4:], "little")
        # room for all that is asked for is made before anything is read
        content = handle.read(length) if length <= size - handle.tell() else b""
        if len(content) < length:
            raise BadImage(
                f"is a WebP file that is cut short in its chunk {head[:4]!r}",
                subject=_named(handle),
            )
        handle.read(length % 2)
        yield head[:4], content


def _named(file: BinaryIO) -> str:
    return str(getattr(file, "name", "the file"))


def _header(pixels: list[tuple[bytes, bytes]]) -> bytes:
    """The extended header for a file that has none: alpha and size as its pixels say."""
    name, content = pixels[0]
    if name == b"VP8L":  # 14 bits of width - 1, 14 of height - 1, one for alpha
        bits = int.from_bytes(content[1:5], "little")
        width, height, alpha = bits & 0x3FFF, bits >> 14 & 0x3FFF, bits >> 28 & 1
    else:  # VP8: 14 bits each of width and height behind a frame tag and a start code
        width = (int.from_bytes(content[6:8], "little") & 0x3FFF) - 1
        height = (int.from_bytes(content[8:10], "little") & 0x3FFF) - 1
        alpha = 0
    return (
        bytes([_ALPHA * alpha, 0, 0, 0])
        + width.to_bytes(3, "little")
        + height.to_bytes(3, "little")
    )
