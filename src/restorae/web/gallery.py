"""Uploaded images: the files, their tile pyramids, masks and results."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from restorae.errors import BadImage
from restorae.formats import (
    SUFFIX_OF,
    Original,
    kind_of,
    open_original,
    write_still,
)
from restorae.restoring import PAGES, PHOTOS, Choice
from restorae.restoring.masks import read_mask_file
from restorae.restoring.model_choice import OLD_PRINTS, WHITENED, choose_for_file
from restorae.value_range import ValueRange
from restorae.web.http_errors import HttpError, not_found
from restorae.web.mask_strokes import Stroke, paint
from restorae.web.options import Limits
from restorae.web.pyramid import Pyramid, display_range, pyramid_bytes, write_pyramid
from restorae.web.store import Store, Workspace
from restorae.web.wording import PAGE

_LONGEST_NAME = 120


@dataclass(kw_only=True)
class GalleryImage:
    """One uploaded image: its file, its tile pyramids, its mask and its result."""

    id: str
    name: str
    """File name that the client sent, for display only: it is never used as a path."""
    workspace: Workspace
    file: Path
    original: Original
    values: ValueRange
    """Stored values that are displayed as black and white."""
    automatic: Choice
    """The model that is used when the request names none, and the reason."""
    layers: dict[str, Pyramid] = field(default_factory=dict)
    """Tile pyramids by name: `before`, and once restored `after` and overlays."""
    strokes: list[Stroke] = field(default_factory=list)
    mask: Path | None = None
    result: Path | None = None
    """The restored file."""
    result_name: str = ""
    """File name of the download."""
    job: str | None = None
    """Id of the job that restores it."""
    looked_at: float = field(default_factory=time.time)
    """Time of the last request for it, in seconds since the epoch."""
    version: int = 0
    """Number of results so far; part of the tiles' addresses, so that browsers do not show cached tiles of the last result."""

    @property
    def height(self) -> int:
        """Height of the upright image, in pixels."""
        return self.layers["before"].height

    @property
    def width(self) -> int:
        """Width of the upright image, in pixels."""
        return self.layers["before"].width

    def layer(self, name: str) -> Pyramid:
        """The tile pyramid of that name.

        Raises:
            HttpError: there is no such layer.
        """
        if name not in self.layers:
            raise not_found(f"layer {name!r} of {self.name}")
        return self.layers[name]

    def choice(self, masked: bool = False) -> Choice:
        """The model that is used when the request names none: for the whole image, or for its masked part."""
        return choose_for_file(self.original, with_mask=True) if masked else self.automatic

    def to_dict(self) -> dict[str, Any]:
        """The image as JSON for the page."""
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
    """All uploaded images.

    Args:
        store: keeps their files.
        limits: the largest number and size of images, and how long they are kept.
    """

    def __init__(self, store: Store, limits: Limits) -> None:
        self.store, self.limits = store, limits
        self._images: dict[str, GalleryImage] = {}
        self._changing = threading.Lock()

    def workspace(self) -> Workspace:
        """A new folder for one more image.

        Raises:
            HttpError: too many images are open.
        """
        self.forget_old()
        if len(self._images) >= self.limits.images:
            raise HttpError(
                507, f"{self.limits.images} images are open already. Remove some of them."
            )
        return self.store.workspace()

    def take(
        self, workspace: Workspace, file: Path, name: str, check: Callable[[], None] = lambda: None
    ) -> GalleryImage:
        """Add an uploaded file. Its format is detected from its content, not from its name.

        Args:
            workspace: the folder that holds the file.
            file: the uploaded file; it is renamed.
            name: the file name that the client sent.
            check: called regularly; raises to cancel.

        Raises:
            BadImage: the file is not a readable image, or too large.
            HttpError: there is no space for its tile pyramid.
        """
        name = plain_name(name)
        try:
            kind = kind_of(file) if file.stat().st_size else None
            named = file.with_name("original" + SUFFIX_OF.get(kind or "", ""))
            file.rename(named)
            original = open_original(named, most_pixels=self.limits.pixels)
            if not original.pages:
                raise BadImage(f"{named} holds no image.")
            workspace.claim(pyramid_bytes(original))
            values = display_range(original, "auto")
            layers = {
                "before": write_pyramid(original, values, workspace.folder, "before", check=check)
            }
        except OSError as error:
            raise workspace.failed(error) from None
        image = GalleryImage(
            id=workspace.name,
            name=name,
            workspace=workspace,
            file=named,
            original=original,
            values=values,
            automatic=choose_for_file(original),
            layers=layers,
        )
        self._images[image.id] = image
        return image

    def get(self, name: str) -> GalleryImage:
        """An image by its id.

        Raises:
            HttpError: there is no such image.
        """
        image = self._images.get(name)
        if image is None:
            raise not_found("such image")
        image.looked_at = time.time()
        return image

    def all(self) -> list[GalleryImage]:
        """All images, oldest first."""
        return list(self._images.values())

    def remove(self, name: str) -> None:
        """Remove an image and its files.

        Raises:
            HttpError: there is no such image.
        """
        image = self._images.pop(name, None)
        if image is None:
            raise not_found("such image")
        image.workspace.remove()

    def forget_old(self) -> None:
        """Remove images that were not requested for `limits.hours_kept` hours."""
        before = time.time() - 3600 * self.limits.hours_kept
        for image in self.all():
            if image.looked_at < before:
                self._images.pop(image.id, None)
                image.workspace.remove()

    def paint(self, image: GalleryImage, strokes: list[Stroke]) -> None:
        """Set the image's mask from painted strokes; an empty list removes the mask."""
        mask = paint(strokes, image.height, image.width) if strokes else None
        self._set_mask(image, mask if mask is not None and mask.any() else None, strokes)

    def take_mask(self, image: GalleryImage, file: Path) -> None:
        """Set the image's mask from a mask image, white where the image is damaged.

        Raises:
            BadImage: the mask cannot be read.
            HttpError: the mask differs in size from the image.
        """
        values = read_mask_file(file)
        if values.shape != (image.height, image.width):
            raise HttpError(
                422,
                f"The mask is {values.shape[1]} × {values.shape[0]} pixels, {image.name} {image.width} × {image.height} (width × "
                "height). Paint it on a copy of the image.",
            )
        self._set_mask(image, values, [])

    def _set_mask(
        self, image: GalleryImage, mask: np.ndarray | None, strokes: list[Stroke]
    ) -> None:
        with self._changing:
            path = image.workspace.folder / "mask.png"
            if mask is not None:
                write_still(path, mask)
            image.strokes, image.mask = strokes, path if mask is not None else None


