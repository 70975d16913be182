"""TIFF and BigTIFF: any numbers, channels and pages."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from restorae.formats.format import Capabilities, Format, starts_with
from restorae.formats.original import FileStamp, Original, Page
from restorae.formats.tiff_layout import read_layout
from restorae.formats.tiff_writing import (
    PlainTiffWriter,
    TiffArrayOriginal,
    TiffPagesWriter,
    TiffVipsWriter,
)
from restorae.formats.vips_reading import VipsLoader, VipsOriginal, open_with_vips
from restorae.formats.writer import Writer

if TYPE_CHECKING:
    import pyvips

_LOADER = VipsLoader("tiffload_source", {"unlimited": True}, has_pages=True)


def _open(path: Path, axes: str | None) -> Original:
    stamp = FileStamp.of(path)
    layout = read_layout(path, axes)
    if layout.arrays is None:
        return open_with_vips(path, TIFF.name, _LOADER, layout)
    pages = tuple(
        Page(
            each.shape[0],
            each.shape[1],
            bands=math.prod(each.shape[2:]),
            alpha=alpha,
            dtype=each.dtype,
            no_data=() if layout.lab else no_data,
            white_is_zero=layout.white_is_zero,
        )
        for each, alpha, no_data in zip(layout.arrays, layout.alphas, layout.no_data, strict=True)
    )
    return TiffArrayOriginal(
        path=path,
        kind=TIFF.name,
        pages=pages,
        notices=(
            *layout.notices,
            *(("Lab colours are converted to RGB",) if layout.lab else ()),
        ),
        layout=layout,
        planes=layout.arrays,
        stamp=stamp,
    )


def _writer(original: Original, target: Path, *, quality: int | None) -> Writer:
    """The writer that suits: libvips for usual images, tifffile for the others."""
    if not isinstance(original, VipsOriginal):
        return TiffPagesWriter(original, target)
    outlines = {(page.height, page.width, page.bands, page.dtype) for page in original.pages}
    layout = original.layout
    is_pyramid = layout is not None and layout.pyramid
    has_levels = layout is not None and layout.chain is not None and bool(layout.chain.levels)
    # libvips would call all bands beyond grey or colour alpha
    has_many_bands = original.pages[0].channels not in (1, 3) and not is_pyramid
    if len(outlines) > 1 or has_many_bands or (has_levels and not is_pyramid):
        return TiffPagesWriter(original, target)
    return TiffVipsWriter(original, target, quality=quality)


def _encode(image: pyvips.Image, _quality: int) -> bytes:
    return image.tiffsave_buffer(compression="deflate")  # type: ignore[no-any-return]


TIFF = Format(
    name="tiff",
    title="TIFF",
    suffixes=(".tif", ".tiff", ".btf", ".tf8"),
    media_type="image/tiff",
    recognises=starts_with(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    capabilities=Capabilities(
        bits=64, accepts_bits=64, any_number=True, channels=None, pages=True, mixed_pages=True
    ),
    open=_open,
    writer=_writer,
    loaders=(_LOADER,),
    encode=_encode,
    plain_writer=PlainTiffWriter,
    reads="1 to 64 bits, signed and floats, any channels and pages; strips, tiles, planes; LZW, Deflate, PackBits, JPEG, CCITT, "
    "LZMA; with the extra codecs ZSTD, LERC, JPEG XL, JPEG 2000 and more; not: volumes, complex numbers",
    carries="tags of every page, EXIF and GPS; byte order, BigTIFF, compression, predictor, tiles; "
    "masks as they are, smaller copies of every page made anew; layers are left out",
    takes_axes=True,
)
