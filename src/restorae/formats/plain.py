"""Plain companion files (error maps, samples, spreads): values only, no metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from restorae.errors import BadImage
from restorae.formats.format import Format
from restorae.formats.npy import NPY
from restorae.formats.original import Original, Page
from restorae.formats.png import PNG
from restorae.formats.registry import FORMATS, format_named
from restorae.formats.tiff import TIFF
from restorae.formats.writer import Writer


def plain_suffix(pages: Sequence[Page], like: Original | None = None) -> str:
    """The suffix for `begin_plain`: `.npy` beside an array, `.png` where it can hold the pages, else `.tif`."""
    if like is not None and like.is_array:
        return NPY.suffix
    return PNG.suffix if PNG.holds(_values(pages)) else TIFF.suffix


def begin_plain(target: Path, pages: Sequence[Page], like: Original | None = None) -> Writer:
    """A writer for values alone, in the format of the target's suffix: PNG, TIFF or `.npy`.

    A PNG is written upright, as the orientation of `like` says; a TIFF gets it as a tag. Beside an array a `.npy` has its shape,
    with the type of `pages`; otherwise its shape is (height, width[, bands]), with pages first where there are several.

    Args:
        target: the file to write.
        pages: outlines of the pages; alpha counts as values like any other.
        like: the file that it belongs to.

    Raises:
        BadImage: the suffix is another one, or the format cannot hold these pages.
        OutputError: there is no room.
    """
    found = format_named(target)
    if found is None or found.plain_writer is None:
        known = ", ".join(each.suffix for each in FORMATS.values() if each.plain_writer)
        raise BadImage(f"plain values are written as {known}", subject=target)
    pages = _values(pages)
    _require_held(found, target, pages)
    return found.plain_writer(target, pages, like=like)


def _values(pages: Sequence[Page]) -> tuple[Page, ...]:
    return tuple(replace(page, alpha=0) for page in pages)


def _require_held(found: Format, target: Path, pages: Sequence[Page]) -> None:
    refusal = found.capabilities.refusal(pages)
    if refusal is not None:
        raise BadImage(f"{found.title} {refusal}", subject=target)
