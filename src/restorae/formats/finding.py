"""Finding pictures in folders."""

from __future__ import annotations

import os
from pathlib import Path

from restorae.formats.stills import SUFFIXES


def picture_files(folder: Path) -> list[Path]:
    """The picture files below a folder by their suffix, sorted; hidden ones are left out, links to folders not followed."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent, name) for name in files if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")]
    return sorted(found)
