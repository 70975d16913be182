"""Whether a JPEG is whole. Decoders paint over what is missing or broken, so what they return does not show it.

Two things are decoded beside the image: the file, to hear all that the decoder complains of; and the
file without its last bytes, which must lack something. If it does not, the decoder lost its way: a sound scan is used up when
the last pixel is done. Both go without an end marker and with a few bytes that code nothing: decoders look a few bytes ahead, and
who needs more than these is told at once that the file is cut short.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from restorae.errors import BadImage
from restorae.formats.jpeg_structure import JpegStructure, read_structure
from restorae.formats.libraries import import_pyvips
from restorae.formats.mapped import mapped
from restorae.formats.original import FileStamp, cannot_read

_BLOCK = 8
_EOI = b"\xff\xd9"
_AHEAD = b"\xff\x00" * 8
"""No code consists of ones alone. Decoders read up to eight bytes ahead, which may end two blocks by mistake."""
_SPARE = 650
"""Bytes that three blocks of pixels can take: less than that may be missing without being missed."""
_MANY_ZEROS, _ZEROS = bytes(64), re.compile(rb"\x00+")
_COMPLAINTS = ("corrupt", "premature", "bogus", "huffman", "arithmetic", "restart")
_DECODER = "VipsJpeg:"
"""With this begins what the decoder says."""
_TRIES = 8
_HUFFMAN_SEQUENTIAL = (0xC0, 0xC1)
_ONE_AT_A_TIME = threading.Lock()
NO_END = "its end marker was missing; all pixels were there"


@dataclass(frozen=True)
class JpegState:
    """What was found."""

    damage: str | None = None
    """Why it is not whole, as a sentence's rest; None if it is."""
    has_end: bool = True
    """Whether the end marker is there."""


def examine(path: Path) -> JpegState:
    """What state a JPEG is in; the last files are remembered.

    Raises:
        BadImage: it cannot be read.
    """
    return _examined(path, FileStamp.of(path))


@functools.lru_cache(maxsize=4096)
def _examined(path: Path, stamp: FileStamp) -> JpegState:
    try:
        with mapped(path) as content:
            structure = read_structure(content)
            image = content[: structure.end]
    except OSError as error:
        raise cannot_read(path, error) from None
    except ValueError:
        return JpegState(damage="it is empty")
    if not structure.scans or not structure.frame:
        return JpegState(damage="it is cut short before its pixels begin", has_end=False)
    is_single = structure.frame in _HUFFMAN_SEQUENTIAL and structure.scans == 1
    if is_single:
        image = _with_whole_blocks(image, structure)
    _, stop = structure.last_scan
    complaint = _complaint(image[:stop] + (_AHEAD if is_single else _EOI))
    if complaint is not None:
        where = "" if structure.has_end else "it is cut short: "
        return JpegState(f"{where}{complaint}", structure.has_end)
    if structure.missing_scans:
        return JpegState(
            "it is cut short: some of its progressive scans are missing", structure.has_end
        )
    if is_single:
        return JpegState(_left_over(image, structure), structure.has_end)
    return JpegState(has_end=structure.has_end)


def _with_whole_blocks(image: bytes, structure: JpegStructure) -> bytes:
    """The file with the height that its blocks have: libvips does not hear complaints about blocks that it decodes in part."""
    frame = next(each for each in structure.segments if each.marker == structure.frame)
    changed = bytearray(image)
    vertical = max((vertical for _, vertical in structure.sampling.values()), default=1)
    if len(structure.sampling) == 1:
        changed[frame.start + 7], vertical = 0x11, 1  # which it means whatever it says
    block = _BLOCK * max(1, vertical)
    height = -(-structure.height // block) * block
    if height < 2**16:
        changed[frame.start + 1 : frame.start + 3] = height.to_bytes(2, "big")
    return bytes(changed)


def _complaint(image: bytes) -> str | None:
    """What the decoder complains of; None if it is content, or if it does not decode such files at all."""
    # libvips keeps the text of errors once for the whole process: work in any other thread may take it
    for _ in range(_TRIES):
        with _ONE_AT_A_TIME:
            error = _decoding_error(image)
        if error is None:
            return None
        said = [
            line.strip().removeprefix(_DECODER).strip()
            for line in str(error).splitlines()
            if line.strip().startswith(_DECODER)
        ]
        if said:
            heard = (line for line in said if any(word in line.lower() for word in _COMPLAINTS))
            return next(heard, None)
    # its words stay lost: what is decoded only where warnings do not count is damaged
    is_decodable = _decoding_error(image, fail_on="none") is None
    return "its coded pixels are corrupt" if is_decodable else None


def _decoding_error(image: bytes, *, shrink: int = 1, fail_on: str = "warning") -> Exception | None:
    """What stops the decoder. Shrunk, it computes little from the codes, and hears nothing of the last 64 rows but their end."""
    pyvips = import_pyvips()
    found: Exception | None = None
    try:
        decoded = pyvips.Image.jpegload_buffer(
            image, shrink=shrink, unlimited=True, fail_on=fail_on, access="sequential"
        )
        decoded.crop(0, decoded.height - 1, 1, 1).avg()  # all rows are decoded for the last one
    except pyvips.Error as error:
        found = error
    return found


def _left_over(image: bytes, structure: JpegStructure) -> str | None:
    """What is wrong with the coded pixels of one scan although the decoder does not complain; None if nothing is."""
    start, stop = structure.last_scan

    def is_enough(end: int) -> bool:
        # whatever the reason: an error whose text got lost must not make a whole file look damaged
        return _decoding_error(image[:end] + _AHEAD, shrink=8) is None

    zeros = -1 if structure.zeros_are_flat else image.find(_MANY_ZEROS, start, stop)
    run = None if zeros < 0 else _ZEROS.match(image, zeros, stop)
    if run is not None:
        if run.end() == stop and is_enough(run.start() + len(_AHEAD)):
            return None  # padding behind the last pixel
        return f"bytes {run.start():,} to {run.end():,} are zeros, where pixels should be"
    if stop - start <= _SPARE or not is_enough(stop - _SPARE):
        return None
    needed = _first(start, stop - _SPARE, is_enough)
    rest = image[needed:stop]
    if not rest.strip(rest[-1:]):
        return None  # padding behind the last pixel
    return f"{len(rest):,} bytes of coded pixels are left over when the image is complete, so some before them are wrong"


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The first number for which a condition holds, which then holds for all up to `high`."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def require_whole(path: Path) -> JpegState:
    """The state of a JPEG that is whole.

    Raises:
        BadImage: it is damaged or cut short.
    """
    state = examine(path)
    if state.damage is not None:
        raise BadImage(
            f"is a damaged JPEG: {state.damage}. Look for another copy; or save what is left of it with another program, as PNG, "
            "and restore that",
            subject=path,
        )
    return state
