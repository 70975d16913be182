"""Image files that libvips decodes, read by rows as they are stored."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from restorae.errors import BadImage
from restorae.formats.decoding_errors import undecodable
from restorae.formats.libraries import import_pyvips
from restorae.formats.loaders import NOTICE, Loader
from restorae.formats.original import ArrayRows, FileStamp, Original, Page, Rows, cannot_read
from restorae.formats.tiff_layout import TiffLayout

if TYPE_CHECKING:
    import pyvips

_DTYPES = {
    "uchar": "uint8", "char": "int8", "ushort": "uint16", "short": "int16", "uint": "uint32", "int": "int32", "float": "float32",
    "double": "float64",
}  # fmt: skip
_LAB_SPACES = ("lab", "labs", "labq", "lch", "xyz", "hsv", "yxy")
_PALETTE = "its palette is converted to full colour"
_BATCH_BYTES = 32 * 2**20
_ROWS_AT_ONCE = 256
"""Of a damaged file some decoders begin anew for every few rows that are asked for: the first rows must fail alone."""


@dataclass(frozen=True)
class VipsLoader:
    """How libvips opens files of one format."""

    operation: str
    """Name of the operation, such as `pngload_source`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    _: KW_ONLY
    has_pages: bool = False
    """Whether it takes `page` and `n`."""
    in_memory: bool = False
    library: str = "libvips"

    def is_available(self) -> bool:
        """Whether this build of libvips has the operation."""
        return bool(import_pyvips().type_find("VipsOperation", self.operation))

    def open(self, path: Path, page: int = 0, count: int = 1) -> pyvips.Image:
        """A page, to be read from top to bottom; or `count` pages of one size, one below the other.

        Raises:
            BadImage: it cannot be opened.
        """
        pyvips = import_pyvips()
        options: dict[str, Any] = {"access": "sequential", "fail_on": "error", **self.options}
        if self.has_pages:
            options |= {"page": page, "n": count}
        try:
            # by a descriptor, so that no name (its bytes, its brackets) can be misunderstood; libvips makes it its own
            with path.open("rb") as handle:
                source = pyvips.Source.new_from_descriptor(handle.fileno())
            return getattr(pyvips.Image, self.operation)(source, **options)
        except OSError as error:
            raise cannot_read(path, error) from None
        except pyvips.Error as error:
            raise undecodable(path, error) from None


@dataclass(frozen=True, kw_only=True)
class VipsOriginal(Original):
    """A file that libvips decodes."""

    loader: Loader = field(repr=False)
    header: Any = field(default=None, repr=False, compare=False)
    """The first page as libvips opened it: its fields are the file's metadata."""
    layout: TiffLayout | None = None
    """How a TIFF is laid out."""
    converted: bool = False
    """Whether its colours had to be converted, so that its profile no longer describes them."""

    @property
    def channel_of(self) -> tuple[int, ...]:
        return self.layout.channels if self.layout else (0,) * len(self.pages)

    @property
    def orientation(self) -> int:
        found = self.header.get("orientation") if self.header.get_typeof("orientation") else 1
        return int(found) if 1 <= found <= 8 else 1

    def rows(self, page: int) -> Rows:
        self.require_unchanged()
        decoded = self._batches.page(page) if self._batches is not None else None
        if decoded is not None:
            return ArrayRows(decoded)
        index = self.layout.pages[page] if self.layout else page
        return _VipsRows(self.path, _as_pixels(self.path, self.loader.open(self.path, index))[0])

    @functools.cached_property
    def _batches(self) -> _PageBatches | None:
        is_stack = self.layout is not None and self.layout.uniform and len(self.pages) > 1
        return _PageBatches(self) if is_stack else None


class _VipsRows:
    def __init__(self, path: Path, image: pyvips.Image) -> None:
        self.path, self.image, self.next = path, image, 0
        self.region = import_pyvips().Region.new(image)
        self.dtype = np.dtype(_DTYPES[image.format])

    def read(self, count: int) -> np.ndarray:
        shape = (count, self.image.width, self.image.bands)
        if count <= _ROWS_AT_ONCE:
            return self._fetch(count).reshape(shape)
        rows = np.empty(shape, self.dtype)
        for top in range(0, count, _ROWS_AT_ONCE):
            step = min(_ROWS_AT_ONCE, count - top)
            rows[top : top + step] = self._fetch(step).reshape(step, *shape[1:])
        return rows

    def _fetch(self, count: int) -> np.ndarray:
        pyvips = import_pyvips()
        try:
            content = self.region.fetch(0, self.next, self.image.width, count)
        except pyvips.Error as error:
            raise undecodable(self.path, error) from None
        self.next += count
        return np.frombuffer(content, self.dtype)


