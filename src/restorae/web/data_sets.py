"""What may be trained on: sets that are here by name, and the folders that the server was started with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from restorae.data.named import IDX_SETS, find_here
from restorae.errors import UnknownKind, nearest
from restorae.formats import ARRAY_SUFFIXES, SUFFIXES
from restorae.web.gallery import Gallery
from restorae.web.gallery_image import GalleryImage
from restorae.web.names import unused_name
from restorae.web.store import Store

_DROPPED = "dropped here"
_MOST = 200
_LOOKED_AT = 2000


class DataSets:
    """Data sets by name; a client says a name of this list, never a path.

    Args:
        folder: the folder that the server was started with, if any.
        dropped: the images that were dropped on the page, if those may be trained on.
    """

    def __init__(self, folder: Path | None, dropped: DroppedImages | None = None) -> None:
        self.folder, self.dropped = folder, dropped

    def sources(self) -> dict[str, str]:
        """Name and source, which is a data set's name or a path."""
        found = {"digits": "digits"} | {
            name: name for name, wanted in IDX_SETS.items() if find_here(wanted) is not None
        }
        if self.folder is not None:
            found |= {_name(path, self.folder): str(path) for path in _below(self.folder)}
        return found

    def listed(self) -> list[dict[str, Any]]:
        """The data sets as the page shows them; those that were dropped last."""
        here = [{"name": name, "named": name == source} for name, source in self.sources().items()]
        dropped = self.dropped.folders() if self.dropped else ()
        return [*here, *({"name": name, "named": False} for name in dropped)]

    def source(self, name: str) -> str:
        """What stands behind a name.

        Raises:
            UnknownKind: nothing does; the message offers the nearest.
        """
        if self.dropped and name in self.dropped.folders():
            return str(self.dropped.collected(name))
        sources = self.sources()
        if name not in sources:
            raise UnknownKind(f"There is no data set {name!r} here. {nearest(name, sources)}")
        return sources[name]


class DroppedImages:
    """Images that were dropped on the page, as data sets: one for each of the folders that they came in.

    Args:
        gallery: has the images.
        store: where folders are made of them, which stay until the server ends: a training reads them.
    """

    def __init__(self, gallery: Gallery, store: Store) -> None:
        self.gallery, self.store = gallery, store
        self._made: dict[tuple[str, ...], Path] = {}

    def folders(self) -> list[str]:
        """Names of the data sets."""
        return sorted({self._name(image) for image in self.gallery.all()})

    def collected(self, name: str) -> Path:
        """A folder with the images of a data set under the names that people gave them, for pairs belong together by name."""
        images = [image for image in self.gallery.all() if self._name(image) == name]
        key = tuple(image.id for image in images)
        if key not in self._made:
            folder, taken = self.store.workspace().folder, set[str]()
            for image in images:
                plain = "".join(
                    letter if letter.isalnum() or letter in "-_. ()" else "_"
                    for letter in Path(image.name).stem
                ).lstrip(".")
                own = unused_name(f"{plain or 'image'}{image.file.suffix}", taken)
                taken.add(own)
                os.link(image.file, folder / own)
            self._made[key] = folder
        return self._made[key]

    @staticmethod
    def _name(image: GalleryImage) -> str:
        return f"{_DROPPED}/{image.folder}" if image.folder else _DROPPED


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
