"""Finding image files in folders."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from restorae.formats.registry import SUFFIXES, format_named, format_of


def image_files(folder: Path) -> list[Path]:
    """The image files below a folder, sorted; hidden ones are left out, links to folders not followed.

    Files with an image's suffix are listed, broken ones too; of the others those that are images by content. A folder that
    may not be read is listed itself, so that it is reported where a broken file would be.
    """
    found: list[Path] = []
    closed: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=closed.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            path
            for name in files
            if not name.startswith(".") and _is_image(path := Path(parent, name))
        ]
    return sorted([*found, *(Path(error.filename) for error in closed)])


def _is_image(path: Path) -> bool:
    if path.suffix.lower() in SUFFIXES:
        return True
    named = format_named(path)
    if named is not None and named.is_array:
        return False
    with contextlib.suppress(OSError):
        found = format_of(path) if path.is_file() else None
        return found is not None and not found.is_array
    return False
