"""What may be trained on: sets that are here by name, and the folders that the server was started with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from restorae.data.named import IDX_SETS, find_here
from restorae.errors import UnknownKind, nearest
from restorae.formats import ARRAY_SUFFIXES, SUFFIXES

_MOST = 200
_LOOKED_AT = 2000


class DataSets:
    """Data sets by name; a client says a name of this list, never a path.

    Args:
        folder: the folder that the server was started with, if any.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def sources(self) -> dict[str, str]:
        """Name and source, which is a data set's name or a path."""
        found = {"digits": "digits"} | {
            name: name for name, wanted in IDX_SETS.items() if find_here(wanted) is not None
        }
        if self.folder is not None:
            found |= {_name(path, self.folder): str(path) for path in _below(self.folder)}
        return found

    def listed(self) -> list[dict[str, Any]]:
        """The data sets as the page shows them."""
        return [{"name": name, "named": name == source} for name, source in self.sources().items()]

    def source(self, name: str) -> str:
        """What stands behind a name.

        Raises:
            UnknownKind: nothing does; the message offers the nearest.
        """
        sources = self.sources()
        if name not in sources:
            raise UnknownKind(f"There is no data set {name!r} here. {nearest(name, sources)}")
        return sources[name]


def _name(path: Path, folder: Path) -> str:
    relative = path.relative_to(folder).as_posix()
    top = folder.name or "data"
    return top if relative == "." else f"{top}/{relative}"


def _below(folder: Path) -> list[Path]:
    """The folder, those one and two below it that hold images, and arrays beside them."""
    found = [folder] if _holds_images(folder) else []
    for pattern in ("*", "*/*"):
        for path in sorted(folder.glob(pattern)):
            if len(found) >= _MOST:
                return found
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if not hidden and (
                _holds_images(path) if path.is_dir() else path.suffix.lower() in ARRAY_SUFFIXES
            ):
                found.append(path)
    return found


def _holds_images(folder: Path) -> bool:
    looked = 0
    for _, _, files in os.walk(folder):
        if any(Path(name).suffix.lower() in SUFFIXES for name in files):
            return True
        looked += len(files) + 1
        if looked > _LOOKED_AT:
            return False
    return False
