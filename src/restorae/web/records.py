"""What is written down of an image, so that a server started anew with the same folder knows it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from restorae.files import write_text
from restorae.formats import open_original
from restorae.restoring import Choice
from restorae.value_range import ValueRange
from restorae.web.colours import to_screen
from restorae.web.gallery_image import GalleryImage, Result
from restorae.web.mask_strokes import Stroke
from restorae.web.pyramid import Pyramid, shown_bands
from restorae.web.store import Workspace

NAME = "record.json"
FILM = "film.json"
"""The record of a film."""


def write(image: GalleryImage) -> None:
    """Write the record of an image into its workspace."""
    record = {
        "place": image.place,
        "name": image.name,
        "folder": image.folder,
        "file": image.file.name,
        "values": asdict(image.values),
        "automatic": asdict(image.automatic),
        "layers": {name: _pyramid(pyramid) for name, pyramid in image.layers.items()},
        "strokes": [stroke.model_dump() for stroke in image.strokes],
        "mask": image.mask is not None,
        "version": image.version,
        "results": [
            {
                "number": result.number,
                "settings": result.settings,
                "path": result.path.name,
                "name": result.name,
                "layers": {name: _pyramid(pyramid) for name, pyramid in result.layers.items()},
                "maps": {name: path.name for name, path in result.maps.items()},
                "saved": result.saved,
                "unchanged": result.unchanged,
            }
            for result in image.results
        ],
    }
    write_text(image.workspace.folder / NAME, json.dumps(record))


def read(workspace: Workspace, most_pixels: int) -> GalleryImage:
    """The image of a workspace that an earlier server left.

    Raises:
        OSError, ValueError, KeyError, RestoraeError: it cannot be used.
    """
    folder = workspace.folder
    record: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
    original = open_original(folder / Path(record["file"]).name, most_pixels=most_pixels)
    image = GalleryImage(
        id=workspace.name,
        name=record["name"],
        folder=record["folder"],
        place=record["place"],
        workspace=workspace,
        file=original.path,
        original=original,
        values=ValueRange(*(tuple(record["values"][side]) for side in ("low", "high"))),
        automatic=Choice(**record["automatic"]),
        layers=_pyramids(folder, record["layers"]),
        to_screen=to_screen(original.path, shown_bands(original)),
        strokes=[Stroke(**stroke) for stroke in record["strokes"]],
        mask=folder / "mask.png" if record["mask"] else None,
        version=record["version"],
    )
    for found in record["results"]:
        path = folder / Path(found["path"]).name
        if not path.is_file():
            continue
        image.results.append(
            Result(
                number=found["number"],
                settings=found["settings"],
                path=path,
                name=found["name"],
                layers=_pyramids(folder, found["layers"]),
                maps={name: folder / Path(file).name for name, file in found["maps"].items()},
                saved=found["saved"],
                unchanged=found["unchanged"],
            )
        )
    return image


def _pyramid(pyramid: Pyramid) -> dict[str, Any]:
    return {
        "name": pyramid.name,
        "sizes": pyramid.sizes,
        "bands": pyramid.bands,
        "orientation": pyramid.orientation,
    }


def _pyramids(folder: Path, records: dict[str, dict[str, Any]]) -> dict[str, Pyramid]:
    return {
        name: Pyramid(
            folder=folder,
            name=Path(record["name"]).name,
            sizes=tuple((height, width) for height, width in record["sizes"]),
            bands=record["bands"],
            orientation=record["orientation"],
        )
        for name, record in records.items()
    }
