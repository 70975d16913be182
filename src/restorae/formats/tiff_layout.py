"""How a TIFF is laid out: which of its pages are images, which are smaller copies, and how it was written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import BadImage
from restorae.formats.libraries import import_tifffile, without_tifffile_log
from restorae.formats.original import cannot_read
from restorae.formats.tiff_axes import axes_of, channels_of
from restorae.formats.tiff_colour import LAB, lab_as_rgb, no_data_of
from restorae.formats.tiff_decoding import decode_page, is_packed, needs_arrays
from restorae.formats.tiff_levels import TiffChain, as_vips_makes_them, read_chain
from restorae.formats.tiff_values import OF_THE_OLD_FILE

_VIPS_NAMES = {
    1: "none",
    5: "lzw",
    7: "jpeg",
    8: "deflate",
    32946: "deflate",
    32773: "packbits",
    50000: "zstd",
    34926: "zstd",
    50001: "webp",
}
_PREDICTORS = {1: "none", 2: "horizontal", 3: "float"}
_BY_VIPS = {"b1", "u1", "u2", "i1", "i2", "u4", "i4", "f4"}


@dataclass(frozen=True, kw_only=True)
class TiffLayout:
    """What is known of a TIFF before its pixels are decoded."""

    pages: tuple[int, ...]
    """Directories that hold the pages to restore; the smaller copies of a pyramid are left out and made anew."""
    alphas: tuple[int, ...]
    """Values of a pixel that are alpha, for each page."""
    channels: tuple[int, ...]
    """Which channel each page shows, counted from 0."""
    uniform: bool
    """Whether all pages are alike in size and type."""
    compression: str = "none"
    """As libvips calls it."""
    predictor: str = "none"
    tile: tuple[int, int] | None = None
    """Height and width of its tiles, if it has any."""
    pyramid: bool = False
    """Whether libvips makes the smaller copies."""
    subifds: bool = False
    """Whether the pyramid's smaller copies hang below the page."""
    chain: TiffChain | None = None
    """Images, smaller copies and masks in their order."""
    notices: tuple[str, ...] = ()
    bigtiff: bool = False
    big_endian: bool = False
    white_is_zero: bool = False
    no_data: tuple[tuple[float, ...], ...] = ()
    """What stands for no data in each page."""
    lab: bool = False
    """Whether its colours are L*a*b*, which are converted to RGB."""
    palette: bool = False
    associated: bool = False
    """Whether colours are stored multiplied by alpha."""
    arrays: Sequence[np.ndarray] | None = field(default=None, repr=False, compare=False)
    """The planes themselves, where libvips cannot decode them."""
    contiguous: int | None = None
    """Where the planes' values begin in the file, if they lie there uncompressed one after another."""


def read_layout(path: Path, axes: str | None = None) -> TiffLayout:
    """How the TIFF at `path` is laid out.

    Raises:
        BadImage: its directories cannot be read, or `axes` does not fit.
    """
    tifffile = import_tifffile()
    try:
        with without_tifffile_log(), tifffile.TiffFile(path) as opened:
            if len(opened.pages) == 0:
                raise BadImage("holds no page: it is cut short or damaged", subject=path)
            return _layout(path, opened, axes)
    except BadImage:
        raise
    except OSError as error:
        raise cannot_read(path, error) from None
    except Exception as error:  # of many kinds, with broken files
        raise BadImage(
            f"cannot be read as a TIFF: {error}. The file is cut short, damaged or of an unknown variant",
            subject=path,
        ) from None


