"""Matches hand-painted masks to images and to their orientation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from restorae.errors import BadImage, ShapeMismatch
from restorae.formats import Original, Page, image_files, open_original
from restorae.formats.orientation import as_stored, upright
from restorae.mask_values import mask_of
from restorae.names import normal


@dataclass(frozen=True)
class Masks:
    """One mask for all images, or a folder with one mask per image: same name, any suffix."""

    path: Path
    _read: dict[tuple[Path, int], np.ndarray] = field(
        default_factory=dict, repr=False, compare=False
    )
    """The last mask that was read, by file and modification time."""

    def of(self, name: Path, original: Original) -> np.ndarray:
        """The mask of an image: (height, width), 0 to 255, in the orientation of the stored image.

        Raises:
            BadImage: there is no mask, or it cannot be read.
            ShapeMismatch: it has another size than the image.
        """
        file = self._file(name)
        # a mask for all images is read once, and again after a change
        key = (file, file.stat().st_mtime_ns if file.is_file() else 0)
        if key not in self._read:
            self._read.clear()
            self._read[key] = read_mask_file(file)
        return laid_out_for(original, self._read[key])

    def _file(self, name: Path) -> Path:
        if not self.path.is_dir():
            return self.path
        found = self._by_name.get(_key(name), [])
        if len(found) > 1:  # names may differ in nothing but how accents are written
            found = [path for path in found if path.stem == name.stem] or found
        if len(found) != 1:
            raise BadImage(
                f"holds {'no mask' if not found else 'several masks'} for {name}. Expected one image of that name, with any suffix",
                subject=self.path,
            )
        return found[0]

    @cached_property
    def _by_name(self) -> Mapping[str, list[Path]]:
        """The folder's masks by name without suffix; cached, as there may be thousands."""
        found: dict[str, list[Path]] = {}
        for path in image_files(self.path):
            found.setdefault(_key(path.relative_to(self.path)), []).append(path)
        return found


def _key(name: Path) -> str:
    """By what a mask and its image belong together."""
    return normal(name.with_suffix("").as_posix())


def read_mask_file(path: Path) -> np.ndarray:
    """The mask in a file as it is displayed: (height, width) uint8, 255 where the image may change.

    Raises:
        BadImage: it cannot be read.
    """
    original = open_original(path)
    page = original.pages[0]
    stored = upright(original.rows(0).read(page.height), original.orientation)
    return mask_of(stored, page.alpha, page.white_is_zero)


def laid_out_for(original: Original, mask: np.ndarray) -> np.ndarray:
    """An upright mask (height, width) in the orientation of the stored image; a mask of the stored rows is kept.

    Raises:
        ShapeMismatch: it fits in neither orientation.
    """
    page = original.pages[0]
    turned = as_stored(mask, original.orientation)
    for candidate in (turned, mask):
        if candidate.shape == (page.height, page.width):
            return np.ascontiguousarray(candidate)
    raise size_mismatch(original, page, mask)


def size_mismatch(original: Original, page: Page, mask: np.ndarray) -> ShapeMismatch:
    """The error for a mask that has another size than its image."""
    return ShapeMismatch(
        f"is {page.width} × {page.height} pixels, its mask {mask.shape[1]} × {mask.shape[0]} (width × height). Paint the mask on "
        "a copy of the image",
        subject=original.path,
    )
