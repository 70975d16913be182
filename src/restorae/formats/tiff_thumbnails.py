"""Thumbnails within a TIFF's tags, Photoshop's resources and XMP, taken out of a written file."""

from __future__ import annotations

import contextlib
from pathlib import Path

from restorae.errors import BadImage
from restorae.formats.thumbnails import without_photoshop_thumbnail, without_xmp_thumbnail
from restorae.formats.tiff_directories import SIZES, Directory, Tiff

WITHOUT = {700: without_xmp_thumbnail, 34377: without_photoshop_thumbnail}
"""Tags that may hold thumbnails, and what takes them out."""
_LONGEST = 2**24


def remove_thumbnails(path: Path) -> None:
    """Shorten such tags in place. What cannot be followed stays as it is."""
    with path.open("rb+") as handle, contextlib.suppress(BadImage):
        tiff = Tiff(handle, path)
        tiff.pages()
        for place, directory in list(tiff.known.items()):
            for tag in WITHOUT.keys() & directory.entries.keys():
                _shorten(tiff, place, directory, tag)


def has_thumbnail(tiff: Tiff, directory: Directory) -> bool:
    """Whether one of a page's tags holds a thumbnail."""
    return any(
        _shortened(tiff, directory, tag) is not None
        for tag in WITHOUT.keys() & directory.entries.keys()
    )


def _shortened(tiff: Tiff, directory: Directory, tag: int) -> tuple[bytes, int] | None:
    """A tag's content without thumbnails, and how long it was; None if it holds none."""
    entry = directory.entries[tag]
    if SIZES.get(entry.type) != 1 or not tiff.room < entry.size < _LONGEST or not tiff.holds(entry):
        return None
    content = WITHOUT[tag](before := tiff.content(entry))
    return (content, len(before)) if len(content) < len(before) else None


def _shorten(tiff: Tiff, place: int, directory: Directory, tag: int) -> None:
    found = _shortened(tiff, directory, tag)
    if found is None or len(found[0]) <= tiff.room:
        return
    content, length = found
    entry, handle = directory.entries[tag], tiff.file
    handle.seek(entry.place)
    handle.write(content.ljust(length, b"\0"))
    lead, each = (8, 20) if tiff.big else (2, 12)
    handle.seek(place)
    count = tiff.unpacked("Q" if tiff.big else "H", handle.read(lead))[0]
    for at in range(place + lead, place + lead + count * each, each):
        handle.seek(at)
        if tiff.unpacked("HH", handle.read(4)) == (tag, entry.type):
            handle.write(tiff.packed(tiff.offset, len(content)))
            return
