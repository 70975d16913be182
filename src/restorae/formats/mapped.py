"""Files whose bytes are looked through where they lie, without reading all of them."""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

Content: TypeAlias = bytes | mmap.mmap
"""Bytes in memory or of a mapped file."""


@contextlib.contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """The bytes of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is empty.
    """
    with (
        path.open("rb") as handle,
        mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        yield content
