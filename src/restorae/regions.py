"""Plans of tiles: which region of an image each tile reads, and which part of its result is kept.

A plan is integers only, made before any pixel is read. An exact plan reads enough context around what it keeps that the
tiles together give the result of the whole image. A blended plan is for networks without a finite halo, and says over how
many pixels neighbouring tiles fade into each other.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from itertools import pairwise
from typing import NamedTuple

from restorae.errors import Fix, TileTooSmall


class Region(NamedTuple):
    """A rectangle of pixels in an image.

    >>> rows, columns = Region(12, 8, 2, 3).inside(Region(10, 8, 6, 6))
    >>> (rows.start, rows.stop), (columns.start, columns.stop)
    ((2, 4), (0, 3))
    """

    top: int
    left: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """The row below the last one."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """The column after the last one."""
        return self.left + self.width

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    def inside(self, outer: Region) -> tuple[slice, slice]:
        """Rows and columns of this region within an array that holds `outer`."""
        top, left = self.top - outer.top, self.left - outer.left
        return slice(top, top + self.height), slice(left, left + self.width)


@dataclass(frozen=True)
class Tile:
    """The region that the network is given, and the part of its result that is kept."""

    read: Region
    """The region that the network is given."""
    keep: Region
    """The region whose result is kept; lies within `read`."""
    _: KW_ONLY
    ramps: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Pixels shared with the tile above, below, left and right, over which this one's weight rises or falls; 0 where
    nothing is blended, as at the image border."""

    @property
    def share(self) -> int:
        """Pixels that only this tile adds: what is kept, without the overlap with the tiles above and left."""
        above, _, left, _ = self.ramps
        return (self.keep.height - above) * (self.keep.width - left)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All tiles of an image, in the order in which they are read."""

    height: int
    """Height of the image."""
    width: int
    """Width of the image."""
    rows: tuple[tuple[Tile, ...], ...]
    """Rows of tiles from top to bottom, each from left to right; the tiles of a row read the same rows of pixels."""
    at_once: int = 1
    """Tiles of equal size that go through the network together. Part of the plan, because in bfloat16 the size of the
    batch changes the last digits."""
    blended: bool = False
    """Whether neighbours fade into each other; else each pixel is kept from one tile."""

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The tiles of all rows."""
        return tuple(tile for row in self.rows for tile in row)

    def __len__(self) -> int:
        return sum(map(len, self.rows))

    def __str__(self) -> str:
        largest = self.rows[0][0].read
        tiles = f"{len(self)} tile{'s' * (len(self) > 1)} of up to {largest.height} × {largest.width} px"
        return f"{self.height} × {self.width} px in {tiles}, {self.at_once} at once{', blended' * self.blended}"


def plan_exact(
    height: int,
    width: int,
    *,
    tile: int | tuple[int, int],
    halo: int,
    multiple_of: tuple[int, int] = (1, 1),
    at_once: int = 1,
) -> Plan:
    """A plan whose tiles together equal the whole image, for a network with a context of `halo` pixels.

    Tiles start on multiples of `multiple_of` and end on them or at the image border, so that each is padded where the
    whole image is padded and nowhere else. Their sizes are as equal as the image allows.

    >>> print(plan_exact(300, 1000, tile=256, halo=19, multiple_of=(4, 4)))
    300 × 1000 px in 10 tiles of up to 172 × 232 px, 1 at once

    Args:
        height: of the image.
        width: of the image.
        tile: largest height and width that is read, one number for both. A smaller image is read whole.
        halo: pixels of context that reach a pixel's result.
        multiple_of: height and width that the network is called with are multiples of these.
        at_once: tiles of equal size that go through the network together.

    Raises:
        TileTooSmall: the context alone fills the tile.
    """
    size, tiles = (height, width), _both(tile)
    overlaps = [
        _exact_overlap(halo, length, step) for length, step in zip(size, multiple_of, strict=True)
    ]
    needed = [
        min(length, overlap + step)
        for length, overlap, step in zip(size, overlaps, multiple_of, strict=True)
    ]
    if tiles[0] < needed[0] or tiles[1] < needed[1]:
        raise TileTooSmall(
            f"a {_as_text(tiles)} px tile leaves nothing to keep: the model needs {halo} px of context on each side",
            fix=Fix("tile", _enough(tiles, needed)),
        )
    rows, columns = (_apart(*each) for each in zip(size, tiles, multiple_of, overlaps, strict=True))
    return Plan(
        height=height,
        width=width,
        rows=tuple(tuple(_kept(row, column) for column in columns) for row in rows),
        at_once=at_once,
    )


