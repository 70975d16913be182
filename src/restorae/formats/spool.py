"""Room for a result while it grows: in memory if it is small, else in one unnamed file beside the result."""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from restorae.errors import Fix, OutputError
from restorae.files import write_failure

IN_MEMORY = 128 * 2**20
_SPARE = 64 * 2**20


class Spool:
    """`size` bytes that are filled piece by piece and then read as one buffer.

    A file of its own has no name where the system allows it, so that nothing is left if the process is killed; its place
    on the disk is taken at once, so that a disk without room is noticed before the work.

    Args:
        folder: where the file would lie: the result's folder.
        size: bytes.
        encoded: how many bytes the finished result may take beside it.

    Raises:
        OutputError: there is no room.
    """

    def __init__(self, folder: Path, size: int, *, encoded: int = 0) -> None:
        self.size = size
        self._memory: bytearray | None = None
        self._file: IO[bytes] | None = None
        self._map: mmap.mmap | None = None
        if size <= IN_MEMORY:
            self._memory = bytearray(size)
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(folder).free
            if free < size + encoded + _SPARE:
                raise OutputError(
                    f"has not enough free space: {(size + encoded + _SPARE) / 1e9:.1f} GB are needed while the result is written, "
                    f"{free / 1e9:.1f} GB are free",
                    subject=folder,
                    fix=Fix("out", action="change"),
                )
            self._file = tempfile.TemporaryFile(dir=folder, prefix=".", suffix=".partial")  # noqa: SIM115 (closed by close)
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._file.fileno(), 0, size)
            else:
                self._file.truncate(size)
        except OSError as error:
            self.close()
            raise write_failure(folder / "result", error) from error

    def write(self, place: int, content: bytes | memoryview) -> None:
        """Put `content` at byte `place`."""
        if self._memory is not None:
            self._memory[place : place + len(content)] = content
            return
        assert self._file is not None
        try:
            self._file.seek(place)
            self._file.write(content)
        except OSError as error:
            raise write_failure(Path("the result"), error) from error

    def buffer(self) -> bytearray | mmap.mmap:
        """Everything that was written, as one buffer; of a file, parts are read when they are used."""
        if self._memory is not None:
            return self._memory
        assert self._file is not None
        if self._map is None:
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), self.size, access=mmap.ACCESS_READ)
        return self._map

    def close(self) -> None:
        """Give the room back."""
        self._memory = None
        if self._map is not None:
            try:
                self._map.close()
            except BufferError:
                self._map = None  # a view of it still exists: it goes with the view
        if self._file is not None:
            self._file.close()
            self._file = None
