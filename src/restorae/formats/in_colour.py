"""A grey image's file as one with room for colours, with everything else that belongs to it."""

from __future__ import annotations

from dataclasses import replace

from restorae.errors import BadImage
from restorae.formats.original import Original
from restorae.formats.vips_reading import VipsOriginal

_COLOURS = 3


def in_colour(original: Original) -> Original:
    """An original like this one whose only page has red, green and blue; its profile is left out where it is one of grey.

    Its rows are still those of the file: it is for `begin_result` alone.

    Raises:
        BadImage: its values lie in the file in a way that only suits grey.
    """
    (page,) = original.pages
    if page.channels == _COLOURS:
        return original
    if not isinstance(original, VipsOriginal):
        raise BadImage("is stored in a way that has no room for colours", subject=original.path)
    layout = original.layout
    return replace(
        original,
        pages=(replace(page, bands=_COLOURS + page.alpha, no_data=()),),
        converted=True,
        layout=None if layout is None else replace(layout, contiguous=None, palette=False),
    )
