"""Writers for TIFF: values put in place of the original's, or encoded anew by libvips or tifffile."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from restorae.errors import BadImage
from restorae.files import written_whole
from restorae.formats import tiff_tags
from restorae.formats.original import ArrayRows, Original, Page, Rows
from restorae.formats.tiff_layout import TiffLayout
from restorae.formats.tiff_pages import colour_options, needs_bigtiff, write_pages
from restorae.formats.tiff_thumbnails import remove_thumbnails
from restorae.formats.vips_reading import VipsOriginal
from restorae.formats.vips_writing import VipsWriter
from restorae.formats.writer import SpooledWriter

if TYPE_CHECKING:
    import pyvips

_QUALITY = 95
_PYRAMID_SIZE = 1.34
"""A pyramid's size with all smaller copies: 1 + 1/4 + 1/16 + …, a little rounded up."""
_PREDICTED = ("lzw", "deflate", "zstd")


@dataclass(frozen=True)
class TiffArrayOriginal(Original):
    """A TIFF of values that libvips does not decode: 64-bit floats, planes that only ImageJ's description counts."""

    layout: TiffLayout | None = None
    planes: Sequence[np.ndarray] = field(default=(), repr=False, compare=False)

    @property
    def channel_of(self) -> tuple[int, ...]:
        assert self.layout is not None
        return self.layout.channels

    def rows(self, page: int) -> Rows:
        return ArrayRows(self.planes[page])


class TiffVipsWriter(VipsWriter):
    """Pages of one size with 1 or 3 channels: encoded by libvips, or put in place where the original is uncompressed."""

    kind, title = "tiff", "TIFF"

    def __init__(self, original: VipsOriginal, target: Path, *, quality: int | None) -> None:
        super().__init__(original, target, quality=quality, encoded=original.bytes)

    def save(self, image: pyvips.Image, path: str | bytes, keep: str) -> None:
        image.tiffsave(path, keep=keep, **self._options())

    def save_with_own_metadata(self, image: pyvips.Image, partial: Path) -> None:
        original = self.original
        if original.layout is not None and not original.notices and original.layout.contiguous:
            _put_in_place(self, original, original.layout, partial)
            return
        self.save(image, os.fsencode(partial), "none")
        original.require_unchanged()
        self.notices += tiff_tags.carry(original.path, partial, profile=not original.converted)
        remove_thumbnails(partial)

    def save_converted(self, image: pyvips.Image, partial: Path) -> None:
        super().save_converted(image, partial)
        if self.original.header.get_typeof("exif-data"):
            self._carry_exif(bytes(self.original.header.get("exif-data")), partial)

    def _carry_exif(self, content: bytes, partial: Path) -> None:
        """EXIF is laid out as a TIFF is, so its fields become the TIFF's."""
        exif = partial.with_suffix(".exif")
        try:
            exif.touch(mode=stat.S_IRUSR | stat.S_IWUSR)  # the original may be private
            exif.write_bytes(content.removeprefix(b"Exif\0\0"))
            with contextlib.suppress(BadImage):  # damaged EXIF: the image is worth more
                self.notices += tiff_tags.carry(exif, partial, orientation=False)  # it is upright
        finally:
            exif.unlink(missing_ok=True)

    def _options(self) -> dict[str, Any]:
        layout = self.original.layout
        if layout is None:
            return {
                "compression": "deflate",
                "predictor": "horizontal",
                "bigtiff": needs_bigtiff(self.bytes),
            }
        page = self.pages[0]
        compression = layout.compression
        if compression == "jpeg" and (page.dtype.itemsize > 1 or page.bands not in (1, 3)):
            compression = "deflate"
        size = self.bytes * (_PYRAMID_SIZE if layout.pyramid else 1)
        options: dict[str, Any] = {
            "compression": compression,
            "bigtiff": layout.bigtiff or needs_bigtiff(size),
        }
        if compression == "jpeg":
            options["Q"] = self.quality or _QUALITY
        if compression in _PREDICTED:
            options["predictor"] = layout.predictor
        if layout.tile is not None:
            options |= {"tile": True, "tile_height": layout.tile[0], "tile_width": layout.tile[1]}
        if layout.pyramid:
            options |= {"pyramid": True, "subifd": layout.subifds}
        return options


