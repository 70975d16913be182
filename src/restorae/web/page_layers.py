"""What is shown of pages other than the first: made when they are looked at, and the last few kept."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from restorae.formats import Original
from restorae.value_range import FULL_RANGE, ValueRange
from restorae.web.colours import ToScreen
from restorae.web.pyramid import Pyramid, display_range, pyramid_bytes, write_pyramid
from restorae.web.store import Workspace

_KEPT = 12
"""Pyramids that are kept: of a few pages, before and after."""


@dataclass
class PageLayers:
    """The pyramids of one image's further pages.

    Args:
        workspace: the folder of the image.
        to_screen: as for its first page.
    """

    workspace: Workspace
    to_screen: ToScreen | None
    _kept: OrderedDict[str, Pyramid] = field(default_factory=OrderedDict, init=False)
    _ranges: dict[int, ValueRange] = field(default_factory=dict, init=False)

    def get(self, original: Original, name: str, page: int, *, is_map: bool = False) -> Pyramid:
        """A page of the image, of a result or of a map, whose first page is called `name`.

        Raises:
            BadImage: the page cannot be read.
            HttpError: there is no space for it.
        """
        key = f"{name}-p{page}"
        if key not in self._kept:
            while len(self._kept) >= _KEPT:
                self._drop(next(iter(self._kept)))
            self.workspace.claim(pyramid_bytes(original, page))
            same = original.pages[page].channels == original.pages[0].channels
            alpha = name == "alpha"
            self._kept[key] = write_pyramid(
                original,
                FULL_RANGE if is_map or alpha else self.range_of(original, page),
                self.workspace.folder,
                key,
                page=page,
                alpha=alpha,
                convert=self.to_screen if same and not (is_map or alpha) else None,
            )
            self.workspace.settle()
        self._kept.move_to_end(key)
        return self._kept[key]

    def trim(self) -> int:
        """Remove all of them; the number of bytes that this frees."""
        return sum(self._drop(key) for key in list(self._kept))

    def range_of(self, original: Original, page: int) -> ValueRange:
        """By the channel that the page belongs to, as it is restored; results are shown as the image is."""
        channel = original.channel_of[page]
        if channel not in self._ranges:
            self._ranges[channel] = display_range(original, "auto", page)
        return self._ranges[channel]

    def _drop(self, key: str) -> int:
        pyramid = self._kept.pop(key)
        freed = 0
        for path in pyramid.folder.glob(f"{pyramid.name}-*.pixels"):
            freed += path.stat().st_size
            path.unlink(missing_ok=True)
        return freed


def describe(pyramid: Pyramid, original: Original, page: int) -> dict[str, object]:
    """A page as JSON for the page of the browser."""
    outline = original.pages[page]
    turned = pyramid.orientation > 4
    return {
        "page": page,
        "height": pyramid.height,
        "width": pyramid.width,
        "channels": outline.channels,
        "alpha": bool(outline.alpha),
        "dtype": outline.dtype.name,
        "levels": [list(size[::-1] if turned else size) for size in pyramid.sizes],
    }
