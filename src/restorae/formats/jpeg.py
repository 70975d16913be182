"""JPEG: lossy, 8 bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from restorae.formats import jpeg_segments
from restorae.formats.format import Capabilities, Format, starts_with
from restorae.formats.jpeg_damage import NO_END, examine, require_whole
from restorae.formats.jpeg_structure import read_structure
from restorae.formats.original import Original
from restorae.formats.vips_reading import VipsLoader, open_with_vips
from restorae.formats.vips_writing import VipsWriter

if TYPE_CHECKING:
    import pyvips

_QUALITY = 95
_WHOLE = VipsLoader("jpegload_source", {"unlimited": True, "fail_on": "truncated"})
_WITHOUT_END = VipsLoader("jpegload_source", {"unlimited": True, "fail_on": "none"})


class JpegLoader:
    """libvips, for files that were found to be whole."""

    has_pages = False
    in_memory = False
    library = "libvips"

    def is_available(self) -> bool:
        """Always."""
        return True

    def open(self, path: Path, page: int = 0, count: int = 1) -> pyvips.Image:
        """The image.

        Raises:
            BadImage: it is damaged or cut short.
        """
        header = _WHOLE.open(
            path, page, count
        )  # says what is wrong with one that is no JPEG at all
        return header if require_whole(path).has_end else _WITHOUT_END.open(path, page, count)


_LOADER = JpegLoader()


class _JpegWriter(VipsWriter):
    kind, title, bits = "jpeg", "JPEG", 8

    def save(self, image: pyvips.Image, path: str | bytes, keep: str) -> None:
        mode = "auto"
        if self.is_same_format:  # chroma never becomes coarser: libvips writes 4:2:0 or 4:4:4 only
            mode = "on" if self._is_420() else "off"
        image.jpegsave(
            path,
            keep=keep,
            Q=self.quality or _QUALITY,
            subsample_mode=mode,
            interlace=bool(self.header_field("jpeg-multiscan")),
            optimize_coding=True,
        )

    def _is_420(self) -> bool:
        with self.original.reopened() as before:
            return read_structure(before.read()).halves_chroma_both_ways

    def save_with_own_metadata(self, image: pyvips.Image, partial: Path) -> None:
        with (
            self.encoded(image, partial) as encoded,
            self.original.reopened() as before,
            encoded.open("rb") as after,
            partial.open("wb") as result,
        ):
            jpeg_segments.carry(before, after, result, profile=not self.original.converted)


def _open(path: Path, _axes: str | None) -> Original:
    original = open_with_vips(path, JPEG.name, _LOADER)
    if examine(path).has_end:
        return original
    return replace(original, notices=(*original.notices, NO_END))


def _encode(image: pyvips.Image, quality: int) -> bytes:
    return image.jpegsave_buffer(Q=quality)  # type: ignore[no-any-return]


JPEG = Format(
    name="jpeg",
    title="JPEG",
    suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
    media_type="image/jpeg",
    recognises=starts_with(b"\xff\xd8\xff"),
    capabilities=Capabilities(bits=8, accepts_bits=16, alpha=False, quality=_QUALITY),
    open=_open,
    writer=_JpegWriter,
    loaders=(_LOADER,),
    encode=_encode,
    reads="8 bits, grey, colour, CMYK (as RGB); baseline and progressive, any chroma subsampling; damaged files are refused",
    carries="segments: EXIF, XMP, colour profile, Photoshop and IPTC, comments; chroma no coarser; "
    "progressive scans; films, gain maps and further images behind the image",
)