def _layout(path: Path, opened: Any, axes: str | None) -> TiffLayout:
    first = opened.pages.first
    pages = [first, *(opened.pages[place] for place in range(1, len(opened.pages)))]
    chain = read_chain(pages)
    places = chain.images
    kept = [pages[place] for place in places]
    first = kept[0]
    tile = (first.tilelength, first.tilewidth) if first.is_tiled else None
    if tile is not None and min(tile) < 1:
        raise BadImage("has tiles without pixels: it is damaged", subject=path)
    size = (first.imagelength, first.imagewidth)
    if any(
        level.size[0] > kept[level.image].imagelength
        and level.size[1] > kept[level.image].imagewidth
        for level in chain.levels
    ):
        raise BadImage(
            "begins with a preview, below which the image lies, where it is not read. Save it as a TIFF whose first page is the image",
            subject=path,
        )
    has_own_levels = bool(chain.levels) and as_vips_makes_them(chain, size, tile)
    outlines = {
        (page.imagelength, page.imagewidth, page.samplesperpixel, str(page.dtype)) for page in kept
    }
    common: dict[str, Any] = {
        "compression": _VIPS_NAMES.get(int(first.compression), "deflate"),
        "predictor": _PREDICTORS.get(int(first.predictor or 1), "none"),
        "tile": tile,
        "pyramid": has_own_levels,
        "subifds": any(chain.below),
        "chain": chain,
        "bigtiff": opened.is_bigtiff,
        "big_endian": opened.byteorder == ">",
        "white_is_zero": int(first.photometric) == 0,
        "no_data": _no_data(kept),
        "lab": int(first.photometric) in LAB,
        "palette": any(int(page.photometric) == 3 for page in kept),
        "associated": any(int(each) == 1 for page in kept for each in page.extrasamples or ()),
    }
    dtype = first.dtype
    if dtype is None:
        raise BadImage("holds values of an unknown type", subject=path)
    if any(page.imagedepth > 1 for page in kept):
        raise BadImage(
            "holds volumes, several planes in one page, of which only the first could be read. Save each plane as a page",
            subject=path,
        )
    planes = _counted_by_description(opened) if not needs_arrays(first) else None
    if planes is not None:  # ImageJ writes one directory for a whole stack
        array, offset = planes
        stack = array.reshape(-1, *array.shape[-2:])
        channels = channels_of(
            path, opened.series[0].axes, opened.series[0].shape, len(stack), axes
        )
        return TiffLayout(
            pages=(0,),
            alphas=(0,) * len(stack),
            channels=channels,
            uniform=True,
            arrays=list(stack),
            contiguous=offset,
            **common | {"no_data": common["no_data"] * len(stack)},
        )
    channels = channels_of(path, *axes_of(opened), len(kept), axes)
    alphas = tuple(_alpha(page) for page in kept)
    layout = TiffLayout(
        pages=places,
        alphas=alphas,
        channels=channels,
        uniform=len(outlines) == 1,
        contiguous=None if chain.levels or _has_old_tags(pages) else _contiguous(opened, kept),
        **common,
    )
    # libvips does not invert signed numbers and floats, so that they would become negatives
    is_negative = layout.white_is_zero and dtype.kind in "if"
    by_arrays = any(needs_arrays(page) for page in kept)
    is_known = dtype.newbyteorder("=").str[1:] in _BY_VIPS
    if is_known and not (by_arrays or layout.lab or is_negative):
        return (
            replace(layout, contiguous=None) if layout.associated else layout
        )  # libvips divides by alpha
    if any(page.dtype is None or page.dtype.kind not in "bfiu" for page in kept):
        raise BadImage(
            f"holds {dtype} values, which cannot be restored: convert it to integers or floats",
            subject=path,
        )
    arrays = [decode_page(path, page) for page in kept]
    if layout.lab:
        arrays = [
            lab_as_rgb(values, int(page.photometric)) if int(page.photometric) in LAB else values
            for page, values in zip(kept, arrays, strict=True)
        ]
    return replace(
        layout,
        arrays=arrays,
        contiguous=None if by_arrays else layout.contiguous,
        notices=_notices(kept),
    )


def _notices(pages: Sequence[Any]) -> tuple[str, ...]:
    """What changes about values that libvips does not decode."""
    bits = sorted({page.bitspersample for page in pages if is_packed(page)})
    packed = tuple(
        f"its packed {each}-bit values are written as they are, in "
        f"{8 * next(page.dtype.itemsize for page in pages if page.bitspersample == each)} bits"
        for each in bits
    )
    coded = sorted(
        {
            str(getattr(page.compression, "name", page.compression))
            for page in pages
            if needs_arrays(page) and page.compression != 1
        }
    )
    return packed + tuple(f"compressed by {each}, which becomes Deflate" for each in coded)


def _has_old_tags(pages: Sequence[Any]) -> bool:
    """Whether a page says what only holds for its old values, such as Photoshop's layers."""
    return any(tag.code in OF_THE_OLD_FILE for page in pages for tag in page.tags)


def _alpha(page: Any) -> int:
    """How many of a pixel's values are alpha; of RGB one further value is alpha whatever is said of it."""
    further = [int(each) in (1, 2) for each in page.extrasamples or ()]
    said = (
        len(further) - further.index(True) if any(further) else 0
    )  # what stands behind alpha is left alone with it
    samples, colours = (
        page.samplesperpixel,
        {2: 3, 5: 4, 6: 3, 8: 3, 9: 3, 10: 3}.get(int(page.photometric), 1),
    )
    if said:
        return int(min(said, samples - 1))
    return 1 if colours == 3 and samples == 4 else 0


def _counted_by_description(opened: Any) -> tuple[np.ndarray, int] | None:
    """The planes of a stack for which the file has one directory only, and where they begin."""
    if len(opened.pages) > 1 or not opened.series:
        return None
    series = opened.series[0]
    planes = math.prod(series.shape) // max(1, opened.pages.first.size)
    if planes <= 1 or series.dataoffset is None:
        return None
    dtype = np.dtype(opened.byteorder + series.dtype.char)
    array = np.memmap(opened.filehandle.path, dtype, "r", series.dataoffset, tuple(series.shape))
    return array, int(series.dataoffset)


def _contiguous(opened: Any, pages: Sequence[Any]) -> int | None:
    """Where the values of all pages begin, if they lie in the file as they are decoded: one after another, uncompressed."""
    plain = all(
        page.compression == 1
        and int(page.photometric) in (1, 2)
        and page.planarconfig == 1
        and page.dtype is not None
        and page.bitspersample == 8 * page.dtype.itemsize
        for page in pages
    )
    if not plain or len(opened.series) != 1 or opened.series[0].dataoffset is None:
        return None
    size = sum(page.size * page.dtype.itemsize for page in pages)
    return int(opened.series[0].dataoffset) if size == opened.series[0].nbytes else None


def _no_data(pages: Sequence[Any]) -> tuple[tuple[float, ...], ...]:
    """What stands for no data in each page; what the first says holds for those that say nothing."""
    found = [no_data_of(page) for page in pages]
    return tuple(each or found[0] for each in found)
