"""The idx format of the MNIST files, plain or gzipped."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from restorae.errors import BadImage

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_LARGEST = 4 * 2**30
_STEP = 2**20


def read_idx(path: Path) -> np.ndarray:
    """The array in an idx file: uint8 (n, height, width) for images, (n,) for labels.

    Raises:
        BadImage: not an idx file, or its length is not what its header says; the message says both.
    """
    try:
        with _opened(path) as file:
            dtype, shape, expected = _read_header(path, file)
            # a few bytes that were packed can claim any size: no more is unpacked than the header names
            most = _STEP + (expected if expected <= _LARGEST else 0)
            content = _at_most(file, most)
    except (OSError, EOFError, zlib.error) as error:
        raise BadImage(
            f"cannot be read: it is cut short or damaged ({error})", subject=path
        ) from None
    if len(content) != expected:
        held = f"{'at least ' * (len(content) == most)}{len(content):,}"
        raise BadImage(
            f"holds {held} bytes of values, but its header says {'×'.join(map(str, shape))} ({expected:,} bytes): it is cut short "
            "or damaged",
            subject=path,
        )
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _at_most(file: BinaryIO, count: int) -> bytes:
    """The next bytes, `count` at most, in steps: a single read makes room for all of them first."""
    found = bytearray()
    while len(found) < count and (step := file.read(min(_STEP, count - len(found)))):
        found += step
    return bytes(found)


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    return cast("BinaryIO", gzip.open(path)) if is_packed else path.open("rb")


def _read_header(path: Path, file: BinaryIO) -> tuple[np.dtype, tuple[int, ...], int]:
    """Type, shape and bytes of the values; the file is then at the first of them."""
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _TYPES:
        raise BadImage(
            "is not an idx file: expected it to begin with 00 00, a type and a number of axes",
            subject=path,
        )
    dtype, axes = np.dtype(_TYPES[start[2]]), start[3]
    sizes = file.read(4 * axes)
    if not 1 <= axes <= 8 or len(sizes) < 4 * axes:
        raise BadImage(
            f"is cut short: its header names {axes} axes but ends before their sizes", subject=path
        )
    shape = struct.unpack(f">{axes}I", sizes)
    return dtype, shape, math.prod(shape) * dtype.itemsize
