"""A ZIP of many files, written while it is sent, so that it needs neither disk space nor memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

_READ_AT_ONCE = 2**18


class _Sink(io.RawIOBase):
    """Takes what is written; cannot be read or sought, as a connection cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self.parts.append(part)
        return len(part)

    def take(self) -> bytes:
        """All that was written since the last call."""
        taken = b"".join(self.parts)
        self.parts.clear()
        return taken


def zipped(files: Sequence[tuple[str, Path]]) -> Iterator[bytes]:
    """The bytes of a ZIP, not compressed, as images are already.

    Args:
        files: path within the archive and file; what has vanished meanwhile is left out.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, path in files:
            try:
                handle = path.open("rb")
            except OSError:
                continue
            entry = zipfile.ZipInfo.from_file(path, name)
            with handle, archive.open(entry, "w", force_zip64=True) as written:
                while part := handle.read(_READ_AT_ONCE):
                    written.write(part)
                    yield sink.take()
            yield sink.take()
    yield sink.take()
