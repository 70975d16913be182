"""The idx format of the MNIST files, plain or gzipped."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from restorae.errors import BadImage

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_LARGEST = 4 * 2**30


def read_idx(path: Path) -> np.ndarray:
    """The array in an idx file: uint8 (n, height, width) for images, (n,) for labels.

    Raises:
        BadImage: not an idx file, or its length is not what its header says; the message says both.
    """
    try:
        raw = path.read_bytes()
        content = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise BadImage(
            f"cannot be read: it is cut short or damaged ({error})", subject=path
        ) from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES:
        raise BadImage(
            "is not an idx file: expected it to begin with 00 00, a type and a number of axes",
            subject=path,
        )
    dtype, axes = np.dtype(_TYPES[content[2]]), content[3]
    start = 4 + 4 * axes
    if not 1 <= axes <= 8 or len(content) < start:
        raise BadImage(
            f"is cut short: its header names {axes} axes but ends before their sizes", subject=path
        )
    shape = struct.unpack(f">{axes}I", content[4:start])
    expected = math.prod(shape) * dtype.itemsize
    if expected > _LARGEST or len(content) - start != expected:
        raise BadImage(
            f"holds {len(content) - start:,} bytes of values, but its header says {'×'.join(map(str, shape))} "
            f"({expected:,} bytes): it is cut short or damaged",
            subject=path,
        )
    return (
        np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))
    )
