"""How files are decoded: the contract of loaders, and loaders of libraries other than libvips."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from restorae.errors import BadImage, RestoraeError
from restorae.formats.libraries import import_pyvips
from restorae.formats.original import cannot_read

if TYPE_CHECKING:
    import pyvips

MOST_AT_ONCE = 2**28
"""Pixels of an image up to which it is decoded whole in memory: 268 megapixels."""
_INTERPRETATIONS = {
    (1, 1): "b-w", (2, 1): "b-w", (1, 2): "grey16", (2, 2): "grey16", (3, 2): "rgb16", (4, 2): "rgb16"
}  # fmt: skip


class Loader(Protocol):
    """Decodes files of one format."""

    @property
    def has_pages(self) -> bool:
        """Whether it takes `page` and `count`."""

    @property
    def in_memory(self) -> bool:
        """Whether what it opens holds all pixels in memory."""

    @property
    def library(self) -> str:
        """What decodes: `libvips`."""

    def is_available(self) -> bool:
        """Whether it can decode on this machine."""

    def open(self, path: Path, page: int = 0, count: int = 1) -> pyvips.Image:
        """A page, to be read from top to bottom; or `count` pages of one size, one below the other.

        Raises:
            BadImage: it cannot be opened.
        """


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """An image that a library decoded whole."""

    values: np.ndarray
    """(height, width) or (height, width, bands), `uint8`, `uint16` or `float32`."""
    pages: int = 1
    """Pages of the file."""
    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    notice: str | None = None
    """What the user should know about how it was read."""
    bits: int | None = None
    """Bits of a value in the file, where they are others than those of `values`."""


@dataclass(frozen=True)
class DecodedLoader:
    """Images that a library other than libvips decodes whole.

    Args:
        library: its name in text.
        module: the module that must be installed; empty if nothing is needed.
        decode: gives a page of a file. Whatever it raises means that the file cannot be decoded.
    """

    library: str
    _: KW_ONLY
    module: str
    decode: Callable[[Path, int], Decoded]
    has_pages: bool = False
    in_memory: bool = True

    def is_available(self) -> bool:
        """Whether its library is installed."""
        return not self.module or importlib.util.find_spec(self.module) is not None

    def open(self, path: Path, page: int = 0, count: int = 1) -> pyvips.Image:
        """A page as a libvips image with the metadata that the library gives."""
        assert count == 1
        try:
            decoded = self.decode(path, page)
        except RestoraeError:
            raise
        except (OSError, MemoryError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise cannot_read(path, error) from None
            raise _broken(path, error) from None
        except Exception as error:  # of many kinds, with broken files
            raise _broken(path, error) from None
        return _as_vips(decoded)


def require_size(path: Path, height: int, width: int) -> None:
    """Refuse what is too large to be decoded whole, before it is.

    Raises:
        BadImage: it is.
    """
    if height * width > MOST_AT_ONCE:
        raise BadImage(
            f"declares {height * width / 1e6:,.0f} megapixels; files of this kind are decoded whole, and up to "
            f"{MOST_AT_ONCE / 1e6:,.0f} megapixels are. Convert it to TIFF",
            subject=path,
        )


def _broken(path: Path, error: Exception) -> BadImage:
    reason = " ".join(str(error).split()) or type(error).__name__
    return BadImage(
        f"cannot be read as an image: {reason}. The file is cut short, damaged or of an unknown variant",
        subject=path,
    )


def _as_vips(decoded: Decoded) -> pyvips.Image:
    pyvips = import_pyvips()
    values = np.ascontiguousarray(decoded.values)
    height, width = values.shape[:2]
    bands = values.shape[2] if values.ndim == 3 else 1
    formats = {"uint8": "uchar", "uint16": "ushort", "float32": "float"}
    image = pyvips.Image.new_from_memory(
        values.data, width, height, bands, formats[str(values.dtype)]
    )
    said = _INTERPRETATIONS.get((bands, values.dtype.itemsize), "srgb")
    if values.dtype == np.float32:
        said = "b-w" if bands < 3 else "scrgb"
    image = image.copy(interpretation=said)
    fields: tuple[tuple[str, Any], ...] = (
        ("exif-data", decoded.exif),
        ("icc-profile-data", decoded.icc),
        ("xmp-data", decoded.xmp),
    )
    for name, content in fields:
        if content:
            image.set_type(pyvips.GValue.blob_type, name, content)
    numbers = (("n-pages", decoded.pages), ("bits-per-sample", decoded.bits))
    for name, number in numbers:
        if number is not None:
            image.set_type(pyvips.GValue.gint_type, name, number)
    if decoded.notice:
        image.set_type(pyvips.GValue.gstr_type, NOTICE, decoded.notice)
    return image


NOTICE = "restorae-notice"
"""A field of an image: what the user should know about how it was read."""
