"""Beginning a result: a writer for values that were changed, in the original's format or in another."""

from __future__ import annotations

from pathlib import Path

from restorae.errors import BadImage, Fix
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
    return found.writer(original, target, quality=quality)


def _possible(original: Original) -> list[Fix]:
    """The formats that can hold it, and keeping its own."""
    fixes = [Fix("format", each.name) for each in FORMATS.values() if _can_hold(each, original)]
    return [*fixes, Fix("format", action="omit")] if FORMATS[original.kind].can_write else fixes


def _can_hold(found: Format, original: Original) -> bool:
    return not found.is_array and not original.is_array and found.holds(original.pages)
