"""Plain companion files (error maps, samples, spreads): values only, no metadata.

An original that they lie beside gives them its orientation and, for an array, its shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from restorae.errors import BadPicture
from restorae.files import written_whole
from restorae.formats.array_files import ArrayOriginal
from restorae.formats.array_writing import begin_array
from restorae.formats.kinds import SUFFIX_OF, kind_named
from restorae.formats.original import Original, Page
from restorae.formats.tiff_pages import colour_options, needs_bigtiff, write_pages
from restorae.formats.vips_image import image_of, rotated_upright, vips_errors
from restorae.formats.writer import SpooledWriter, Writer


def plain_suffix(pages: Sequence[Page], like: Original | None = None) -> str:
    """The suffix for `begin_plain`: `.npy` beside an array, `.png` where it can hold the pages, else `.tif`."""
    if isinstance(like, ArrayOriginal):
        return SUFFIX_OF["npy"]
    return SUFFIX_OF["png" if _fits_png(pages) else "tiff"]


def begin_plain(target: Path, pages: Sequence[Page], like: Original | None = None) -> Writer:
    """A writer for values alone, in the format of the target's suffix: PNG, TIFF or `.npy`.

    A PNG is written upright, as `like` says; a TIFF gets the orientation of `like` as a tag. Beside an array the `.npy` has its
    shape, with the type of `pages`; otherwise its shape is (height, width[, bands]), with pages first where there are several.

    Args:
        target: the file to write.
        pages: outlines of the pages; all channels of `Page` count as values, alpha included.
        like: the file that it belongs to.

    Raises:
        BadPicture: the suffix is another one, or PNG cannot hold these pages.
        OutputError: there is no room.
    """
    kind = kind_named(target)
    if kind == "npy":
        return begin_array(target, pages, like if isinstance(like, ArrayOriginal) else None)
    orientation = 1 if like is None else like.orientation
    if kind == "png" and _fits_png(pages):
        return _PlainPng(target, pages, orientation)
    if kind == "tiff":
        return _PlainTiff(target, pages, orientation)
    if kind == "png":
        raise BadPicture("PNG holds one page of 1 or 3 channels of 8 or 16 bits", subject=target)
    raise BadPicture("plain values are written as .png, .tif or .npy", subject=target)


def _fits_png(pages: Sequence[Page]) -> bool:
    return len(pages) == 1 and pages[0].bands in (1, 3) and pages[0].dtype in (np.uint8, np.uint16)


class _PlainPng(SpooledWriter):
    def __init__(self, target: Path, pages: Sequence[Page], orientation: int) -> None:
        super().__init__(target, pages)
        self.orientation = orientation

    def finish(self) -> None:
        try:
            with written_whole(self.target) as partial, vips_errors(self.target):
                image = rotated_upright(image_of(self), self.orientation)
                image.pngsave(str(partial), compression=6)
        finally:
            self.drop()


class _PlainTiff(SpooledWriter):
    def __init__(self, target: Path, pages: Sequence[Page], orientation: int) -> None:
        super().__init__(target, pages)
        self.tags = [(274, "H", 1, orientation, True)] if orientation > 1 else []

    def finish(self) -> None:
        try:
            with written_whole(self.target) as partial:
                write_pages(
                    self,
                    partial,
                    needs_bigtiff(self.bytes),
                    lambda page: {
                        **colour_options(page),
                        "compression": "zlib",
                        "extratags": self.tags,
                    },
                )
        finally:
            self.drop()