class TiffPagesWriter(SpooledWriter):
    """What libvips does not write: pages of different sizes or types, many bands, 64-bit values; by tifffile, or in place.

    Args:
        original: the file whose values were changed; of any format whose pages are like that.
        target: the file to write.
    """

    def __init__(self, original: Original, target: Path) -> None:
        super().__init__(target, original.pages, encoded=original.bytes)
        self.original = original
        self.layout: TiffLayout | None = None
        self.converted, self.by_vips = False, isinstance(original, VipsOriginal)
        if isinstance(original, VipsOriginal):
            self.layout, self.converted = original.layout, original.converted
        elif isinstance(original, TiffArrayOriginal) and original.layout is not None:
            self.layout, self.converted = original.layout, original.layout.lab

    def finish(self) -> None:
        layout = self.layout
        try:
            with written_whole(self.target) as partial:
                if layout is not None and layout.contiguous and not self.by_vips:
                    _put_in_place(self, self.original, layout, partial)
                    return
                is_big = layout is not None and layout.bigtiff
                chain = None if layout is None else layout.chain
                if chain is not None and len(chain.images) != len(self.pages):
                    chain = None  # planes that only a description counts
                size = self.bytes * (_PYRAMID_SIZE if chain is not None and chain.levels else 1)
                write_pages(self, partial, is_big or needs_bigtiff(size), self._options, chain)
                if layout is None:
                    self.notices.append("its metadata were left out: its pages differ in size")
                    return
                self.original.require_unchanged()
                self.notices += tiff_tags.carry(
                    self.original.path, partial, profile=not self.converted
                )
                remove_thumbnails(partial)
        finally:
            self.drop()

    def _options(self, page: Page) -> dict[str, Any]:
        layout, options = self.layout, colour_options(page)
        if self.by_vips:  # which has decoded white-is-zero and divided by alpha
            compressed = layout is not None and layout.compression != "none"
            tile = None if layout is None else layout.tile
            return {**options, "compression": "zlib" if compressed else None, "tile": tile}
        options["compression"] = "zlib"
        options["tile"] = None if layout is None else layout.tile
        if layout is not None and layout.white_is_zero and page.channels == 1:
            options["photometric"] = "miniswhite"
        if layout is not None and layout.associated:
            options["extrasamples"] = [
                "assocalpha" if each == "unassalpha" else each
                for each in options["extrasamples"] or ()
            ]
        return options


class PlainTiffWriter(SpooledWriter):
    """Values alone, with the orientation of the original."""

    def __init__(self, target: Path, pages: Sequence[Page], *, like: Original | None) -> None:
        super().__init__(target, pages)
        orientation = 1 if like is None else like.orientation
        self.tags = [(274, "H", 1, orientation, True)] if orientation > 1 else []

    def finish(self) -> None:
        try:
            with written_whole(self.target) as partial:
                write_pages(self, partial, needs_bigtiff(self.bytes), self._options)
        finally:
            self.drop()

    def _options(self, page: Page) -> dict[str, Any]:
        return {**colour_options(page), "compression": "zlib", "extratags": self.tags}


def _put_in_place(
    values: SpooledWriter, original: Original, layout: TiffLayout, partial: Path
) -> None:
    """A copy of the original with other values: everything else stays byte for byte."""
    assert layout.contiguous is not None
    with original.reopened() as before, partial.open("wb") as copy:
        shutil.copyfileobj(before, copy, 2**20)
    with partial.open("rb+") as handle:
        handle.seek(layout.contiguous)
        for index, page in enumerate(values.pages):
            stored = values.page(index)
            order = page.dtype.newbyteorder(">" if layout.big_endian else "<")
            handle.write(np.ascontiguousarray(stored, order).data)
            del stored  # a view of the spool, which is closed next
    remove_thumbnails(partial)
