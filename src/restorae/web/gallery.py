"""Uploaded images: the files, their tile pyramids, masks and results."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restorae.errors import BadImage, RestoraeError
from restorae.formats import SUFFIX_OF, kind_of, open_original, read_still, write_still
from restorae.restoring.masks import read_mask_file
from restorae.restoring.model_choice import choose_for_file
from restorae.value_range import FULL_RANGE
from restorae.web import records
from restorae.web.colours import to_screen
from restorae.web.gallery_image import GalleryImage
from restorae.web.http_errors import HttpError, not_found
from restorae.web.mask_strokes import Stroke, paint
from restorae.web.names import plain_folder, plain_name, unused_name
from restorae.web.options import Limits
from restorae.web.pyramid import (
    display_range,
    pyramid_bytes,
    shown_bands,
    write_pyramid,
)
from restorae.web.store import Store, Workspace

_SWEEPS = 1000
"""How often in the time that an image is kept old ones are looked for."""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A file that could not be taken."""

    place: int
    """Where it stands in the list."""
    name: str
    folder: str
    reason: str
    """A sentence for the page."""


class Gallery:
    """All uploaded images.

    Args:
        store: keeps their files.
        limits: the largest number and size of images, and how long they are kept.
        changed: called when images were added, removed or changed.
    """

    def __init__(
        self, store: Store, limits: Limits, *, changed: Callable[[], None] = lambda: None
    ) -> None:
        self.store, self.limits = store, limits
        self.version = 0
        self._told = changed
        self._images: dict[str, GalleryImage] = {}
        self._names: defaultdict[str, set[str]] = defaultdict(set)  # by folder
        self._refused: OrderedDict[int, Refused] = OrderedDict()
        self._swept = time.time()
        self._changing = threading.Lock()
        store.make_room = self._make_room
        if store.is_kept:
            for workspace in store.kept():
                self._reopen(workspace)

    def changed(self, image: GalleryImage | None = None) -> None:
        """Tell that an image has changed, and record it if the store is kept."""
        self.version += 1
        if image is not None and self.store.is_kept:
            records.write(image)
        self._told()

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
        self,
        workspace: Workspace,
        file: Path,
        name: str,
        folder: str = "",
        *,
        place: int | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> GalleryImage:
        """Add an uploaded file. Its format is detected from its content, not from its name.

        Args:
            workspace: the folder that holds the file.
            file: the uploaded file; it is renamed.
            name: the file name that the client sent.
            folder: the folders above it that the client sent.
            place: where it stands in the list; None is at the end.
            check: called regularly; raises to cancel.

        Raises:
            BadImage: the file is not a readable image, or too large.
            HttpError: there is no space for its tile pyramid.
        """
        name, folder = plain_name(name), plain_folder(folder)
        try:
            kind = kind_of(file) if file.stat().st_size else None
            named = file.with_name("original" + SUFFIX_OF.get(kind or "", ""))
            file.rename(named)
            original = open_original(named, most_pixels=self.limits.pixels)
            if not original.pages:
                raise BadImage(f"{named} holds no image.")
            workspace.claim(pyramid_bytes(original))
            values = display_range(original, "auto")
            colours = to_screen(named, shown_bands(original))
            layers = {
                "before": write_pyramid(
                    original,
                    values,
                    workspace.folder,
                    "before",
                    convert=colours,
                    check=check,
                )
            }
            if original.pages[0].alpha:
                layers["alpha"] = write_pyramid(
                    original, FULL_RANGE, workspace.folder, "alpha", alpha=True, check=check
                )
        except OSError as error:
            raise workspace.failed(error) from None
        with self._changing:
            place = time.time_ns() // 1000 if place is None else place
            image = GalleryImage(
                id=workspace.name,
                name=unused_name(name, self._names[folder]),
                folder=folder,
                place=place,
                workspace=workspace,
                file=named,
                original=original,
                values=values,
                automatic=choose_for_file(original),
                layers=layers,
                to_screen=colours,
            )
            self._add(image)
            self._refused.pop(place, None)  # tried again
        workspace.settle()
        self.changed(image)
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
        """All images, by their places: in the order in which they were dropped."""
        return sorted(self._images.values(), key=lambda image: image.place)

    def remove(self, name: str) -> None:
        """Remove an image and its files.

        Raises:
            HttpError: there is no such image.
        """
        image = self._images.get(name)
        if image is None:
            raise not_found("such image")
        self._drop(image)

    def forget_old(self) -> None:
        """Remove images that were not requested for `limits.hours_kept` hours; of a store that is kept, none."""
        now, kept = time.time(), 3600 * self.limits.hours_kept
        if self.store.is_kept or now - self._swept < kept / _SWEEPS:
            return
        self._swept = now
        for image in self.all():
            if image.looked_at < now - kept:
                self._drop(image)

    def refuse(self, place: int, name: str, folder: str, reason: str) -> None:
        """Remember a file that could not be taken, so that a page that is opened again names it."""
        with self._changing:
            self._refused[place] = Refused(
                place=place, name=plain_name(name), folder=plain_folder(folder), reason=reason
            )
            while len(self._refused) > self.limits.images:
                self._refused.popitem(last=False)
        self.changed()

    def refused(self) -> list[Refused]:
        """Files that could not be taken, by their places."""
        return sorted(self._refused.values(), key=lambda each: each.place)

    def forget_refused(self, place: int) -> None:
        """Forget a file that could not be taken."""
        if self._refused.pop(place, None) is not None:
            self.changed()

    def paint(self, image: GalleryImage, strokes: list[Stroke]) -> None:
        """Set the image's mask from painted strokes, on top of the mask file if there is one; none of both removes the mask."""
        with self._changing:
            base = image.mask_file
            mask = None if base is None else np.asarray(read_still(base)).copy()
            if strokes:
                mask = paint(strokes, image.height, image.width, mask)
            self._set_mask(image, mask, strokes)

    def take_mask(self, image: GalleryImage, file: Path) -> None:
        """Set the image's mask from a mask image, white where the image is damaged; what was painted is removed.

        Raises:
            BadImage: the mask cannot be read.
            HttpError: the mask differs in size from the image.
        """
        mask = read_mask_file(file)
        if mask.shape != (image.height, image.width):
            raise HttpError(
                422,
                f"The mask is {mask.shape[1]} × {mask.shape[0]} pixels, {image.name} {image.width} × {image.height} (width × "
                "height). Paint it on a copy of the image.",
            )
        with self._changing:
            write_still(image.workspace.folder / "mask-file.png", mask)
            self._set_mask(image, mask, [])

    def clear_mask(self, image: GalleryImage) -> None:
        """Remove the mask, painted or from a file."""
        with self._changing:
            if image.mask_file is not None:
                image.mask_file.unlink(missing_ok=True)
            self._set_mask(image, None, [])

    def _set_mask(
        self, image: GalleryImage, mask: np.ndarray | None, strokes: list[Stroke]
    ) -> None:
        path = image.workspace.folder / "mask.png"
        if mask is not None and mask.any():
            write_still(path, mask)
            image.mask = path
        else:
            image.mask = None
        image.strokes = strokes
        image.mask_version += 1
        self.changed(image)

    def _add(self, image: GalleryImage) -> None:
        self._images[image.id] = image
        self._names[image.folder].add(image.name)

    def _drop(self, image: GalleryImage) -> None:
        self._images.pop(image.id, None)
        self._names[image.folder].discard(image.name)
        image.workspace.remove()
        self.changed()

    def _make_room(self, count: int) -> None:
        """Remove what is shown of the images that were not looked at for longest; it is made again when it is asked for."""
        for image in sorted(self._images.values(), key=lambda image: image.looked_at):
            if count <= 0:
                return
            count -= image.trim()
            image.workspace.settle()

    def _reopen(self, workspace: Workspace) -> None:
        """Add an image that an earlier server left; what cannot be used any more is removed. Films have a record of their own."""
        if (workspace.folder / records.FILM).exists():
            return
        try:
            image = records.read(workspace, self.limits.pixels)
        except (OSError, ValueError, KeyError, RestoraeError):
            workspace.remove()
            return
        self._add(image)
