"""PNG: lossless, 8 or 16 bits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from restorae.files import written_whole
from restorae.formats import png_chunks
from restorae.formats.format import Capabilities, Format, starts_with
from restorae.formats.original import Original, Page
from restorae.formats.vips_image import image_of, rotated_upright, vips_errors
from restorae.formats.vips_reading import VipsLoader, open_with_vips, read_start
from restorae.formats.vips_writing import VipsWriter
from restorae.formats.writer import SpooledWriter

if TYPE_CHECKING:
    import pyvips

_LOADER = VipsLoader("pngload_source", {"unlimited": True})  # our own limit can be raised
_STILL_ONLY = "it is an animation, of which only the still image is restored and written"


class _PngWriter(VipsWriter):
    kind, title = "png", "PNG"

    def save(self, image: pyvips.Image, path: str | bytes, keep: str) -> None:
        is_interlaced = self.header_field("interlaced") is not None
        image.pngsave(path, keep=keep, interlace=is_interlaced, compression=6)

    def save_with_own_metadata(self, image: pyvips.Image, partial: Path) -> None:
        converted = self.original.converted
        with (
            self.encoded(image, partial) as encoded,
            self.original.reopened() as before,
            encoded.open("rb") as after,
            partial.open("wb") as result,
        ):
            self.notices += png_chunks.carry(
                before, after, result, profile=not converted, converted=converted
            )


class _PlainPngWriter(SpooledWriter):
    """Values alone, upright."""

    def __init__(self, target: Path, pages: Sequence[Page], *, like: Original | None) -> None:
        super().__init__(target, pages)
        self.orientation = 1 if like is None else like.orientation

    def finish(self) -> None:
        try:
            with written_whole(self.target) as partial, vips_errors(self.target):
                image = rotated_upright(image_of(self), self.orientation)
                image.pngsave(os.fsencode(partial), compression=6)
        finally:
            self.drop()


def _open(path: Path, _axes: str | None) -> Original:
    original = open_with_vips(path, PNG.name, _LOADER)
    is_animated = b"acTL" in read_start(path).split(b"IDAT")[0]
    return replace(original, notices=(*original.notices, _STILL_ONLY)) if is_animated else original


def _encode(image: pyvips.Image, _quality: int) -> bytes:
    return image.pngsave_buffer()  # type: ignore[no-any-return]


PNG = Format(
    name="png",
    title="PNG",
    suffixes=(".png",),
    media_type="image/png",
    recognises=starts_with(b"\x89PNG\r\n\x1a\n"),
    capabilities=Capabilities(bits=16, accepts_bits=16),
    open=_open,
    writer=_PngWriter,
    loaders=(_LOADER,),
    encode=_encode,
    plain_writer=_PlainPngWriter,
    reads="1 to 16 bits, grey, colour, palette, alpha; of an animation the still image",
    carries="chunks: colour profile, resolution, EXIF, texts and XMP, time, private chunks that are safe to copy",
)
