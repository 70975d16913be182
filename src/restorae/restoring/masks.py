"""Masks painted by hand: which pictures they belong to, and which of their sides is up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from restorae.errors import BadPicture, ShapeMismatch
from restorae.formats import Original, Page, picture_files, read_still
from restorae.pixels import LUMA, working_values

# how upright rows are laid out to be as an orientation says (EXIF's numbers)
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
    """One mask for all pictures, or a folder with one for each, of the same name whatever the suffix."""

    path: Path

    def of(self, name: Path, original: Original) -> np.ndarray:
        """The mask of a picture: (height, width), 0 to 255, laid out as the picture is stored.

        Raises:
            BadPicture: there is none, or it cannot be read.
            ShapeMismatch: it has another size than the picture.
        """
        file = self._file(name)
        return laid_out_for(original, _read(file, file.stat().st_mtime_ns if file.is_file() else 0))

    def _file(self, name: Path) -> Path:
        if not self.path.is_dir():
            return self.path
        found = self._by_name.get(name.with_suffix(""), [])
        if len(found) != 1:
            raise BadPicture(
                f"{self.path} holds {'no mask' if not found else 'several masks'} for {name}. Expected one picture of that name, with any "
                "suffix."
            )
        return found[0]

    @cached_property
    def _by_name(self) -> Mapping[Path, list[Path]]:
        """The folder's masks by their names without suffix: looked for once, there may be thousands."""
        found: dict[Path, list[Path]] = {}
        for path in picture_files(self.path):
            found.setdefault(path.relative_to(self.path).with_suffix(""), []).append(path)
        return found


@lru_cache(maxsize=1)
def _read(path: Path, changed: int) -> np.ndarray:
    """A mask's values; one for all pictures is read once, and again when it was painted on (`changed`)."""
    values = working_values(read_still(path))
    if values.ndim == 3:
        values = values @ np.asarray(LUMA, dtype=np.float32)
    return np.asarray(np.rint(np.clip(values, 0, 1) * 255), np.uint8)


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Stored pixels (height, width[, bands]) as one looks at them."""
    undone_by = _UNDONE_BY.get(orientation, orientation)
    return _LAID_OUT[undone_by](pixels) if undone_by in _LAID_OUT else pixels


def laid_out_for(original: Original, mask: np.ndarray) -> np.ndarray:
    """An upright mask (height, width) as the picture is stored; a mask that was painted on the stored rows stays.

    Raises:
        ShapeMismatch: it fits neither way.
    """
    page = original.pages[0]
    turned = _LAID_OUT[original.orientation](mask) if original.orientation in _LAID_OUT else mask
    for candidate in (turned, mask):
        if candidate.shape == (page.height, page.width):
            return np.ascontiguousarray(candidate)
    raise ill_fitting(original, page, mask)


def ill_fitting(original: Original, page: Page, mask: np.ndarray) -> ShapeMismatch:
    """What a person is told whose mask has another size than the picture."""
    return ShapeMismatch(
        f"{original.path} is {page.width} × {page.height} pixels, its mask {mask.shape[1]} × {mask.shape[0]} (width × height). Paint the "
        "mask on a copy of the picture."
    )
