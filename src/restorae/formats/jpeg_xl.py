"""JPEG XL, read only, where a library that decodes it is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from restorae.errors import BadImage
from restorae.formats.format import Capabilities, Format, starts_with
from restorae.formats.loaders import Decoded, DecodedLoader, require_size
from restorae.formats.original import Original
from restorae.formats.vips_reading import VipsLoader, open_with_vips, read_start

_CODESTREAM = b"\xff\x0a"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_WIDTHS = (9, 13, 18, 30)
"""Bits of a side, by the two that stand before it."""


def _decode(path: Path, _page: int) -> Decoded:
    import imagecodecs

    require_size(path, *_size(path))
    return Decoded(values=np.asarray(imagecodecs.jpegxl_decode(path.read_bytes())))


def _size(path: Path) -> tuple[int, int]:
    """Height and width as the codestream's first bits say (ISO/IEC 18181-1, SizeHeader).

    Raises:
        BadImage: there is no codestream.
    """
    start = read_start(path)
    at = start.find(_CODESTREAM) if start.startswith(_CODESTREAM) else _in_box(start)
    if at < 0:
        raise BadImage("is a JPEG XL file that is damaged or cut short", subject=path)
    bits = _Bits(int.from_bytes(start[at + 2 : at + 14].ljust(12, b"\0"), "little"))
    is_small = bits.take(1)
    height = _side(bits, is_small)
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio - 1]
        return height, height * across // down
    return height, _side(bits, is_small)


class _Bits:
    """Bits from the lowest on."""

    def __init__(self, content: int) -> None:
        self.content = content

    def take(self, count: int) -> int:
        """The next bits as a number."""
        found = self.content & (1 << count) - 1
        self.content >>= count
        return found


def _side(bits: _Bits, is_small: int) -> int:
    if is_small:
        return (bits.take(5) + 1) * 8
    return bits.take(_WIDTHS[bits.take(2)]) + 1


def _in_box(start: bytes) -> int:
    """Where the codestream begins within the boxes of a container."""
    found = min((at for name in (b"jxlc", b"jxlp") if (at := start.find(name)) >= 0), default=-1)
    return start.find(_CODESTREAM, found, found + 16) if found >= 0 else -1


def _open(path: Path, _axes: str | None) -> Original:
    return open_with_vips(path, JPEG_XL.name, JPEG_XL.require_loader(path))


JPEG_XL = Format(
    name="jxl",
    title="JPEG XL",
    suffixes=(".jxl",),
    media_type="image/jxl",
    recognises=starts_with(b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n"),
    capabilities=Capabilities(bits=32, accepts_bits=32, any_number=True),
    open=_open,
    loaders=(
        VipsLoader("jxlload_source"),
        DecodedLoader("imagecodecs", module="imagecodecs", decode=_decode),
    ),
    reads="8 and 16 bits and floats; the first frame",
    without_decoder="Install one, pip install 'restorae[codecs]', or convert it to PNG or TIFF (djxl does)",
)
