"""The pictures that pages have sent, and what is shown of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from restorae.errors import BadPicture
from restorae.formats import (
    SUFFIX_OF,
    Original,
    kind_of,
    open_original,
    read_still,
    write_still,
)
from restorae.pixels import LUMA, ValueRange, working_values
from restorae.restoring import PHOTOS, Choice
from restorae.restoring.model_choice import OLD_PRINTS, choose_for_file
from restorae.web.http_errors import HttpError, not_found
from restorae.web.mask_strokes import Stroke, paint
from restorae.web.options import Limits
from restorae.web.pyramid import Pyramid, display_range, pyramid_bytes, write_pyramid
from restorae.web.store import Store, Workspace
from restorae.web.wording import PAGE

_LONGEST_NAME = 120


@dataclass
class Picture:
    """One picture: the file as it was sent, what is shown of it, and what has become of it."""

    id: str
    name: str
    """What the person calls it; nothing is ever opened by it."""
    workspace: Workspace
    file: Path
    original: Original
    values: ValueRange
    """Which stored values are shown black and white."""
    automatic: Choice
    """The model that is used where the person chooses none, and why."""
    layers: dict[str, Pyramid] = field(default_factory=dict)
    """What can be looked at: `before`, and once restored `after` and further ones."""
    strokes: list[Stroke] = field(default_factory=list)
    mask: Path | None = None
    result: Path | None = None
    """The restored file."""
    result_name: str = ""
    job: str | None = None
    """The job that restored it, or will."""
    looked_at: float = field(default_factory=time.time)
    version: int = 0
    """Counts results, so that a browser does not show tiles of the last one."""

    @property
    def height(self) -> int:
        """Of the upright picture."""
        return self.layers["before"].height

    @property
    def width(self) -> int:
        """Of the upright picture."""
        return self.layers["before"].width

    def layer(self, name: str) -> Pyramid:
        """A layer.

        Raises:
            HttpError: there is none of that name.
        """
        if name not in self.layers:
            raise not_found(f"layer {name!r} of {self.name}")
        return self.layers[name]

    def choice(self, masked: bool = False) -> Choice:
        """The model for the whole picture, or for what its mask marks, where the person chooses none."""
        return choose_for_file(self.original, with_mask=True) if masked else self.automatic

    def to_dict(self) -> dict[str, Any]:
        """What a page is told."""
        page = self.original.pages[0]
        return {
            "id": self.id,
            "name": self.name,
            "kind": self.original.kind,
            "height": self.height,
            "width": self.width,
            "channels": page.channels,
            "alpha": bool(page.alpha),
            "dtype": page.dtype.name,
            "pages": len(self.original.pages),
            "stack": self.original.is_array or len(self.original.pages) > 1,
            "bytes": self.file.stat().st_size,
            "notices": list(self.original.notices),
            "levels": [
                list(_turned(size, self.original.orientation))
                for size in self.layers["before"].sizes
            ],
            "automatic": {
                "whole": _choice_dict(self.choice()),
                "masked": _choice_dict(self.choice(masked=True)),
            },
            "layers": list(self.layers),
            "strokes": [stroke.model_dump() for stroke in self.strokes],
            "mask": self.mask is not None,
            "result": self.result_name if self.result else None,
            "job": self.job,
            "version": self.version,
        }


class Gallery:
    """All pictures that are open.

    Args:
        store: where they lie.
        limits: how many and how large.
    """

    def __init__(self, store: Store, limits: Limits) -> None:
        self.store, self.limits = store, limits
        self._pictures: dict[str, Picture] = {}
        self._changing = threading.Lock()

    def workspace(self) -> Workspace:
        """A place for one more picture.

        Raises:
            HttpError: there are too many already.
        """
        self.forget_old()
        if len(self._pictures) >= self.limits.pictures:
            raise HttpError(
                507, f"{self.limits.pictures} pictures are open already. Remove some of them."
            )
        return self.store.workspace()

    def take(
        self, workspace: Workspace, file: Path, name: str, check: Callable[[], None] = lambda: None
    ) -> Picture:
        """Make a picture of a file on the workspace; what it is, its content says.

        Raises:
            BadPicture: it is no picture that is read, or too large; the message names it as the person does.
            HttpError: there is no room for what is shown of it.
        """
        name = plain_name(name)
        try:
            kind = kind_of(file) if file.stat().st_size else None
            named = file.with_name("original" + SUFFIX_OF.get(kind or "", ""))
            file.rename(named)
            original = open_original(named, most_pixels=self.limits.pixels)
            if not original.pages:
                raise BadPicture(f"{named} holds no picture.")
            workspace.claim(pyramid_bytes(original))
            values = display_range(original, "auto")
            layers = {
                "before": write_pyramid(original, values, workspace.folder, "before", check=check)
            }
        except OSError as error:
            raise workspace.failed(error) from None
        picture = Picture(
            workspace.name,
            name,
            workspace,
            named,
            original,
            values,
            choose_for_file(original),
            layers,
        )
        self._pictures[picture.id] = picture
        return picture

    def get(self, name: str) -> Picture:
        """A picture by its id.

        Raises:
            HttpError: there is none.
        """
        picture = self._pictures.get(name)
        if picture is None:
            raise not_found("such picture")
        picture.looked_at = time.time()
        return picture

    def all(self) -> list[Picture]:
        """Every picture, oldest first."""
        return list(self._pictures.values())

    def remove(self, name: str) -> None:
        """Forget a picture and all that belongs to it."""
        picture = self._pictures.pop(name, None)
        if picture is None:
            raise not_found("such picture")
        picture.workspace.remove()

    def forget_old(self) -> None:
        """Remove pictures that nobody has looked at for long."""
        before = time.time() - 3600 * self.limits.hours_kept
        for picture in self.all():
            if picture.looked_at < before:
                self._pictures.pop(picture.id, None)
                picture.workspace.remove()

    def paint(self, picture: Picture, strokes: list[Stroke]) -> None:
        """Make the picture's mask of strokes; none removes it."""
        mask = paint(strokes, picture.height, picture.width) if strokes else None
        self._set_mask(picture, mask if mask is not None and mask.any() else None, strokes)

    def take_mask(self, picture: Picture, file: Path) -> None:
        """Make the picture's mask of a picture, white where it is damaged.

        Raises:
            BadPicture: it cannot be read.
            HttpError: it has another size.
        """
        values = working_values(read_still(file))
        values = values @ np.asarray(LUMA, np.float32) if values.ndim == 3 else values
        if values.shape != (picture.height, picture.width):
            raise HttpError(
                422,
                f"The mask is {values.shape[1]} × {values.shape[0]} pixels, {picture.name} {picture.width} × {picture.height} (width × "
                "height). Paint it on a copy of the picture.",
            )
        self._set_mask(picture, np.asarray(np.rint(np.clip(values, 0, 1) * 255), np.uint8), [])

    def _set_mask(self, picture: Picture, mask: np.ndarray | None, strokes: list[Stroke]) -> None:
        with self._changing:
            path = picture.workspace.folder / "mask.png"
            if mask is not None:
                write_still(path, mask)
            picture.strokes, picture.mask = strokes, path if mask is not None else None


def plain_name(name: str) -> str:
    r"""A file's name for people: its last part, without what cannot be shown.

    >>> plain_name("../../etc/pass\nwd"), plain_name("C:\\scans\\aunt.tif"), plain_name("  ")
    ('passwd', 'aunt.tif', 'picture')
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    shown = "".join(letter for letter in last if letter.isprintable()).strip()
    return shown[-_LONGEST_NAME:] or "picture"


def result_name(name: str, kind: str) -> str:
    """What the restored file is called when it is downloaded.

    >>> result_name("aunt.jpeg", "jpeg"), result_name("scan", "tiff"), result_name("odd.png", "tiff")
    ('aunt-restored.jpeg', 'scan-restored.tif', 'odd-restored.tif')
    """
    from restorae.formats import kind_named

    path = PurePosixPath(name)
    suffix = path.suffix if kind_named(Path(name)) == kind else SUFFIX_OF[kind]
    return f"{path.stem}-restored{suffix}"


def _choice_dict(choice: Choice) -> dict[str, str]:
    notice = OLD_PRINTS.render(PAGE) if choice.name == PHOTOS else ""
    return {**asdict(choice), "notice": notice}


def _turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return size if orientation <= 4 else (size[1], size[0])
