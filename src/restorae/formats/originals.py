"""Picture files as they are: pages of stored values, read by rows, with all that belongs to them.

Nothing is turned, scaled or cut here, and alpha stays: what is read can be put back where it was. (`read_still` gives a
picture as one looks at it: upright, without alpha.)
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from restorae.errors import BadPicture, MissingExtra
from restorae.formats.array_files import open_array
from restorae.formats.kinds import kind_of
from restorae.formats.original import ArrayRows, Original, Page, Rows
from restorae.formats.tiff_layout import TiffLayout, read_layout

if TYPE_CHECKING:
    import pyvips

MOST_PIXELS = 2**30
"""Pixels of a picture that are read without being asked for: 1,074 megapixels."""

_DTYPES = {
    "uchar": "uint8", "char": "int8", "ushort": "uint16", "short": "int16", "uint": "uint32", "int": "int32", "float": "float32",
    "double": "float64",
}  # fmt: skip
_LOADERS = {
    "png": "pngload_source",
    "jpeg": "jpegload_source",
    "tiff": "tiffload_source",
    "webp": "webpload_source",
}
_HAS_PAGES = ("tiff", "webp", "avif", "heic")
_PALETTE = "its palette is converted to full colour"


# ------------------------------------------------------------------------------------------------------ pictures


@dataclass(frozen=True)
class VipsOriginal(Original):
    """A file that libvips decodes."""

    header: Any = field(default=None, repr=False, compare=False)
    """The first page as libvips opened it: its fields are the file's metadata."""
    layout: TiffLayout | None = None
    """How a TIFF is laid out."""
    converted: bool = False
    """Whether its colours had to be converted, so that its profile no longer describes them."""

    @property
    def channel_of(self) -> tuple[int, ...]:
        return self.layout.channels if self.layout else (0,) * len(self.pages)

    @functools.cached_property
    def _batches(self) -> _PageBatches | None:
        return (
            _PageBatches(self)
            if self.layout is not None and self.layout.uniform and len(self.pages) > 1
            else None
        )

    def rows(self, page: int) -> Rows:
        held = self._batches.page(page) if self._batches is not None else None
        if held is not None:
            return ArrayRows(held)
        place = self.layout.places[page] if self.layout else page
        image, _, _ = _as_pixels(self.path, load_with_vips(self.path, self.kind, place))
        return _VipsRows(self.path, image)

    @property
    def orientation(self) -> int:
        found = self.header.get("orientation") if self.header.get_typeof("orientation") else 1
        return int(found) if 1 <= found <= 8 else 1


class _VipsRows:
    def __init__(self, path: Path, image: pyvips.Image) -> None:
        import pyvips

        self.path, self.image, self.next = path, image, 0
        self.region = pyvips.Region.new(image)
        self.dtype = np.dtype(_DTYPES[image.format])

    def read(self, count: int) -> np.ndarray:
        import pyvips

        try:
            content = self.region.fetch(0, self.next, self.image.width, count)
        except pyvips.Error as error:
            raise unreadable(self.path, error) from None
        self.next += count
        return np.frombuffer(content, self.dtype).reshape(count, self.image.width, self.image.bands)


class _PageBatches:
    """The small pages of a stack, many decoded at once: libvips walks through all of a file's pages whenever it opens one."""

    def __init__(self, original: VipsOriginal) -> None:
        assert original.layout is not None
        self.original, self.places = original, original.layout.places
        self.at_once = _BATCH_BYTES // max(1, original.pages[0].bytes)
        self.held_pages, self.held = range(0), np.empty(0)
        self.lock = threading.Lock()

    def page(self, page: int) -> np.ndarray | None:
        """Its pixels, (height, width, bands); None where it is better read alone."""
        if self.at_once < 2:
            return None
        with self.lock:
            if page not in self.held_pages:
                first = page - page % self.at_once
                self.held_pages = range(first, min(first + self.at_once, len(self.places)))
                self.held = self._decoded(self.held_pages)
            return self.held[page - self.held_pages.start] if len(self.held) else None

    def _decoded(self, pages: range) -> np.ndarray:
        path, outline = self.original.path, self.original.pages[0]
        first = self.places[pages.start]
        if self.places[pages[-1]] - first != len(pages) - 1:
            return np.empty(0)
        try:
            image, _, _ = _as_pixels(
                path, load_with_vips(path, self.original.kind, first, len(pages))
            )
            rows = _VipsRows(path, image).read(image.height)
        except BadPicture:
            return np.empty(0)  # one of them is broken: read alone, it is named
        return rows.reshape(len(pages), outline.height, outline.width, outline.bands)


