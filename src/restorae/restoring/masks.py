"""Matches hand-painted masks to images and to their orientation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from restorae.errors import BadImage, ShapeMismatch
from restorae.formats import Original, Page, image_files, read_still
from restorae.names import normal
from restorae.pixels import LUMA, working_values

# transforms from upright rows to stored rows, by EXIF orientation
_LAID_OUT = {
    2: lambda rows: rows[:, ::-1],
    3: lambda rows: rows[::-1, ::-1],
    4: lambda rows: rows[::-1],
    5: lambda rows: rows.swapaxes(0, 1),
    6: lambda rows: np.rot90(rows),
    7: lambda rows: np.rot90(rows.swapaxes(0, 1), 2),
    8: lambda rows: np.rot90(rows, -1),
}
_UNDONE_BY = {6: 8, 8: 6}


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
            self._read[key] = _read_mask(file)
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


def _read_mask(path: Path) -> np.ndarray:
    values = working_values(read_still(path))
    if values.ndim == 3:
        values = values @ np.asarray(LUMA, dtype=np.float32)
    return np.asarray(np.rint(np.clip(values, 0, 1) * 255), np.uint8)


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Stored pixels (height, width[, bands]) in upright orientation."""
    undone_by = _UNDONE_BY.get(orientation, orientation)
    return _LAID_OUT[undone_by](pixels) if undone_by in _LAID_OUT else pixels


def laid_out_for(original: Original, mask: np.ndarray) -> np.ndarray:
    """An upright mask (height, width) in the orientation of the stored image; a mask of the stored rows is kept.

    Raises:
        ShapeMismatch: it fits in neither orientation.
    """
    page = original.pages[0]
    turned = _LAID_OUT[original.orientation](mask) if original.orientation in _LAID_OUT else mask
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
