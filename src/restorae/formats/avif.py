"""AVIF: lossy, 8 to 12 bits."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from restorae.formats.format import Capabilities, Format, brands
from restorae.formats.heif_boxes import colour_code, with_colour_code
from restorae.formats.loaders import Loader
from restorae.formats.original import Original
from restorae.formats.vips_reading import VipsLoader, open_with_vips, read_start
from restorae.formats.vips_writing import VipsWriter

if TYPE_CHECKING:
    import pyvips

_QUALITY = 80
HEIF_LOADER = VipsLoader("heifload_source", {"unlimited": True}, has_pages=True)
_SEQUENCES = (b"avis", b"msf1", b"hevc", b"hevx")
_MATRIX = 6
"""By which libheif codes colours: that of BT.601."""
_BITS = (8, 10, 12)
_STILL_ONLY = "it is an animation, of which only the still image is restored and written"


class _AvifWriter(VipsWriter):
    kind, title, bits = "avif", "AVIF", 12

    def save(self, image: pyvips.Image, path: str | bytes, keep: str) -> None:
        bits = self.header_field("bits-per-sample")
        if bits is None:
            bits = 12 if self.pages[0].dtype.itemsize > 1 else 8
        image.heifsave(
            path,
            keep=keep,
            compression="av1",
            Q=self.quality or _QUALITY,
            bitdepth=bits if bits in _BITS else 8,
        )

    def save_with_own_metadata(self, image: pyvips.Image, partial: Path) -> None:
        self.save(self.with_metadata(image, upright=False), os.fsencode(partial), "all")
        self._say_colours(partial)

    def save_converted(self, image: pyvips.Image, partial: Path) -> None:
        super().save_converted(image, partial)
        if self.original.kind == "heic":
            self._say_colours(partial)

    def _say_colours(self, partial: Path) -> None:
        """What the original says of its colours by numbers, which libvips neither reads nor writes."""
        with self.original.reopened() as before:
            code = colour_code(before.read())
        if code is None or code.is_usual or self.original.converted:
            return
        content = with_colour_code(partial.read_bytes(), code._replace(matrix=_MATRIX))
        if content is not None:
            partial.write_bytes(content)
            if code.matrix != _MATRIX:
                self.notices.append(
                    f"its colours stay what they were, {code.primaries}/{code.transfer} (9/16 is BT.2020 with PQ, for HDR); "
                    f"they are coded by matrix {_MATRIX} in place of {code.matrix}"
                )


def open_heif(path: Path, kind: str, loader: Loader = HEIF_LOADER) -> Original:
    """An AVIF or HEIF file; of a sequence its still image, with a notice.

    Raises:
        BadImage: it cannot be decoded.
    """
    original = open_with_vips(path, kind, loader)
    if read_start(path, 12)[8:] in _SEQUENCES:
        return replace(original, notices=(*original.notices, _STILL_ONLY))
    return original


def _open(path: Path, _axes: str | None) -> Original:
    return open_heif(path, AVIF.name)


def _encode(image: pyvips.Image, quality: int) -> bytes:
    bits = 12 if image.format == "ushort" else 8
    return image.heifsave_buffer(compression="av1", Q=quality, bitdepth=bits)  # type: ignore[no-any-return]


def _recognises(start: bytes) -> bool:
    return not brands(start).isdisjoint({b"avif", b"avis"})


AVIF = Format(
    name="avif",
    title="AVIF",
    suffixes=(".avif",),
    media_type="image/avif",
    recognises=_recognises,
    capabilities=Capabilities(bits=12, accepts_bits=16, pages=True, quality=_QUALITY),
    open=_open,
    writer=_AvifWriter,
    loaders=(HEIF_LOADER,),
    encode=_encode,
    reads="8, 10 and 12 bits, alpha; of a sequence the still image",
    carries="EXIF, XMP, colour profile, as libvips writes them; bits per value; HDR primaries and transfer (nclx)",
)