_BATCH_BYTES = 32 * 2**20


@dataclass(frozen=True)
class TiffArrayOriginal(Original):
    """A TIFF of values that libvips does not decode (64-bit floats, planes that only ImageJ's description counts)."""

    layout: TiffLayout | None = None
    planes: Sequence[np.ndarray] = field(default=(), repr=False, compare=False)

    @property
    def channel_of(self) -> tuple[int, ...]:
        assert self.layout is not None
        return self.layout.channels

    def rows(self, page: int) -> Rows:
        return ArrayRows(self.planes[page])


def open_original(path: Path, axes: str | None = None, most_pixels: int = MOST_PIXELS) -> Original:
    """A picture or array file, told by its content.

    Args:
        path: the file.
        axes: of an array, or of a TIFF whose values per pixel are planes: one letter for each side, such as ZYX or TCYX;
            Y and X are height and width, C channels, others planes.
        most_pixels: more than these are refused.

    Raises:
        BadPicture: it is not there, empty, broken, too large, or of a format that is not read; the message names it.
    """
    kind = checked_kind(path)
    if kind in ("npy", "npz"):
        opened: Original = open_array(path, kind, axes)
    elif kind == "tiff":
        opened = _open_tiff(path, axes)
    else:
        if axes is not None:
            raise BadPicture(
                f"{path}: --axes is for arrays and TIFF stacks; a {kind.upper()} file says itself what its sides are."
            )
        opened = _open_with_vips(path, kind, None)
    if opened.pixels > most_pixels:
        raise BadPicture(
            f"{path} declares {opened.pixels / 1e6:,.0f} megapixels; more than {most_pixels / 1e6:,.0f} are not read unless asked for, "
            f"because a small file can claim any size. If it is genuine, use --max-pixels {opened.pixels}."
        )
    return opened


def checked_kind(path: Path) -> str:
    """The format of a file that is to be read.

    Raises:
        BadPicture: it is not there, empty, unreadable, or of no format that is read.
    """
    try:
        if not path.is_file():
            raise BadPicture(_no_file(path))
        if path.stat().st_size == 0:
            raise BadPicture(f"{path} is empty (0 bytes).")
        kind = kind_of(path)
    except OSError as error:
        raise BadPicture(f"{path} cannot be read: {error.strerror or error}.") from None
    if kind is None:
        raise BadPicture(
            f"{path} cannot be read as a picture: its content is of no format that is read, whatever its name says. Expected a whole "
            "PNG, JPEG, TIFF, WebP, AVIF or HEIF file, .npy or .npz."
        )
    return kind


def _no_file(path: Path) -> str:
    if path.is_dir():
        told = "is not a file but a folder. Were pictures expected in it, it may not be looked into"
    elif path.is_symlink():
        told = "is not a file but a link that leads nowhere, or in a circle"
    elif path.exists():
        told = "is not a file but a pipe or a device"
    else:
        told = "is not a file: nothing of that name is there"
    return f"{path} {told}."


def _open_tiff(path: Path, axes: str | None) -> Original:
    layout = read_layout(path, axes)
    if layout.arrays is None:
        return _open_with_vips(path, "tiff", layout)
    pages = tuple(
        Page(each.shape[0], each.shape[1], math.prod(each.shape[2:]), alpha, each.dtype)
        for each, alpha in zip(layout.arrays, layout.alphas, strict=True)
    )
    return TiffArrayOriginal(path, "tiff", pages, (), layout, layout.arrays)


def _open_with_vips(path: Path, kind: str, layout: TiffLayout | None) -> Original:
    header = load_with_vips(path, kind)
    notices: list[str] = []
    count, converted = 1, False
    if layout is not None:
        count = len(layout.places)
    elif kind in _HAS_PAGES and header.get_typeof("n-pages"):
        count = int(header.get("n-pages"))
    pages = []
    for page in range(count):
        image = (
            header
            if page == 0
            else load_with_vips(path, kind, layout.places[page] if layout else page)
        )
        image, told, changed = _as_pixels(path, image)
        converted = converted or changed
        notices += [each for each in told if each not in notices]
        alpha = layout.alphas[page] if layout else int(image.hasalpha())
        pages.append(
            Page(image.height, image.width, image.bands, alpha, np.dtype(_DTYPES[image.format]))
        )
        if layout is not None and layout.uniform and page == 0:
            pages = pages * count  # thousands of planes need not be opened one by one
            break
    if layout is not None and layout.palette:
        notices.append(_PALETTE)
    if kind in ("png", "avif", "heic") and _moves(path, kind):
        notices.append(
            "it is a moving picture, of which only the still one is restored and written"
        )
    return VipsOriginal(path, kind, tuple(pages), tuple(notices), header, layout, converted)


