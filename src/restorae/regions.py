"""Cutting a picture into tiles: integers only, decided before any pixel moves.

A plan says which region of the picture each tile reads and which part of its result is kept. An exact plan reads so
much context around what it keeps that tiles together give what the whole picture would give; a blended plan is for
networks that look at everything, and says over how many pixels neighbouring tiles fade into each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from restorae.errors import TileTooSmall


class Region(NamedTuple):
    """A rectangle of pixels, placed in the picture.

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
    """What goes through the network together, and what is kept of it."""

    read: Region
    """What the network is shown."""
    keep: Region
    """The part of the result that counts; lies within `read`."""
    ramps: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Pixels shared with the tile above, below, left and right, over which this one's weight rises or falls; 0 where
    nothing is blended, as at the picture's border."""

    @property
    def share(self) -> int:
        """Pixels that this tile is counted for: what is kept, less what the tiles above and left already have."""
        above, _, left, _ = self.ramps
        return (self.keep.height - above) * (self.keep.width - left)


@dataclass(frozen=True)
class Plan:
    """All tiles of a picture, in the order in which they are read."""

    height: int
    """Height of the picture."""
    width: int
    """Width of the picture."""
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
    """A plan whose tiles together are what the whole picture would be, for a network that sees `halo` pixels far.

    Tiles start on multiples of `multiple_of` and end on them or at the picture's border, so that each is padded where
    the whole picture is padded and nowhere else. They are alike in size as far as the picture allows.

    >>> print(plan_exact(300, 1000, tile=256, halo=19, multiple_of=(4, 4)))
    300 × 1000 px in 10 tiles of up to 172 × 232 px, 1 at once

    Args:
        height: of the picture.
        width: of the picture.
        tile: height and width of what is read at most, one number for both. A smaller picture is read whole.
        halo: pixels of context that reach a pixel's result.
        multiple_of: height and width that the network is called with are multiples of these.
        at_once: tiles of equal size that go through the network together.

    Raises:
        TileTooSmall: the context alone fills the tile.
    """
    picture, tiles = (height, width), _both(tile)
    overlaps = [
        _exact_overlap(halo, side, step) for side, step in zip(picture, multiple_of, strict=True)
    ]
    needed = [
        min(side, overlap + step)
        for side, overlap, step in zip(picture, overlaps, multiple_of, strict=True)
    ]
    if tiles[0] < needed[0] or tiles[1] < needed[1]:
        raise TileTooSmall(
            f"a tile of {_said(tiles)} px leaves nothing to keep: this model needs {halo} px of context on each side. "
            f"Use --tile {_enough(tiles, needed)} or more."
        )
    rows, columns = (
        _apart(*each) for each in zip(picture, tiles, multiple_of, overlaps, strict=True)
    )
    return Plan(
        height,
        width,
        tuple(tuple(_kept(row, column) for column in columns) for row in rows),
        at_once,
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
    """A plan whose tiles fade into each other, for a network that looks at everything and has no exact tiles.

    Neighbours share `overlap` pixels, rounded up to multiples; no pixel lies in more than two tiles of a row or of a
    column. Arguments are those of `plan_exact`.

    >>> print(plan_blended(300, 1000, tile=256, overlap=64))
    300 × 1000 px in 10 tiles of up to 182 × 252 px, 1 at once, blended

    Raises:
        TileTooSmall: the tile is less than two overlaps.
    """
    picture, tiles = (height, width), _both(tile)
    overlaps = [_up(max(overlap, 1), step) for step in multiple_of]
    needed = [min(side, 2 * shared) for side, shared in zip(picture, overlaps, strict=True)]
    if tiles[0] < needed[0] or tiles[1] < needed[1]:
        raise TileTooSmall(
            f"a tile of {_said(tiles)} px is too small to be blended with its neighbours over {overlap} px on each side. "
            f"Use --tile {_enough(tiles, needed)} or more."
        )
    rows, columns = (
        _fading(*each) for each in zip(picture, tiles, multiple_of, overlaps, strict=True)
    )
    return Plan(
        height,
        width,
        tuple(tuple(_kept(row, column) for column in columns) for row in rows),
        at_once,
        blended=True,
    )


def smallest_tile(halo: int | None, multiple_of: tuple[int, int]) -> int:
    """The side of the smallest square tile that works for pictures of every size; for `None`, that can be blended.

    >>> smallest_tile(19, (4, 4)), smallest_tile(None, (1, 1))
    (44, 2)
    """
    if halo is None:
        return 2 * max(multiple_of)
    return max(_up(max(2 * halo, step - 1), step) + step for step in multiple_of)


class _Stretch(NamedTuple):
    """A tile along one side of the picture."""

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
    return Tile(read, keep, (row.before, row.after, column.before, column.after))


def _exact_overlap(halo: int, length: int, multiple: int) -> int:
    """What neighbours share so that a cut in its middle has context on both sides.

    Without halo a last tile could be shorter than what is mirrored to pad it, where the whole picture is not: so it is
    given one multiple more.
    """
    return _up(max(2 * halo, -length % multiple), multiple)


def _apart(length: int, tile: int, multiple: int, overlap: int) -> list[_Stretch]:
    """Tiles of one size, spread evenly; each cut lies in the middle of what two tiles share."""
    if length <= tile:
        return [_Stretch(0, length, 0, length)]
    size, count = _size_and_count(length, tile, multiple, overlap)
    last = (_up(length, multiple) - size) // multiple  # where the last tile starts, in multiples
    starts = [place * last // (count - 1) * multiple for place in range(count)]
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
    """As few tiles as possible, and then as small ones as possible, so that the last one is no sliver."""
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


def _said(tiles: tuple[int, int]) -> str:
    return str(tiles[0]) if tiles[0] == tiles[1] else f"{tiles[0]} × {tiles[1]}"


def _enough(tiles: tuple[int, int], needed: list[int]) -> str:
    """The smallest tile that works, square where a square one was asked for."""
    return str(max(needed)) if tiles[0] == tiles[1] else f"{needed[0]} × {needed[1]}"
