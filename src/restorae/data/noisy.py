"""Noisy images in any format: 16-bit micrographs, floats, stacks of planes; each mapped by its value range."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from restorae.data.hold_out import content_hash
from restorae.data.image_set import HELD_IN_MEMORY, ImageSet, fingerprint_of, fingerprint_of_file
from restorae.data.named import NAMES, Split
from restorae.data.opening import open_images
from restorae.errors import BadImage, DataUnavailable, ShapeMismatch, nearest
from restorae.formats import Original, Page, image_files, open_original, titles_of_images
from restorae.pixels import FULL_RANGE, ValueRange, range_of
from restorae.shapes import Image


@dataclass(frozen=True, kw_only=True)
class _Plane:
    """A page of a file, or one channel of it."""

    name: str
    original: Original
    page: int
    channel: int | None
    values: ValueRange

    @property
    def outline(self) -> Page:
        return self.original.pages[self.page]

    def read(self) -> np.ndarray:
        """Its stored values: (height, width, channels)."""
        stored = self.original.rows(self.page).read(self.outline.height)[
            ..., : self.outline.channels
        ]
        return stored if self.channel is None else stored[..., self.channel : self.channel + 1]


class PlaneImages(ImageSet):
    """Pages of image files, each mapped by its own value range; values that are not finite are replaced by the median."""

    def __init__(
        self, planes: Sequence[_Plane], *, channels: int, held: Sequence[np.ndarray] | None
    ) -> None:
        self.planes, self._channels, self._held = list(planes), channels, held
        self.names = [plane.name for plane in planes]

    def __len__(self) -> int:
        return len(self.planes)

    def __getitem__(self, index: int) -> Image:
        plane = self.planes[index]
        stored = plane.read() if self._held is None else self._held[index]
        if stored.dtype.kind == "f" and not np.isfinite(stored).all():
            stored = np.where(np.isfinite(stored), stored, np.median(stored[np.isfinite(stored)]))
        working = np.ascontiguousarray(plane.values.to_working(stored).transpose(2, 0, 1))
        return torch.from_numpy(working).expand(self._channels, -1, -1)

    def size(self, index: int) -> tuple[int, int]:
        outline = self.planes[index].outline
        return outline.height, outline.width

    @property
    def channels(self) -> int:
        return self._channels

    def content_hash(self, index: int) -> str:
        return content_hash(self.planes[index].read() if self._held is None else self._held[index])

    def fingerprint(self, index: int) -> bytes:
        if self._held is not None:
            return fingerprint_of(self._held[index])
        plane = self.planes[index]
        return fingerprint_of_file(plane.original.path) + f"{plane.page}/{plane.channel}".encode()

    def subset(self, indices: Sequence[int]) -> PlaneImages:
        held = None if self._held is None else [self._held[index] for index in indices]
        return PlaneImages(
            [self.planes[index] for index in indices], channels=self._channels, held=held
        )


def open_noisy(
    source: str | Path,
    split: Split = "all",
    data_dir: Path | None = None,
    memory: int = HELD_IN_MEMORY,
) -> ImageSet:
    """The images of a file, a stack, an array or a folder of them; each page is one image.

    Each channel of an image that is neither grey nor colour becomes a grey image. Images are decoded in memory if
    they fit in `memory` bytes. Named sets are opened as `open_images` does.

    Raises:
        DataUnavailable: no data set, file or folder has that name.
        BadImage, ShapeMismatch: the data cannot be used; the message names the file.
    """
    if str(source) in NAMES:
        return open_images(source, split, data_dir)
    path = Path(source)
    if not path.exists():
        raise DataUnavailable(
            f"There is no data set {str(source)!r}: no file or folder of that name. {nearest(str(source), NAMES)}"
        )
    files = image_files(path) if path.is_dir() else [path]
    if not files:
        raise BadImage(f"{path} holds no images. Expected {titles_of_images()} files.")
    planes: list[_Plane] = []
    held: list[np.ndarray] | None = []
    taken = 0
    for file in files:
        original = open_original(file)
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        for plane, stored in _planes(original, name):
            planes.append(plane)
            taken += stored.nbytes
            if held is not None:
                held.append(stored)
            if taken > memory:
                held = None
    colour = {3 if plane.channel is None and plane.outline.channels == 3 else 1 for plane in planes}
    if len(colour) > 1:
        raise ShapeMismatch(
            f"{path} holds both grey and colour images. Train on them separately: their noise differs."
        )
    return PlaneImages(planes, channels=colour.pop(), held=held)


def _planes(original: Original, name: str) -> Iterator[tuple[_Plane, np.ndarray]]:
    """A file's planes one by one, each with its stored values: a stack may be larger than memory."""
    for page, outline in enumerate(original.pages):
        label = name if len(original.pages) == 1 else f"{name}#{page}"
        whole = _Plane(name=label, original=original, page=page, channel=None, values=FULL_RANGE)
        parts = (
            [whole]
            if outline.channels in (1, 3)
            else [
                replace(whole, name=f"{label}:{channel}", channel=channel)
                for channel in range(outline.channels)
            ]
        )
        for part in parts:
            stored = np.ascontiguousarray(part.read())
            yield replace(part, values=range_of(stored)), stored
