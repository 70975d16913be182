"""Pages of a TIFF that are no images of their own: smaller copies of others, and masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

_REDUCED, _MASK, _OLD_REDUCED, _OLD_TYPE = 1, 4, 2, 255
_TRANSPARENCY_MASK = 4

Role = Literal["image", "smaller", "mask"]


@dataclass(frozen=True)
class Level:
    """A smaller copy of an image."""

    image: int
    """Which image, counted among the images."""
    size: tuple[int, int]
    """Height and width."""


@dataclass(frozen=True)
class TiffChain:
    """The directories of a TIFF in their order."""

    roles: tuple[Role, ...]
    _: KW_ONLY
    chain: tuple[int | Level, ...]
    """Images by their number, and smaller copies, in order; masks are left out."""
    below: tuple[tuple[Level, ...], ...]
    """Smaller copies that hang below each image."""

    @property
    def images(self) -> tuple[int, ...]:
        """The directories that are images."""
        return tuple(at for at, role in enumerate(self.roles) if role == "image")

    @property
    def masks(self) -> tuple[int, ...]:
        """The directories that are masks: they stay as they are."""
        return tuple(at for at, role in enumerate(self.roles) if role == "mask")

    @property
    def levels(self) -> tuple[Level, ...]:
        """All smaller copies."""
        in_chain = tuple(each for each in self.chain if isinstance(each, Level))
        return in_chain + tuple(each for levels in self.below for each in levels)


def read_chain(pages: Sequence[Any]) -> TiffChain:
    """What each directory is: as it says itself; of tiled ones also by sizes that halve again and again.

    Args:
        pages: the pages, as tifffile gives them.
    """
    roles = [_role(page) for page in pages]
    if "image" not in roles:
        largest = max(
            range(len(pages)), key=lambda at: pages[at].imagelength * pages[at].imagewidth
        )
        roles[largest] = "image"
    if len(pages) > 1 and set(roles) == {"image"} and pages[0].is_tiled and _halves(pages):
        roles[1:] = ["smaller"] * (len(pages) - 1)
    chain: list[int | Level] = []
    images: list[Any] = []
    for page, role in zip(pages, roles, strict=True):
        if role == "image":
            chain.append(len(images))
            images.append(page)
        elif role == "smaller" and _has_size(page):  # of the image before it
            chain.append(Level(max(0, len(images) - 1), (page.imagelength, page.imagewidth)))
    below = tuple(
        tuple(
            Level(number, (each.imagelength, each.imagewidth))
            for each in (page.pages if page.subifds else ())
            if _role(each) != "mask" and _has_size(each)
        )
        for number, page in enumerate(images)
    )
    return TiffChain(tuple(roles), chain=tuple(chain), below=below)


def _role(page: Any) -> Role:
    kind = int(page.subfiletype)
    if kind & _MASK or int(page.photometric) == _TRANSPARENCY_MASK:
        return "mask"
    if kind & _REDUCED or page.tags.valueof(_OLD_TYPE) == _OLD_REDUCED:
        return "smaller"
    return "image"


def _has_size(page: Any) -> bool:
    """Whether a page has pixels: a damaged one may say that it has none."""
    return bool(page.imagelength > 0 and page.imagewidth > 0)


def _halves(pages: Sequence[Any]) -> bool:
    shapes = [(page.imagelength, page.imagewidth) for page in pages]
    return all(
        abs(smaller - larger / 2) <= 1
        for before, after in pairwise(shapes)
        for larger, smaller in zip(before, after, strict=True)
    )


def as_vips_makes_them(
    chain: TiffChain, size: tuple[int, int], tile: tuple[int, int] | None
) -> bool:
    """Whether the smaller copies are those that libvips makes of a single image: halved until it fits into a tile."""
    if len(chain.images) != 1 or tile is None or (any(chain.below) and len(chain.chain) > 1):
        return False
    expected: list[tuple[int, int]] = []
    height, width = size
    while height > tile[0] or width > tile[1]:
        height, width = max(1, height // 2), max(1, width // 2)
        expected.append((height, width))
    found = [level.size for level in chain.levels]
    return len(found) == len(expected) and all(
        abs(one - other) <= 1
        for pair in zip(found, expected, strict=True)
        for one, other in zip(*pair, strict=True)
    )


def made_smaller(values: np.ndarray, size: tuple[int, int], has_gaps: bool = False) -> np.ndarray:
    """A smaller copy of (height, width, bands) values: means of areas; of values with gaps or NaN the nearest ones."""
    import pyvips

    has_gaps |= values.dtype.kind == "f" and not np.isfinite(values).all()
    image = pyvips.Image.new_from_array(np.ascontiguousarray(values))
    across, down = image.width / size[1], image.height / size[0]
    small = (
        image.resize(1 / across, vscale=1 / down, kernel="nearest")
        if has_gaps or min(across, down) < 1
        else image.shrink(across, down)
    )
    made = np.asarray(small.numpy()).reshape(small.height, small.width, -1)
    if made.shape[:2] != size:  # rounding
        made = np.pad(made, ((0, 1), (0, 1), (0, 0)), "edge")[: size[0], : size[1]]
    return made.astype(values.dtype)
