"""Opening any file that is read, in the format that its content shows."""

from __future__ import annotations

from pathlib import Path

from restorae.errors import BadImage, Fix
from restorae.formats.format import Format
from restorae.formats.original import Original, cannot_read
from restorae.formats.registry import FORMATS, identify
from restorae.formats.unread import UnreadKind

MOST_PIXELS = 2**30
"""Pixels of all pages of a file up to which it is read without being asked for: 1,074 megapixels."""


def open_original(path: Path, axes: str | None = None, most_pixels: int = MOST_PIXELS) -> Original:
    """Open an image or array file, in the format that its content shows.

    Args:
        path: the file.
        axes: of an array, or of a TIFF whose pages are planes: one letter for each axis, such as ZYX or TCYX;
            Y and X are height and width, C channels, others planes.
        most_pixels: a file that declares more is refused.

    Raises:
        BadImage: it is not there, empty, broken, too large, or of a format that is not read.
    """
    found = require_format(path)
    if axes is not None and not found.takes_axes:
        raise BadImage(
            f"{{}} is for arrays and TIFF stacks; a {found.title} file says itself what its axes are",
            subject=path,
            settings=("axes",),
            fix=Fix("axes", action="omit"),
        )
    original = found.open(path, axes)
    if original.pixels > most_pixels:
        raise BadImage(
            f"declares {original.pixels / 1e6:,.0f} megapixels; files of more than {most_pixels / 1e6:,.0f} are read only on request, "
            "because a small file can claim any size. If it is genuine, raise the limit",
            subject=path,
            fix=Fix("max_pixels", original.pixels),
        )
    return original


def require_format(path: Path) -> Format:
    """The format of a file that is to be read.

    Raises:
        BadImage: it is not there, empty, unreadable, or of no format that is read.
    """
    try:
        if not path.is_file():
            raise BadImage(_why_no_file(path), subject=path)
        if path.stat().st_size == 0:
            raise BadImage("is empty (0 bytes)", subject=path)
        found = identify(path)
    except OSError as error:
        raise cannot_read(path, error) from None
    if isinstance(found, UnreadKind):
        raise BadImage(
            f"has the format {found.title}, which is not read. {found.way_out}", subject=path
        )
    if found is None:
        names = ", ".join(each.title for each in FORMATS.values() if not each.is_array)
        raise BadImage(
            f"is not in a format that is read, whatever its name says: expected {names}, .npy or .npz",
            subject=path,
        )
    return found


def _why_no_file(path: Path) -> str:
    if path.is_dir():
        return "is a directory that cannot be read as images (it may be unreadable)"
    if path.is_symlink():
        return "is a broken or circular symbolic link"
    if path.exists():
        return "is a pipe or a device, not a file"
    return "does not exist"
