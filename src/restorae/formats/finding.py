"""Finding pictures in folders."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from restorae.formats.kinds import ARRAY_KINDS, SUFFIXES, kind_named, kind_of


def picture_files(folder: Path) -> list[Path]:
    """The picture files below a folder, sorted; hidden ones are left out, links to folders not followed.

    Files that go by a picture's name are taken as such, broken ones too; of others those that are pictures by content. A
    folder that may not be looked into stands for its pictures, so that it is named where a broken file would be.
    """
    found: list[Path] = []
    closed: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=closed.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            path
            for name in files
            if not name.startswith(".") and _is_picture(path := Path(parent, name))
        ]
    return sorted([*found, *(Path(error.filename) for error in closed)])


def _is_picture(path: Path) -> bool:
    if path.suffix.lower() in SUFFIXES:
        return True
    if kind_named(path) in ARRAY_KINDS:
        return False
    with contextlib.suppress(OSError):
        return path.is_file() and kind_of(path) not in (None, *ARRAY_KINDS)
    return False
