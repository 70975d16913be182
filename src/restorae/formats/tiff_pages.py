"""Pages written one after another as a TIFF by tifffile: any sizes, types and numbers of channels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from restorae.formats.original import Page
from restorae.formats.writer import SpooledWriter

_CLASSIC_LIMIT = 3_900_000_000
"""Bytes of values up to which a classic TIFF, whose offsets end at 4 GiB, also has room for tags and indices."""


def needs_bigtiff(size: float) -> bool:
    """Whether `size` bytes of values need a BigTIFF."""
    return size > _CLASSIC_LIMIT


def write_pages(
    values: SpooledWriter, path: Path, bigtiff: bool, options: Callable[[Page], dict[str, Any]]
) -> None:
    """Write all pages of `values`; `options` gives tifffile's arguments for each page."""
    import tifffile

    with tifffile.TiffWriter(path, bigtiff=bigtiff) as writer:
        for index, page in enumerate(values.pages):
            stored = values.page(index)
            writer.write(
                stored if page.bands > 1 else stored[..., 0], **options(page), metadata=None
            )
            del stored  # a view of the spool, which is closed next


def colour_options(page: Page) -> dict[str, Any]:
    """Tifffile's arguments that say what a page's bands are."""
    is_rgb = page.channels == 3
    further = page.bands - (3 if is_rgb else 1)
    return {
        "photometric": "rgb" if is_rgb else "minisblack",
        "extrasamples": ["unspecified"] * (further - page.alpha) + ["unassalpha"] * page.alpha
        or None,
        "planarconfig": "contig" if page.bands > 1 else None,
    }
