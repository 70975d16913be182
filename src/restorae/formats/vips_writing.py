"""The contract for writers that encode with libvips: from the spool to a file with the original's metadata."""

from __future__ import annotations

import abc
import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from restorae.errors import BadImage, Fix
from restorae.files import written_whole
from restorae.formats.original import Original, Page
from restorae.formats.thumbnails import (
    without_exif_thumbnail,
    without_photoshop_thumbnail,
    without_xmp_thumbnail,
)
from restorae.formats.vips_image import as_8_bits, image_of, vips_errors
from restorae.formats.vips_reading import VipsOriginal
from restorae.formats.writer import SpooledWriter
from restorae.formats.xmp import without_promises

if TYPE_CHECKING:
    import pyvips

_METADATA = {
    "icc-profile-data", "exif-data", "xmp-data", "iptc-data", "photoshop-data", "orientation", "resolution-unit", "delay", "loop",
    "image-description",
}  # fmt: skip
_FINEST = 1e6
"""Pixels per mm up to which libvips writes a resolution; damaged files name more."""
_THUMBNAILS = {
    "exif-data": without_exif_thumbnail, "xmp-data": without_xmp_thumbnail, "photoshop-data": without_photoshop_thumbnail,
}  # fmt: skip
"""Fields that may show the image as it was, and what leaves that out."""
_METADATA_PREFIXES = ("exif-ifd", "png-comment")
_RGB_SPACES = ("srgb", "rgb", "rgb16", "scrgb")


class VipsWriter(SpooledWriter, abc.ABC):
    """Writes an image that libvips decoded, in the same format or in another.

    Args:
        original: the file whose values were changed.
        target: the file to write.
        quality: 1 to 100; None takes the format's usual one.
        encoded: bytes that the encoded file may take beside the spool.

    Raises:
        BadImage: the original is not decoded by libvips.
        OutputError: there is no room.
    """

    kind: ClassVar[str]
    """Name of the format that it writes."""
    title: ClassVar[str]
    """Its name in text."""
    bits: ClassVar[int] = 16
    """Bits of a value that the format stores, where 16 come."""

    def __init__(
        self, original: Original, target: Path, *, quality: int | None, encoded: int = 0
    ) -> None:
        if not isinstance(original, VipsOriginal):
            raise BadImage(
                f"its pages are arranged as only TIFF can hold them, not {self.title}",
                subject=original.path,
                fix=Fix("format", "tiff"),
            )
        super().__init__(target, original.pages, encoded=encoded)
        self.original, self.quality = original, quality
        self.is_same_format = original.kind == self.kind

    @abc.abstractmethod
    def save(self, image: pyvips.Image, path: str | bytes, keep: str) -> None:
        """Encode an image; `keep` says which of its metadata are written, `none` or `all`."""

    @abc.abstractmethod
    def save_with_own_metadata(self, image: pyvips.Image, partial: Path) -> None:
        """Encode an image of the same format, with the original's metadata byte for byte."""

    def save_converted(self, image: pyvips.Image, partial: Path) -> None:
        """Encode an image that came in another format, upright, with the metadata that libvips knows of."""
        self.save(self.with_metadata(image, upright=True), os.fsencode(partial), "all")

    @final
    def finish(self) -> None:
        try:
            with written_whole(self.target) as partial, vips_errors(self.target):
                image = self._image()
                if self.is_same_format:
                    self.save_with_own_metadata(image, partial)
                else:
                    self.save_converted(image, partial)
        finally:
            self.drop()

    def header_field(self, name: str) -> Any:
        """A field of the original's header where the format is the same; None if there is none."""
        header = self.original.header
        return header.get(name) if self.is_same_format and header.get_typeof(name) else None

    def with_metadata(self, image: pyvips.Image, upright: bool) -> pyvips.Image:
        """The image with what libvips knows of the original; rotated where the new format may not say its orientation."""
        header, image = self.original.header, image.copy()
        for name in _field_names(header):
            if name == "icc-profile-data" and self.original.converted:
                continue
            if name in _THUMBNAILS:
                content = _THUMBNAILS[name](bytes(header.get(name)))
                if name == "xmp-data" and not self.is_same_format:
                    # what lies behind the image or beside it stays behind: XMP must not promise it
                    content = without_promises(content)
                image.set_type(header.get_typeof(name), name, content)
            elif name in _METADATA or name.startswith(_METADATA_PREFIXES):
                # a text that is no UTF-8 is left to the block of metadata that it was read from
                with contextlib.suppress(UnicodeDecodeError):
                    image.set_type(header.get_typeof(name), name, header.get(name))
        if upright and self.original.orientation > 1 and len(self.pages) == 1:
            image = image.autorot()
        return image

    @contextlib.contextmanager
    def encoded(self, image: pyvips.Image, partial: Path, keep: str = "none") -> Iterator[Path]:
        """The image encoded into a temporary file beside `partial`."""
        path = partial.with_suffix(".encoded")
        path.touch(mode=stat.S_IRUSR | stat.S_IWUSR)  # the original may be private
        try:
            self.save(image, os.fsencode(path), keep)
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _image(self) -> pyvips.Image:
        page, header = self.pages[0], self.original.header
        image = image_of(self, _interpretation(page, self.original))
        if max(header.xres, header.yres) <= _FINEST:
            image = image.copy(xres=header.xres, yres=header.yres)
        if not self.is_same_format and page.dtype.itemsize == 2 and self.bits < 16:
            self.notices.append(f"16 bits became {self.bits}: {self.title} holds no more")
            if self.bits == 8:
                image = as_8_bits(image)
        return image


def _interpretation(page: Page, original: VipsOriginal) -> str:
    is_deep = page.dtype.itemsize == 2
    if page.channels not in (1, 3):
        return "grey16" if is_deep else "b-w"
    known = str(original.header.interpretation)
    if page.channels == 3 and (original.converted or known not in _RGB_SPACES):
        return "rgb16" if is_deep else "srgb"
    return known


def _field_names(header: pyvips.Image) -> list[str]:
    """Names of the fields of a header; the known ones where a broken file has a name that is no text."""
    try:
        return list(header.get_fields())
    except UnicodeDecodeError:
        return [name for name in _METADATA if header.get_typeof(name)]
