"""One image of the gallery: its file, what is shown of it, its mask, and the results that were made of it."""

from __future__ import annotations

import functools
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from restorae.formats import Original, open_original
from restorae.restoring import PAGES, PHOTOS, Choice
from restorae.restoring.facts import ImageFacts
from restorae.restoring.model_choice import OLD_PRINTS, WHITENED, choose_for_file
from restorae.value_range import FULL_RANGE, ValueRange
from restorae.web.colours import ToScreen
from restorae.web.http_errors import not_found
from restorae.web.mask_strokes import Stroke
from restorae.web.names import written_kind
from restorae.web.page_layers import PageLayers
from restorae.web.pyramid import Pyramid, display_range, pyramid_bytes, write_pyramid
from restorae.web.store import Workspace
from restorae.web.wording import PAGE

RESULTS_KEPT = 4
"""Results of one image that can be compared with each other."""


@dataclass(kw_only=True)
class Result:
    """What a restoration made of an image."""

    number: int
    """Counted from 1; part of the addresses of its layers."""
    settings: dict[str, Any]
    """Model and settings, as the page asked for them."""
    path: Path
    """The restored file."""
    name: str
    """File name of the download."""
    layers: dict[str, Pyramid]
    """`after`, and maps such as `error`."""
    maps: dict[str, Path] = field(default_factory=dict)
    """The files of these maps, as the command line writes them."""
    saved: str = ""
    """Path of its copy within the server's folder for results."""
    unchanged: bool = False
    """Whether no damage was found and the image was left as it is."""

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON for the page."""
        return {
            "number": self.number,
            "model": self.settings["model"],
            "settings": self.settings,
            "name": self.name,
            "layers": list(self.layers),
            "maps": list(self.maps),
            "saved": self.saved,
            "unchanged": self.unchanged,
        }


@dataclass(kw_only=True)
class GalleryImage:
    """One uploaded image: its file, its tile pyramids, its mask and its results."""

    id: str
    name: str
    """File name that the client sent, for display only: it is never used as a path."""
    folder: str
    """Folders above it in what was dropped, separated by slashes; for display, archives and the folder for results."""
    place: int
    """Images with a smaller one come before it in the list."""
    workspace: Workspace
    file: Path
    original: Original
    values: ValueRange
    """Stored values that are displayed as black and white."""
    automatic: Choice
    """The model that is used when the request names none, and the reason."""
    layers: dict[str, Pyramid] = field(default_factory=dict)
    """Tile pyramids of the image itself: `before`, and `alpha` where there is transparency."""
    to_screen: ToScreen | None = None
    """From the colours of the file's ICC profile to those of a screen; None where they are alike."""
    facts: dict[tuple[object, ...], ImageFacts] = field(default_factory=dict, repr=False)
    """What previews measured on the whole file, by what the restorer needs to know."""
    needs_nothing: bool | None = None
    """Whether the model that was chosen for it finds no damage; None where that was not tried yet."""
    strokes: list[Stroke] = field(default_factory=list)
    mask: Path | None = None
    mask_version: int = 0
    """Number of changes of the mask."""
    results: list[Result] = field(default_factory=list)
    """The last results, oldest first."""
    job: str | None = None
    """Id of the job that restores it."""
    looked_at: float = field(default_factory=time.time)
    """Time of the last request for it, in seconds since the epoch."""
    changing: threading.RLock = field(default_factory=threading.RLock, repr=False)
    """Held while what is shown of the image is written or removed."""
    version: int = 0
    """Number of results so far; part of the tiles' addresses, so that browsers do not show cached tiles of the last result."""

    @property
    def height(self) -> int:
        """Height of the upright image, in pixels."""
        return self.layers["before"].height

    @property
    def width(self) -> int:
        """Width of the upright image, in pixels."""
        return self.layers["before"].width

    @property
    def mask_file(self) -> Path | None:
        """The mask that was loaded from a file or found by a model; strokes lie on top of it."""
        path = self.workspace.folder / "mask-file.png"
        return path if path.exists() else None

    @property
    def result(self) -> Result | None:
        """The newest result."""
        return self.results[-1] if self.results else None

    def result_number(self, number: int | None) -> Result:
        """A result; None is the newest.

        Raises:
            HttpError: there is no such result.
        """
        for result in reversed(self.results):
            if number in (None, result.number):
                return result
        raise not_found(f"result of {self.name} yet" if number is None else f"result {number}")

    def layer(self, name: str, page: int = 0) -> Pyramid:
        """A tile pyramid: of the image, of the newest result (`after`), or of a numbered result (`after-2`); of one page.

        Raises:
            HttpError: there is no such layer or page.
        """
        if page:
            return self._page(name, page)
        if name in self.layers:
            return self._complete(self.layers[name], self.original, self.values)
        what, _, number = name.partition("-")
        for result in reversed(self.results):
            if number in ("", str(result.number)) and what in result.layers:
                return self._complete_result(result, what)
        raise not_found(f"layer {name!r} of {self.name}")

    def _page(self, name: str, page: int) -> Pyramid:
        """A page other than the first."""
        if page >= len(self.original.pages):
            raise not_found(f"page {page + 1} of {self.name}")
        what, _, number = name.partition("-")
        with self.changing:
            if name == "before" or (name == "alpha" and self.original.pages[page].alpha):
                return self.page_layers.get(self.original, name, page)
            for result in reversed(self.results):
                if number not in ("", str(result.number)) or what not in result.layers:
                    continue
                path = result.path if what == "after" else result.maps[what]
                key = f"{what}-{result.number}"
                original = open_original(path)
                if page < len(original.pages):
                    return self.page_layers.get(original, key, page, is_map=what != "after")
        raise not_found(f"layer {name!r} of {self.name}")

    @functools.cached_property
    def page_layers(self) -> PageLayers:
        """What is shown of further pages."""
        return PageLayers(self.workspace, self.to_screen)

    def write_layer(
        self,
        original: Original,
        values: ValueRange,
        name: str,
        check: Callable[[], None] = lambda: None,
    ) -> Pyramid:
        """Write the pyramid of this image, of a result (`after-1`), or of a map (`error-1`); called `name` in its folder.

        Args:
            original: the file of the image, of the result or of the map.
            values: which stored values are shown black and white.
            name: what the pyramid is called.
            check: called now and then; raises to cancel.
        """
        in_colour = name == "before" or name.startswith("after")
        return write_pyramid(
            original,
            values,
            self.workspace.folder,
            name,
            alpha=name == "alpha",
            convert=self.to_screen if in_colour else None,
            check=check,
        )

    def trim(self) -> int:
        """Remove what is shown of the image, which can be made again; the number of bytes that this frees."""
        with self.changing:
            results = [each.layers.values() for each in self.results]
            pyramids = [*self.layers.values(), *itertools.chain.from_iterable(results)]
            return self.page_layers.trim() + sum(pyramid.trim() for pyramid in pyramids)

    def _complete(self, pyramid: Pyramid, original: Original, values: ValueRange) -> Pyramid:
        with self.changing:
            if not pyramid.is_complete:
                self.workspace.claim(pyramid_bytes(original))
                values = FULL_RANGE if pyramid.name == "alpha" else values
                self.write_layer(original, values, pyramid.name)
                self.workspace.settle()
        return pyramid

    def _complete_result(self, result: Result, what: str) -> Pyramid:
        pyramid = result.layers[what]
        if pyramid.is_complete:
            return pyramid
        if what != "after":
            return self._complete(pyramid, open_original(result.maps[what]), FULL_RANGE)
        original = open_original(result.path)
        return self._complete(pyramid, original, self.values_of(original))

    def values_of(self, restored: Original) -> ValueRange:
        """Which stored values of a result are shown black and white."""
        same = restored.pages[0].dtype == self.original.pages[0].dtype
        return self.values if same else display_range(restored, "auto")

    def choice(self, masked: bool = False) -> Choice:
        """The model that is used when the request names none: for the whole image, or for its masked part."""
        return choose_for_file(self.original, with_mask=True) if masked else self.automatic

    def _format_notice(self) -> list[str]:
        """That a result has another format than the image, where the image's is only read."""
        kind, own = written_kind(self.original), self.original.kind
        return (
            [] if kind == own else [f"{own.upper()} is not written; the result is a {kind.upper()}"]
        )

    def to_dict(self) -> dict[str, Any]:
        """The image as JSON for the page."""
        page = self.original.pages[0]
        result = self.result
        return {
            "id": self.id,
            "name": self.name,
            "folder": self.folder,
            "place": self.place,
            "kind": self.original.kind,
            "height": self.height,
            "width": self.width,
            "channels": page.channels,
            "alpha": bool(page.alpha),
            "dtype": page.dtype.name,
            "pages": len(self.original.pages),
            "stack": self.original.is_array or len(self.original.pages) > 1,
            "bytes": self.file.stat().st_size,
            "notices": [*self.original.notices, *self._format_notice()],
            "levels": [
                list(_turned(size, self.original.orientation))
                for size in self.layers["before"].sizes
            ],
            "automatic": {
                "whole": _choice_dict(self.choice()),
                "masked": _choice_dict(self.choice(masked=True)),
            },
            "layers": ["before", *(result.layers if result else ())],
            "strokes": [stroke.model_dump() for stroke in self.strokes],
            "mask": self.mask is not None,
            "mask_file": self.mask_file is not None,
            "mask_version": self.mask_version,
            "result": result.name if result else None,
            "results": [each.to_dict() for each in self.results],
            "job": self.job,
            "version": self.version,
        }


def _choice_dict(choice: Choice) -> dict[str, str]:
    notices = {PHOTOS: OLD_PRINTS, PAGES: WHITENED}
    notice = notices[choice.name].render(PAGE) if choice.name in notices else ""
    return {**asdict(choice), "notice": notice}


def _turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return size if orientation <= 4 else (size[1], size[0])
