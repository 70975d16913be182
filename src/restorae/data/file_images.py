"""Images in files: all pages of all files of a folder, in memory where they fit."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restorae.data.image_set import (
    HELD_IN_MEMORY,
    ImageSet,
    ListedImages,
    Stored,
    alike,
    fingerprint_of_file,
    working_image,
)
from restorae.errors import BadImage, ShapeMismatch
from restorae.formats import (
    Original,
    Outline,
    find_images,
    open_original,
    outlines_of,
    read_image,
    titles_of_images,
)
from restorae.machine import usable_cores
from restorae.progress import SILENT, Progress
from restorae.shapes import Image

_KEPT_OPEN = 4
_CHANGED = "changed while it was being read"


@dataclass(frozen=True, kw_only=True)
class _InFile:
    """An image of a file."""

    path: Path
    name: str
    outline: Outline
    alone: bool
    """Whether it is the only image of its file."""

    @property
    def about(self) -> Stored:
        return Stored(
            no_data=self.outline.no_data,
            white_is_zero=self.outline.white_is_zero,
            shares=None if self.alone else f"{self.path} {self.outline.shares}",
        )

    def read(self) -> np.ndarray:
        original = (
            open_original(self.path) if self.alone else _kept_open(self.path, _stamp(self.path))
        )
        return read_image(original, self.outline)


class FileImages(ImageSet):
    """Images of any sizes that stay in their files and are decoded on access."""

    def __init__(self, images: Sequence[_InFile]) -> None:
        self.images = list(images)
        self.names = [image.name for image in images]
        self._channels = max(image.outline.channels for image in images)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Image:
        image = working_image(self.as_stored(index), self.about(index))
        return image.expand(self._channels, -1, -1)

    def size(self, index: int) -> tuple[int, int]:
        outline = self.images[index].outline
        return outline.height, outline.width

    @property
    def channels(self) -> int:
        return self._channels

    @property
    def in_files(self) -> bool:
        return True

    def dtype(self, index: int) -> np.dtype:
        return self.images[index].outline.dtype

    def as_stored(self, index: int) -> np.ndarray:
        return self.images[index].read()

    def about(self, index: int) -> Stored:
        return self.images[index].about

    def range_group(self, index: int) -> Sequence[int]:
        return alike([image.about for image in self.images], index)

    def fingerprint(self, index: int) -> bytes:
        image = self.images[index]
        return fingerprint_of_file(image.path) + image.outline.label.encode()

    def subset(self, indices: Sequence[int]) -> FileImages:
        chosen = FileImages([self.images[index] for index in indices])
        chosen._channels = self._channels
        return chosen


def read_folder(
    folder: Path, memory: int = HELD_IN_MEMORY, progress: Progress = SILENT
) -> ImageSet:
    """All images below a folder, sorted by path, each page of a file; decoded in memory if they fit in `memory` bytes.

    Args:
        folder: where to look.
        memory: bytes that may be held.
        progress: hears of files that are passed over.

    Raises:
        BadImage: there is none, or one cannot be read (the message names it).
    """
    paths = list_folder(folder, progress)
    return read_files(paths, [path.relative_to(folder).as_posix() for path in paths], memory)


def list_folder(folder: Path, progress: Progress = SILENT) -> list[Path]:
    """The image files below a folder; files of kinds that are not read are counted and told.

    Raises:
        BadImage: there is none.
    """
    found = find_images(folder)
    if not found.images:
        problem = "; ".join(notice.problem for notice in found.notices())
        raise BadImage(
            f"{folder} holds no images{problem and f' that are read: {problem}'}. Expected {titles_of_images()} files."
        )
    for notice in found.notices():
        progress.say(notice)
    return list(found.images)


def read_files(
    paths: Sequence[Path],
    names: Sequence[str],
    memory: int = HELD_IN_MEMORY,
    *,
    mixed: bool = True,
) -> ImageSet:
    """All images of files, each page of each; an empty name leaves the number of the page.

    Raises:
        BadImage: one cannot be read; the message names it.
        ShapeMismatch: there are grey and colour ones, unless `mixed`.
    """
    with ThreadPoolExecutor(usable_cores()) as pool:
        listed = list(pool.map(_images_of, paths, names))
        images = [image for each in listed for image in each]
        if not mixed and len({image.outline.channels for image in images}) > 1:
            raise ShapeMismatch(
                f"{paths[0].parent} holds both grey and colour images. Train on them separately: their noise differs."
            )
        if sum(image.outline.bytes for image in images) > memory:
            return FileImages(images)
        stored = [values for each in pool.map(_read_all, listed) for values in each]
    return ListedImages(
        stored,
        [image.name for image in images],
        about=[image.about for image in images],
    )


def _images_of(path: Path, name: str) -> list[_InFile]:
    outlines = outlines_of(open_original(path))
    return [
        _InFile(
            path=path,
            name=name + outline.label if name else outline.label.removeprefix("#") or "0",
            outline=outline,
            alone=len(outlines) == 1,
        )
        for outline in outlines
    ]


def _read_all(images: Sequence[_InFile]) -> list[np.ndarray]:
    """All images of one file, which is opened once."""
    original = open_original(images[0].path)
    if len(outlines_of(original)) != len(images):
        raise BadImage(_CHANGED, subject=images[0].path)
    return [read_image(original, image.outline) for image in images]


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns


@functools.lru_cache(maxsize=_KEPT_OPEN)
def _kept_open(path: Path, stamp: int) -> Original:
    """A file of several images, which is opened once for all of them."""
    return open_original(path)
