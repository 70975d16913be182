"""All formats that are read, and which of them a file is in: by its first bytes, never by its name."""

from __future__ import annotations

from pathlib import Path

from restorae.formats.avif import AVIF
from restorae.formats.format import Format
from restorae.formats.gif import GIF
from restorae.formats.heic import HEIC
from restorae.formats.jpeg import JPEG
from restorae.formats.jpeg_xl import JPEG_XL
from restorae.formats.npy import NPY, NPZ
from restorae.formats.pdf import PDF
from restorae.formats.pillow_reading import BMP, JPEG_2000
from restorae.formats.png import PNG
from restorae.formats.pnm import PNM
from restorae.formats.raw import disguised_kind
from restorae.formats.tiff import TIFF
from restorae.formats.unread import UnreadKind, unread_from
from restorae.formats.webp import WEBP

FORMATS = {
    each.name: each
    for each in (
        PNG, JPEG, TIFF, WEBP, AVIF, HEIC, JPEG_2000, JPEG_XL, GIF, BMP, PNM, PDF, NPY, NPZ,
    )
}  # fmt: skip
"""By name. Adding a format is one file and its place here."""

SUFFIX_OF = {name: each.suffix for name, each in FORMATS.items()}
"""The usual suffix of each format."""
ARRAY_KINDS = frozenset(name for name, each in FORMATS.items() if each.is_array)
"""Names of the formats of arrays."""
ARRAY_SUFFIXES = frozenset(
    suffix for each in FORMATS.values() if each.is_array for suffix in each.suffixes
)
"""Suffixes of files of arrays."""
SUFFIXES = frozenset(
    suffix for each in FORMATS.values() if not each.is_array for suffix in each.suffixes
)
"""Suffixes of image files."""
WRITTEN = tuple(name for name, each in FORMATS.items() if each.can_write and not each.is_array)
"""Names of the image formats that can be written."""

_BY_SUFFIX = {suffix: each for each in FORMATS.values() for suffix in each.suffixes}
_START = 512


def format_from(start: bytes) -> Format | None:
    r"""The format of files that begin so, or None.

    >>> format_from(b"MM\0*" + bytes(28)).name
    'tiff'
    """
    if unread_from(start) is not None:
        return None
    return next((each for each in FORMATS.values() if each.recognises(start)), None)


def format_of(path: Path) -> Format | None:
    """The format of a file by its content, or None.

    Raises:
        OSError: it cannot be read.
    """
    found = identify(path)
    return found if isinstance(found, Format) else None


def identify(path: Path) -> Format | UnreadKind | None:
    """The format of a file by its content; or the kind that it is of and that is not read; or None.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as handle:
        start = handle.read(_START)
    found = unread_from(start) or format_from(start)
    return disguised_kind(path) or found if found is TIFF else found


def format_named(path: Path) -> Format | None:
    """The format that a file's name promises, or None."""
    return _BY_SUFFIX.get(path.suffix.lower())


def kind_of(path: Path) -> str | None:
    """The name of the format of a file by its content, or None.

    Raises:
        OSError: it cannot be read.
    """
    found = format_of(path)
    return found.name if found else None


def kind_named(path: Path) -> str | None:
    """The name of the format that a file's name promises, or None."""
    found = format_named(path)
    return found.name if found else None