def plain_name(name: str) -> str:
    r"""File name for display: the last part of the path, without unprintable characters.

    >>> plain_name("../../etc/pass\nwd"), plain_name("C:\\scans\\aunt.tif"), plain_name("  ")
    ('passwd', 'aunt.tif', 'image')
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    shown = "".join(letter for letter in last if letter.isprintable()).strip()
    return shown[-_LONGEST_NAME:] or "image"


def result_name(name: str, kind: str) -> str:
    """File name of the restored file when it is downloaded.

    >>> result_name("aunt.jpeg", "jpeg"), result_name("scan", "tiff"), result_name("odd.png", "tiff")
    ('aunt-restored.jpeg', 'scan-restored.tif', 'odd-restored.tif')
    """
    from restorae.formats import kind_named

    path = PurePosixPath(name)
    suffix = path.suffix if kind_named(Path(name)) == kind else SUFFIX_OF[kind]
    return f"{path.stem}-restored{suffix}"


def _choice_dict(choice: Choice) -> dict[str, str]:
    notices = {PHOTOS: OLD_PRINTS, PAGES: WHITENED}
    notice = notices[choice.name].render(PAGE) if choice.name in notices else ""
    return {**asdict(choice), "notice": notice}


def _turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return size if orientation <= 4 else (size[1], size[0])