def plan_blended(
    height: int,
    width: int,
    *,
    tile: int | tuple[int, int],
    overlap: int,
    multiple_of: tuple[int, int] = (1, 1),
    at_once: int = 1,
) -> Plan:
    """A plan whose tiles fade into each other, for a network without a finite halo.

    Neighbours share `overlap` pixels, rounded up to multiples; no pixel lies in more than two tiles of a row or of a
    column. Arguments are those of `plan_exact`.

    >>> print(plan_blended(300, 1000, tile=256, overlap=64))
    300 × 1000 px in 10 tiles of up to 182 × 252 px, 1 at once, blended

    Raises:
        TileTooSmall: the tile is less than two overlaps.
    """
    size, tiles = (height, width), _both(tile)
    overlaps = [_up(max(overlap, 1), step) for step in multiple_of]
    needed = [min(length, 2 * shared) for length, shared in zip(size, overlaps, strict=True)]
    if tiles[0] < needed[0] or tiles[1] < needed[1]:
        raise TileTooSmall(
            f"a {_as_text(tiles)} px tile is too small to be blended with its neighbours over {overlap} px on each side",
            fix=Fix("tile", _enough(tiles, needed)),
        )
    rows, columns = (
        _fading(*each) for each in zip(size, tiles, multiple_of, overlaps, strict=True)
    )
    return Plan(
        height=height,
        width=width,
        rows=tuple(tuple(_kept(row, column) for column in columns) for row in rows),
        at_once=at_once,
        blended=True,
    )


def smallest_tile(halo: int | None, multiple_of: tuple[int, int]) -> int:
    """Size of the smallest square tile that works for images of every size; for `None`, the smallest that can be blended.

    >>> smallest_tile(19, (4, 4)), smallest_tile(None, (1, 1))
    (44, 2)
    """
    if halo is None:
        return 2 * max(multiple_of)
    return max(_up(max(2 * halo, step - 1), step) + step for step in multiple_of)


class _Stretch(NamedTuple):
    """A tile along one axis of the image."""

    start: int
    end: int
    keep_start: int
    keep_end: int
    before: int = 0
    after: int = 0


def _kept(row: _Stretch, column: _Stretch) -> Tile:
    read = Region(row.start, column.start, row.end - row.start, column.end - column.start)
    keep = Region(
        row.keep_start,
        column.keep_start,
        row.keep_end - row.keep_start,
        column.keep_end - column.keep_start,
    )
    return Tile(read, keep, ramps=(row.before, row.after, column.before, column.after))


def _exact_overlap(halo: int, length: int, multiple: int) -> int:
    """Pixels that neighbours share, so that the boundary in their centre has context on both sides.

    Without a halo, the last tile could be shorter than the padding that is mirrored from it, while the whole image is
    not: so it gets one multiple more.
    """
    return _up(max(2 * halo, -length % multiple), multiple)


def _apart(length: int, tile: int, multiple: int, overlap: int) -> list[_Stretch]:
    """Tiles of one size, spread evenly; each boundary lies at the centre of an overlap."""
    if length <= tile:
        return [_Stretch(0, length, 0, length)]
    size, count = _size_and_count(length, tile, multiple, overlap)
    last = (_up(length, multiple) - size) // multiple  # where the last tile starts, in multiples
    starts = [index * last // (count - 1) * multiple for index in range(count)]
    cuts = [0, *((after + before + size) // 2 for before, after in pairwise(starts)), length]
    return [
        _Stretch(start, min(start + size, length), *kept)
        for start, kept in zip(starts, pairwise(cuts), strict=True)
    ]


def _fading(length: int, tile: int, multiple: int, overlap: int) -> list[_Stretch]:
    """Tiles of one size, the last one shorter, that share the same number of pixels everywhere."""
    if length <= tile:
        return [_Stretch(0, length, 0, length)]
    size, count = _size_and_count(length, tile, multiple, overlap)
    step = max(size, 2 * overlap) - overlap
    ends = [(start, min(start + step + overlap, length)) for start in range(0, count * step, step)]
    return [
        _Stretch(
            start,
            end,
            start,
            end,
            before=overlap if start else 0,
            after=overlap if end < length else 0,
        )
        for start, end in ends
    ]


def _size_and_count(length: int, tile: int, multiple: int, overlap: int) -> tuple[int, int]:
    """As few tiles as possible, then as small as possible, so that the last one is not much smaller."""
    largest = tile // multiple * multiple
    count = 1 + _divided(length - largest, largest - overlap)
    return _up(_divided(length + (count - 1) * overlap, count), multiple), count


def _divided(number: int, parts: int) -> int:
    """Quotient, rounded up."""
    return -(-number // parts)


def _up(number: int, multiple: int) -> int:
    """The nearest multiple that is not smaller."""
    return _divided(number, multiple) * multiple


def _both(tile: int | tuple[int, int]) -> tuple[int, int]:
    return (tile, tile) if isinstance(tile, int) else tile


def _as_text(tiles: tuple[int, int]) -> str:
    return str(tiles[0]) if tiles[0] == tiles[1] else f"{tiles[0]} × {tiles[1]}"


def _enough(tiles: tuple[int, int], needed: list[int]) -> int | tuple[int, int]:
    """The smallest tile that works; square if the given one is square."""
    return max(needed) if tiles[0] == tiles[1] else (needed[0], needed[1])