class _PageBatches:
    """The small pages of a stack, many decoded at once: libvips walks through all pages of a file whenever it opens one."""

    def __init__(self, original: VipsOriginal) -> None:
        assert original.layout is not None
        self.original, self.indices = original, original.layout.pages
        self.at_once = _BATCH_BYTES // max(1, original.pages[0].bytes)
        self.decoded_pages, self.decoded = range(0), np.empty(0)
        self.lock = threading.Lock()

    def page(self, page: int) -> np.ndarray | None:
        """Its pixels, (height, width, bands); None where it is better read alone."""
        if self.at_once < 2:
            return None
        with self.lock:
            if page not in self.decoded_pages:
                first = page - page % self.at_once
                self.decoded_pages = range(first, min(first + self.at_once, len(self.indices)))
                self.decoded = self._decode(self.decoded_pages)
            return self.decoded[page - self.decoded_pages.start] if len(self.decoded) else None

    def _decode(self, pages: range) -> np.ndarray:
        original = self.original
        first = self.indices[pages.start]
        if self.indices[pages[-1]] - first != len(pages) - 1:
            return np.empty(0)
        try:
            opened = original.loader.open(original.path, first, len(pages))
            image, _, _ = _as_pixels(original.path, opened)
            rows = _VipsRows(original.path, image).read(image.height)
        except BadImage:
            return np.empty(0)  # one of them is broken: read alone, it is named
        page = original.pages[0]
        return rows.reshape(len(pages), page.height, page.width, page.bands)


def open_with_vips(
    path: Path, kind: str, loader: Loader, layout: TiffLayout | None = None
) -> VipsOriginal:
    """A file of the format `kind` by its loader; a TIFF with its layout.

    Raises:
        BadImage: it cannot be opened.
    """
    stamp = FileStamp.of(path)
    header = loader.open(path, layout.pages[0] if layout else 0)
    notices: list[str] = []
    indices: tuple[int, ...] = (0,)
    converted = False
    if layout is not None:
        indices = layout.pages
    elif loader.has_pages and header.get_typeof("n-pages"):
        indices = tuple(range(int(header.get("n-pages"))))
    pages: list[Page] = []
    for page, index in enumerate(indices):
        image, found, changed = _as_pixels(path, loader.open(path, index) if page else header)
        converted = converted or changed
        notices += [notice for notice in found if notice not in notices]
        alpha = layout.alphas[page] if layout else int(image.hasalpha())
        dtype = np.dtype(_DTYPES[image.format])
        pages.append(
            Page(
                image.height,
                image.width,
                bands=image.bands,
                alpha=alpha,
                dtype=dtype,
                no_data=() if changed or layout is None else _no_data(layout, page, image),
            )
        )
        if layout is not None and layout.uniform:
            pages = pages * len(indices)  # thousands of planes need not be opened one by one
            break
    if loader.in_memory:  # only its fields are needed from here on
        header = header.crop(0, 0, 1, 1).copy_memory()
    if layout is not None and layout.palette:
        notices.append(_PALETTE)
    return VipsOriginal(
        path=path,
        kind=kind,
        pages=tuple(pages),
        notices=tuple(notices),
        header=header,
        layout=layout,
        converted=converted,
        loader=loader,
        stamp=stamp,
    )


def _no_data(layout: TiffLayout, page: int, image: pyvips.Image) -> tuple[float, ...]:
    """What stands for no data in a page as libvips decodes it."""
    bits = image.get("bits-per-sample") if image.get_typeof("bits-per-sample") else 8
    if layout.palette or bits < 8:
        return ()
    if not layout.white_is_zero:
        return layout.no_data[page]
    most = np.iinfo(_DTYPES[image.format]).max  # white is zero is decoded
    return tuple(most - value for value in layout.no_data[page])


def read_start(path: Path, size: int = 2**16) -> bytes:
    """The first bytes of a file.

    Raises:
        BadImage: it cannot be read.
    """
    try:
        with path.open("rb") as handle:
            return handle.read(size)
    except OSError as error:
        raise cannot_read(path, error) from None


def _as_pixels(path: Path, image: pyvips.Image) -> tuple[pyvips.Image, list[str], bool]:
    """The image as values that can be restored and written; notices of what was converted; whether its colours were."""
    pyvips = import_pyvips()
    notices, converted = [], False
    bits = image.get("bits-per-sample") if image.get_typeof("bits-per-sample") else 8
    try:
        if image.interpretation == "cmyk":
            image, converted = _to_rgb(image), True
            notices.append("CMYK colours are converted to RGB")
        elif image.interpretation in _LAB_SPACES:
            deep = image.format in ("ushort", "short", "float")
            image, converted = image.colourspace("rgb16" if deep else "srgb"), True
            notices.append("Lab colours are converted to RGB")
        if image.coding == "rad":
            image = image.rad2float()
    except pyvips.Error as error:
        raise undecodable(path, error) from None
    if image.get_typeof(NOTICE):
        notices.append(image.get(NOTICE))
    if image.get_typeof("palette"):
        notices.append(_PALETTE)
    elif bits < 8:
        notices.append(f"its {bits}-bit values become 8-bit ones")
    if image.format not in _DTYPES:
        raise BadImage(
            f"holds {image.format} values, which cannot be restored: convert it to integers or floats",
            subject=path,
        )
    return image, notices, converted


def _to_rgb(image: pyvips.Image) -> pyvips.Image:
    """CMYK as sRGB, by its own profile where it has one; alpha is kept."""
    pyvips = import_pyvips()
    alpha = image[4:] if image.bands > 4 else None
    ink = image[:4] if alpha is not None else image
    deep = image.format == "ushort"
    try:
        rgb = ink.icc_transform(
            "srgb", embedded=True, input_profile="cmyk", depth=16 if deep else 8
        )
    except pyvips.Error:
        rgb = ink.colourspace("rgb16" if deep else "srgb")
    return rgb if alpha is None else rgb.bandjoin(alpha)
