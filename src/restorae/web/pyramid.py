"""What a browser is shown of an image: its pixels in eight bits, whole and ever smaller, of which it takes tiles."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from restorae.formats import Original
from restorae.formats.orientation import upright
from restorae.restoring.facts import measure_range
from restorae.shown_values import for_display
from restorae.value_range import ValueRange, Values
from restorae.web.http_errors import not_found

SIDE = 512
"""Pixels along the side of a tile."""
_ROWS = 512


@dataclass(frozen=True, kw_only=True)
class Pyramid:
    """An image as it is shown, in levels: each is half as large as the one before, down to one tile."""

    folder: Path
    sizes: tuple[tuple[int, int], ...]
    """Height and width of each level, as stored."""
    bands: int
    """1 or 3."""
    orientation: int = 1
    """How the stored rows are turned to be upright."""
    name: str = field(default="before")

    @property
    def height(self) -> int:
        """Of the upright image."""
        return self.sizes[0][1 if self.orientation > 4 else 0]

    @property
    def width(self) -> int:
        """Of the upright image."""
        return self.sizes[0][0 if self.orientation > 4 else 1]

    def level(self, number: int) -> np.ndarray:
        """A level's pixels, upright: (height, width, bands) uint8, read from the disk on access."""
        return upright(self.stored(number), self.orientation)

    @property
    def is_complete(self) -> bool:
        """Whether its files are there: those of images that nobody looks at may be removed for others."""
        return _file(self.folder, self.name, 0).exists()

    def trim(self) -> int:
        """Remove all levels but the last, of which thumbnails are made; the number of bytes that this frees."""
        freed = 0
        for number in range(len(self.sizes) - 1):
            path = _file(self.folder, self.name, number)
            with contextlib.suppress(OSError):
                freed += path.stat().st_size
                path.unlink()
        return freed

    def stored(self, number: int) -> np.ndarray:
        """A level's pixels as they are stored."""
        if not 0 <= number < len(self.sizes):
            raise not_found(f"level {number}")
        return np.memmap(
            _file(self.folder, self.name, number),
            np.uint8,
            "r",
            shape=(*self.sizes[number], self.bands),
        )

    def tile(self, number: int, column: int, row: int) -> np.ndarray:
        """One tile of a level: (height, width, bands).

        Raises:
            HttpError: there is none.
        """
        level = self.level(number)
        top, left = row * SIDE, column * SIDE
        if not (0 <= top < level.shape[0] and 0 <= left < level.shape[1]):
            raise not_found(f"tile {column}, {row} of level {number}")
        return np.ascontiguousarray(level[top : top + SIDE, left : left + SIDE])

    def smaller_than(self, pixels: int) -> int:
        """The first level of at most so many pixels."""
        fitting = (
            number for number, (height, width) in enumerate(self.sizes) if height * width <= pixels
        )
        return next(fitting, len(self.sizes) - 1)


def sizes_of(height: int, width: int) -> tuple[tuple[int, int], ...]:
    """Height and width of each level, the whole image first.

    >>> sizes_of(600, 1025)
    ((600, 1025), (300, 513), (150, 257))
    """
    sizes = [(height, width)]
    while max(sizes[-1]) > SIDE:
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return tuple(sizes)


def pyramid_bytes(original: Original, page: int = 0) -> int:
    """Bytes that a page's pyramid takes."""
    outline = original.pages[page]
    bands = _bands(outline.channels) + min(1, outline.alpha)
    return bands * sum(height * width for height, width in sizes_of(outline.height, outline.width))


def shown_bands(original: Original) -> int:
    """How many bands are shown: 1 or 3."""
    return _bands(original.pages[0].channels)


def write_pyramid(
    original: Original,
    values: ValueRange,
    folder: Path,
    name: str,
    *,
    page: int = 0,
    alpha: bool = False,
    convert: Callable[[np.ndarray], np.ndarray] | None = None,
    check: Callable[[], None] = lambda: None,
) -> Pyramid:
    """Read a page once, from top to bottom, and write its levels.

    Args:
        original: the opened image.
        values: which stored values are black and white.
        folder: where the levels go.
        name: what the pyramid is called there.
        page: which page.
        alpha: show the transparency instead of the colours.
        convert: changes display bytes, for instance from the colours of a profile to those of a screen.
        check: called now and then; raises when nobody wants the pyramid any more.

    Raises:
        BadImage: the file turns out to be broken.
    """
    outline = original.pages[page]
    pyramid = Pyramid(
        folder=folder,
        sizes=sizes_of(outline.height, outline.width),
        bands=1 if alpha else _bands(outline.channels),
        orientation=original.orientation,
        name=name,
    )
    rows = original.rows(page)
    with _file(folder, name, 0).open("wb") as written:
        for top in range(0, outline.height, _ROWS):
            check()
            read = rows.read(min(_ROWS, outline.height - top))
            first = outline.channels if alpha else 0
            no_data = () if alpha else outline.no_data
            shown = to_display(read[..., first : first + pyramid.bands], values, no_data)
            written.write((shown if convert is None else convert(shown)).tobytes())
    for number in range(1, len(pyramid.sizes)):
        check()
        above = pyramid.stored(number - 1)
        with _file(folder, name, number).open("wb") as written:
            for top in range(0, above.shape[0], _ROWS):
                written.write(_halved(above[top : top + _ROWS]).tobytes())
    return pyramid


def display_range(original: Original, wanted: Values, page: int = 0) -> ValueRange:
    """Which stored values are shown black and white: those that `restore` maps to 0 and 1."""
    measured = measure_range(original, wanted, original.channel_of[page])
    # of many bands, the first is shown
    return measured.part(0, _bands(original.pages[page].channels))


def to_display(stored: np.ndarray, values: ValueRange, no_data: Sequence[float] = ()) -> np.ndarray:
    """Stored values as bytes for the eye; what is missing is black."""
    if stored.dtype == np.uint8 and values.is_full:
        return stored
    return np.asarray(np.rint(for_display(stored, values, no_data) * 255), np.uint8)


def png_bytes(pixels: np.ndarray) -> bytes:
    """Pixels (height, width[, bands]) uint8 as a PNG, without loss, since single pixels are inspected."""
    import pyvips

    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    content: bytes = image.pngsave_buffer(
        compression=1, filter="sub" if pixels.shape[-1] == 3 else "none"
    )
    return content


def _bands(channels: int) -> int:
    return channels if channels in (1, 3) else 1


def _file(folder: Path, name: str, number: int) -> Path:
    return folder / f"{name}-{number}.pixels"


def _halved(pixels: np.ndarray) -> np.ndarray:
    """Means of 2 × 2 pixels; an odd last row or column counts twice."""
    if pixels.shape[0] % 2:
        pixels = np.concatenate([pixels, pixels[-1:]])
    if pixels.shape[1] % 2:
        pixels = np.concatenate([pixels, pixels[:, -1:]], 1)
    rows = pixels[::2].astype(np.uint16) + pixels[1::2]
    return np.asarray((rows[:, ::2] + rows[:, 1::2] + 2) >> 2, np.uint8)