def _moves(path: Path, kind: str) -> bool:
    """Whether it holds further pictures that libvips does not read: an animated PNG, a sequence."""
    with path.open("rb") as handle:
        start = handle.read(2**16)
    return (
        b"acTL" in start.split(b"IDAT")[0]
        if kind == "png"
        else start[8:12] in (b"avis", b"msf1", b"hevc", b"hevx")
    )


def load_with_vips(path: Path, kind: str, page: int = 0, count: int = 1) -> pyvips.Image:
    """A page as libvips opens it, to be read from top to bottom; or `count` pages of one size, one below the other.

    Raises:
        BadPicture: it cannot be opened.
    """
    try:
        import pyvips
    except ImportError as error:
        raise MissingExtra(
            "Reading pictures needs pyvips: pip install 'pyvips[binary]'."
        ) from error
    pyvips.cache_set_max(
        0
    )  # libvips would keep what it opened and saved, and with it the pixels of the last pictures
    options: dict[str, Any] = {
        "access": "sequential",
        "fail_on": "truncated" if kind == "jpeg" else "error",
    }
    if kind in _HAS_PAGES:
        options |= {"page": page, "n": count}
    if kind in ("jpeg", "png", "tiff", "avif", "heic"):
        options["unlimited"] = True  # our own limit has a name and can be raised
    try:
        # through a descriptor, so that no name (its bytes, its brackets) can be misunderstood; libvips makes it its own
        with path.open("rb") as handle:
            source = pyvips.Source.new_from_descriptor(handle.fileno())
        return getattr(pyvips.Image, _LOADERS.get(kind, "heifload_source"))(source, **options)
    except OSError as error:
        raise BadPicture(f"{path} cannot be read: {error.strerror or error}.") from None
    except pyvips.Error as error:
        raise unreadable(path, error) from None


def _as_pixels(path: Path, image: pyvips.Image) -> tuple[pyvips.Image, list[str], bool]:
    """The image as values that can be restored and written, what had to be converted for that, and whether its colours had to."""
    import pyvips

    notices, converted = [], False
    bits = image.get("bits-per-sample") if image.get_typeof("bits-per-sample") else 8
    try:
        if image.interpretation == "cmyk":
            image, converted = _to_rgb(image), True
            notices.append("CMYK colours are converted to RGB")
        elif image.interpretation in ("lab", "labs", "labq", "lch", "xyz", "hsv", "yxy"):
            image, converted = image.colourspace("srgb"), True
            notices.append("Lab colours are converted to RGB")
        if image.coding != "none":
            image = image.rad2float() if image.coding == "rad" else image
    except pyvips.Error as error:
        raise unreadable(path, error) from None
    if image.get_typeof("palette"):
        notices.append(_PALETTE)
    elif bits < 8:
        notices.append(f"its {bits}-bit values become 8-bit ones")
    if image.format not in _DTYPES:
        raise BadPicture(
            f"{path} holds {image.format} values, which cannot be restored. Convert it to whole numbers or floats."
        )
    return image, notices, converted


def _to_rgb(image: pyvips.Image) -> pyvips.Image:
    """CMYK as sRGB, by its own profile where it has one; alpha is kept."""
    import pyvips

    alpha = image[4:] if image.bands > 4 else None
    ink = image[:4] if alpha is not None else image
    try:
        rgb = ink.icc_transform("srgb", embedded=True, input_profile="cmyk")
    except pyvips.Error:
        rgb = ink.colourspace("srgb")
    return rgb if alpha is None else rgb.bandjoin(alpha)


def unreadable(path: Path, error: Exception) -> BadPicture:
    """What a decoder's complaint means for a person."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = lines[-1] if lines else "unknown format"
    if "Unsupported" in told or "No decoding plugin" in told or "no decoding" in told.lower():
        told += " (this build of libvips cannot decode it)"
    return BadPicture(
        f"{path} cannot be read as a picture: {told}. Expected a whole file; this one is cut short, damaged or of an unknown variant."
    )
