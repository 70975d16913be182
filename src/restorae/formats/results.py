"""Beginning a result: a writer for values that were changed, in the original's format or in another."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from restorae.errors import BadImage, Fix
from restorae.formats.contents import Contents, losses, read_contents
from restorae.formats.format import Format
from restorae.formats.original import Original
from restorae.formats.registry import FORMATS
from restorae.formats.writer import Writer


def begin_result(
    original: Original, target: Path, kind: str | None = None, quality: int | None = None
) -> Writer:
    """A writer for `target` that keeps what `original` holds: type, pages, metadata.

    Args:
        original: the file whose values were changed.
        target: the file to write.
        kind: name of a format that can be written; None keeps the original's.
        quality: 1 to 100, of lossy formats; None takes the format's usual one.

    Raises:
        BadImage: that format cannot hold this image.
        OutputError: there is no room for it.
    """
    found = FORMATS[kind or original.kind]
    if found.is_array != original.is_array:
        raise BadImage(
            f"arrays are written as arrays and images as images, not as {found.title}",
            subject=original.path,
            fix=_possible(original),
        )
    if found.writer is None:
        raise BadImage(
            f"{found.title} files are read but not written",
            subject=original.path,
            fix=_possible(original),
        )
    refusal = found.capabilities.refusal(original.pages)
    if refusal is not None:
        raise BadImage(
            f"{found.title} {refusal}, and nothing may be lost",
            subject=original.path,
            fix=_possible(original),
        )
    writer = found.writer(original, target, quality=quality)
    if original.stamp is None:
        return writer
    return _TellingWriter(writer, read_contents(original.path, original.kind), kind=found.name)


class _TellingWriter(Writer):
    """Another writer, which also tells what its file lacks of what the original holds."""

    def __init__(self, writer: Writer, held: Contents, *, kind: str) -> None:
        super().__init__(writer.target)
        self.writer, self.held, self.kind = writer, held, kind
        self.notices, self.ordered = writer.notices, writer.ordered

    def put(self, page: int, top: int, rows: np.ndarray) -> None:
        self.writer.put(page, top, rows)

    def finish(self) -> None:
        self.writer.finish()
        self.notices += losses(self.held, read_contents(self.target, self.kind))

    def drop(self) -> None:
        self.writer.drop()


def _possible(original: Original) -> list[Fix]:
    """The formats that can hold it, and keeping its own."""
    fixes = [Fix("format", each.name) for each in FORMATS.values() if _can_hold(each, original)]
    return [*fixes, Fix("format", action="omit")] if FORMATS[original.kind].can_write else fixes


def _can_hold(found: Format, original: Original) -> bool:
    return not found.is_array and not original.is_array and found.holds(original.pages)
