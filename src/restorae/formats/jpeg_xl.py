"""JPEG XL, read only, where a library that decodes it is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from restorae.formats.format import Capabilities, Format, starts_with
from restorae.formats.loaders import Decoded, DecodedLoader
from restorae.formats.original import Original
from restorae.formats.vips_reading import VipsLoader, open_with_vips


def _decode(path: Path, _page: int) -> Decoded:
    import imagecodecs

    return Decoded(values=np.asarray(imagecodecs.jpegxl_decode(path.read_bytes())))


def _open(path: Path, _axes: str | None) -> Original:
    return open_with_vips(path, JPEG_XL.name, JPEG_XL.require_loader(path))


JPEG_XL = Format(
    name="jxl",
    title="JPEG XL",
    suffixes=(".jxl",),
    media_type="image/jxl",
    recognises=starts_with(b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n"),
    capabilities=Capabilities(bits=32, accepts_bits=32, any_number=True),
    open=_open,
    loaders=(
        VipsLoader("jxlload_source"),
        DecodedLoader("imagecodecs", module="imagecodecs", decode=_decode),
    ),
    reads="8 and 16 bits and floats; the first frame",
    without_decoder="Install one, pip install 'restorae[codecs]', or convert it to PNG or TIFF (djxl does)",
)
