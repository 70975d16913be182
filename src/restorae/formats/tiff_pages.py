"""Pages written one after another as a TIFF by tifffile: any sizes, types and numbers of channels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from restorae.formats.original import Page
from restorae.formats.tiff_levels import Level, TiffChain, made_smaller
from restorae.formats.writer import SpooledWriter

_CLASSIC_LIMIT = 3_900_000_000
"""Bytes of values up to which a classic TIFF, whose offsets end at 4 GiB, also has room for tags and indices."""


def needs_bigtiff(size: float) -> bool:
    """Whether `size` bytes of values need a BigTIFF."""
    return size > _CLASSIC_LIMIT


def write_pages(
    values: SpooledWriter,
    path: Path,
    bigtiff: bool,
    options: Callable[[Page], dict[str, Any]],
    chain: TiffChain | None = None,
) -> None:
    """Write all pages of `values` and the smaller copies that `chain` names, made of them.

    Args:
        values: the pages.
        path: where to write.
        bigtiff: whether as a BigTIFF.
        options: gives tifffile's arguments for each page.
        chain: the order of pages and smaller copies; None writes the pages alone.
    """
    import tifffile

    entries = tuple(range(len(values.pages))) if chain is None else chain.chain
    with tifffile.TiffWriter(path, bigtiff=bigtiff) as writer:

        def write(stored: np.ndarray, page: Page, **more: Any) -> None:
            shown = stored if page.bands > 1 else stored[..., 0]
            writer.write(shown, **{**options(page), **more}, metadata=None)

        for entry in entries:
            image = entry.image if isinstance(entry, Level) else entry
            page, stored = values.pages[image], values.page(image)
            if isinstance(entry, Level):
                write(made_smaller(stored, entry.size, bool(page.no_data)), page, subfiletype=1)
            else:
                below = chain.below[image] if chain is not None and chain.below else ()
                write(stored, page, **({"subifds": len(below)} if below else {}))
                for level in below:
                    write(made_smaller(stored, level.size, bool(page.no_data)), page, subfiletype=1)
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
