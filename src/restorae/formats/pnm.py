"""PNM, PAM and PFM: plain values behind a short header of text, read only (netpbm.sourceforge.net)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from restorae.errors import BadImage
from restorae.formats.format import Capabilities, Format
from restorae.formats.loaders import Decoded, DecodedLoader, require_size
from restorae.formats.original import Original
from restorae.formats.vips_reading import open_with_vips

_START = re.compile(rb"P[1-6]\s+[#\d]|P7\s+[#W]|P[fF]\n\d")
_SPACE = b" \t\r\n\v\f"
_MOST_HEADER = 2**16


class _Header(NamedTuple):
    kind: int
    """1 to 7, as in P1 to P7."""
    width: int
    height: int
    bands: int
    largest: int
    """The value that is white."""
    at: int
    """Where the values begin."""


def _decode(path: Path, _page: int) -> Decoded:
    content = path.read_bytes()
    if content[:2] in (b"Pf", b"PF"):
        return _decode_floats(path, content)
    header = _read_header(path, content)
    require_size(path, header.height, header.width)
    values, bits = _values(path, content, header), header.largest.bit_length()
    full = 255 if header.largest < 256 else 65535
    notice = None
    if header.kind in (1, 4):
        notice = "its 1-bit values become 8-bit ones"
    elif header.largest != full:
        values = np.rint(values.astype(np.float64) * full / header.largest).clip(0, full)
        notice = f"its values up to {header.largest:,} become values up to {full:,}"
    values = values.astype(np.uint8 if full == 255 else np.uint16)
    shape = (header.height, header.width, header.bands)
    return Decoded(
        values=values.reshape(shape if header.bands > 1 else shape[:2]),
        notice=notice,
        bits=bits if bits > 8 else None,
    )


def _values(path: Path, content: bytes, header: _Header) -> np.ndarray:
    count = header.height * header.width * header.bands
    if header.kind == 1:  # digits that may stand side by side
        text = b"".join(line.split(b"#")[0] for line in content[header.at :].splitlines())
        digits = np.frombuffer(text.translate(None, _SPACE), np.uint8) - ord("0")
        values = (1 - digits.astype(int)) * 255
    elif header.kind in (2, 3):
        text = b"\n".join(line.split(b"#")[0] for line in content[header.at :].splitlines())
        values = np.array(text.split(), np.int64)
    elif header.kind == 4:
        stride = -(-header.width // 8)
        packed = np.frombuffer(content, np.uint8, offset=header.at)[: stride * header.height]
        if len(packed) < stride * header.height:
            raise _cut_short(path)
        bits = np.unpackbits(packed.reshape(header.height, stride), axis=1)[:, : header.width]
        values = (1 - bits.astype(int)).ravel() * 255
    else:
        dtype = np.dtype("u1" if header.largest < 256 else ">u2")
        room = (len(content) - header.at) // dtype.itemsize
        values = np.frombuffer(content, dtype, min(count, room), header.at)
    if len(values) < count:
        raise _cut_short(path)
    return values[:count]


def _read_header(path: Path, content: bytes) -> _Header:
    kind, at = content[1] - ord("0"), 2
    if kind == 7:
        return _read_pam_header(path, content)
    numbers: list[int] = []
    for _ in range(2 if kind in (1, 4) else 3):
        while at < len(content) and content[at] in _SPACE + b"#":
            if content[at] == ord("#"):
                at = content.find(b"\n", at) if b"\n" in content[at:] else len(content)
            at += 1
        end = at
        while end < min(len(content), at + 12) and content[end : end + 1].isdigit():
            end += 1
        if end == at:
            raise _broken(path)
        numbers.append(int(content[at:end]))
        at = end
    bands = 3 if kind in (3, 6) else 1
    largest = numbers[2] if len(numbers) > 2 else 255
    return _checked(path, _Header(kind, numbers[0], numbers[1], bands, largest, at + 1))


def _read_pam_header(path: Path, content: bytes) -> _Header:
    end = content.find(b"ENDHDR\n", 0, _MOST_HEADER)
    if end < 0:
        raise _broken(path)
    said = dict(
        line.split(None, 1)
        for line in content[3:end].splitlines()
        if len(line.split(None, 1)) == 2 and not line.startswith(b"#")
    )
    try:
        numbers = [int(said[name]) for name in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL")]
    except (KeyError, ValueError):
        raise _broken(path) from None
    return _checked(path, _Header(7, numbers[0], numbers[1], numbers[2], numbers[3], end + 7))


def _checked(path: Path, header: _Header) -> _Header:
    if not (header.width and header.height and 0 < header.largest < 65536):
        raise _broken(path)
    if not 1 <= header.bands <= 4:
        raise BadImage(f"holds {header.bands} channels; 1 to 4 are read", subject=path)
    return header


def _decode_floats(path: Path, content: bytes) -> Decoded:
    """PFM: rows from the bottom up; a negative scale says little-endian."""
    lines = content[:_MOST_HEADER].split(b"\n", 3)
    try:
        width, height = map(int, lines[1].split())
        scale, bands = float(lines[2]), 3 if lines[0].strip() == b"PF" else 1
    except (ValueError, IndexError):
        raise _broken(path) from None
    require_size(path, height, width)
    at, count = sum(len(line) + 1 for line in lines[:3]), width * height * bands
    if count <= 0 or len(content) < at + 4 * count:
        raise _cut_short(path)
    values = np.frombuffer(content, "<f4" if scale < 0 else ">f4", count, at).astype(np.float32)
    shape = (height, width, bands) if bands > 1 else (height, width)
    return Decoded(values=values.reshape(shape)[::-1])


def _cut_short(path: Path) -> BadImage:
    return BadImage("is a PNM file that is cut short: values are missing", subject=path)


def _broken(path: Path) -> BadImage:
    return BadImage("is a PNM file whose header is damaged", subject=path)


def _recognises(start: bytes) -> bool:
    return _START.match(start) is not None


def _open(path: Path, _axes: str | None) -> Original:
    return open_with_vips(path, PNM.name, PNM.require_loader(path))


PNM = Format(
    name="pnm",
    title="PNM",
    suffixes=(".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".pfm"),
    media_type="image/x-portable-anymap",
    recognises=_recognises,
    capabilities=Capabilities(bits=32, accepts_bits=32, any_number=True),
    open=_open,
    loaders=(DecodedLoader("restorae", module="", decode=_decode),),
    reads="PBM, PGM, PPM, PAM (1 to 16 bits) and PFM (floats); the first image of a file",
)
