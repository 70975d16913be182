"""Runs a function over a plan: tiles are read from a source, sent through in batches, and written to a sink.

Memory holds one row of tiles, whatever the size of the picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from restorae.machine import available_memory
from restorae.regions import Plan, Region, Tile, plan_blended, plan_exact, smallest_tile
from restorae.shapes import Image, Images

T = TypeVar("T")

_LARGEST = 1024
"""Side of a tile beyond which nothing gets faster."""
_SHARE = 0.25
"""Of the memory at hand: what a network really needs is only estimated, and others use the machine too."""


class Source(Protocol):
    """Where a picture is read from."""

    def read(self, region: Region) -> Image:
        """Working values of that region, (channel, height, width) float32.

        Asked from left to right, rows of tiles from top to bottom; what lies above the current row of tiles is not asked
        for again.
        """
        ...


class Sink(Protocol):
    """Where a picture is written to."""

    def write(self, region: Region, values: Image) -> None:
        """Take the finished values of that region, (channel, height, width) float32.

        Every pixel comes once. The regions of a row lie side by side and are equally high; rows come from top to bottom.
        """
        ...


class TensorSource:
    """A picture in memory, to be read."""

    def __init__(self, image: Image) -> None:
        self.image = image

    def read(self, region: Region) -> Image:
        rows, columns = region.inside(Region(0, 0, *self.image.shape[-2:]))
        return self.image[:, rows, columns]


class TensorSink:
    """A picture in memory, to be written; complete when the plan has been run."""

    def __init__(self, height: int, width: int) -> None:
        self.whole = Region(0, 0, height, width)
        self._image: Image | None = None

    @property
    def image(self) -> Image:
        """What was written, (channel, height, width)."""
        assert self._image is not None, "nothing has been written yet"
        return self._image

    def write(self, region: Region, values: Image) -> None:
        if self._image is None:  # how many channels come out is known with the first tile
            self._image = values.new_empty(values.shape[0], self.whole.height, self.whole.width)
        rows, columns = region.inside(self.whole)
        self._image[:, rows, columns] = values


def plan_for(
    height: int,
    width: int,
    *,
    tile: int,
    halo: int | None,
    multiple_of: tuple[int, int] = (1, 1),
    at_once: int = 1,
) -> Plan:
    """The exact plan of a network with a halo; of one without, a plan whose tiles fade over a quarter of their side.

    Raises:
        TileTooSmall: the tile leaves nothing to keep.
    """
    if halo is None:
        return plan_blended(
            height, width, tile=tile, overlap=tile // 4, multiple_of=multiple_of, at_once=at_once
        )
    return plan_exact(height, width, tile=tile, halo=halo, multiple_of=multiple_of, at_once=at_once)


def run(
    function: Callable[[Images], Images],
    plan: Plan,
    source: Source,
    sink: Sink,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Send the tiles of `plan` through `function`, from `source` to `sink`.

    Tiles of equal size that follow each other in a row go together, `plan.at_once` at most.

    Args:
        function: (batch, channel, height, width) float32 to the same height and width; channels may differ, as when a
            mask goes in beside the picture.
        plan: of the source's height and width.
        source: what is restored.
        sink: what takes the result.
        advance: called after each batch with the number of pixels it brought; together they are the picture's.
    """
    with torch.no_grad():
        if plan.blended:
            _run_blended(function, plan, source, sink, advance)
        else:
            _run_exact(function, plan, source, sink, advance)


def apply(function: Callable[[Images], Images], images: Images, plan: Plan) -> Images:
    """Send pictures in memory through `function` by tiles.

    Pictures that are one tile go together, `plan.at_once` at most. Larger ones go one by one, so that the batches of a
    picture, and with them its last digits in bfloat16, do not depend on its companions.
    """
    if len(plan) == 1:
        with torch.no_grad():
            return torch.cat(
                [function(batch).float() for batch in torch.split(images, plan.at_once)]
            )
    restored = []
    for image in images:
        sink = TensorSink(plan.height, plan.width)
        run(function, plan, TensorSource(image), sink)
        restored.append(sink.image)
    return torch.stack(restored)


def weights(tile: Tile) -> tuple[Tensor, Tensor]:
    """How much each row and each column of a blended tile counts; a pixel's weight is the product.

    Along a ramp one tile rises by as much as its neighbour falls, so that the weights over a pixel sum to one.

    >>> rows, columns = weights(Tile(Region(0, 4, 3, 4), Region(0, 4, 3, 4), ramps=(0, 0, 2, 0)))
    >>> rows.tolist(), columns.tolist()
    ([1.0, 1.0, 1.0], [0.25, 0.75, 1.0, 1.0])
    """
    above, below, left, right = tile.ramps
    return _ramped(tile.read.height, above, below), _ramped(tile.read.width, left, right)


def _ramped(length: int, before: int, after: int) -> Tensor:
    weight = torch.ones(length)
    if before:
        weight[:before] = _rising(before)
    if after:
        weight[length - after :] = 1 - _rising(after)
    return weight


def _rising(length: int) -> Tensor:
    return (torch.arange(length) + 0.5) / length


def _run_exact(
    function: Callable[[Images], Images],
    plan: Plan,
    source: Source,
    sink: Sink,
    advance: Callable[[int], None] | None,
) -> None:
    for row in plan.rows:
        for tile, restored in _sent(function, row, plan.at_once, source, advance):
            rows, columns = tile.keep.inside(tile.read)
            sink.write(tile.keep, restored[:, rows, columns])


def _run_blended(
    function: Callable[[Images], Images],
    plan: Plan,
    source: Source,
    sink: Sink,
    advance: Callable[[int], None] | None,
) -> None:
    begun: Image | None = (
        None  # rows of pixels that the row of tiles above has begun and this one finishes
    )
    for place, row in enumerate(plan.rows):
        top, height = row[0].read.top, row[0].read.height
        band, total = Region(top, 0, height, plan.width), None
        for tile, restored in _sent(function, row, plan.at_once, source, advance):
            if total is None:
                total = restored.new_zeros(restored.shape[0], height, plan.width)
                if begun is not None:
                    total[:, : begun.shape[1]] = begun
            over_rows, over_columns = (weight.to(restored.device) for weight in weights(tile))
            rows, columns = tile.read.inside(band)
            total[:, rows, columns] += restored * over_rows[:, None] * over_columns
        assert total is not None
        finished = (
            plan.rows[place + 1][0].read.top if place + 1 < len(plan.rows) else plan.height
        ) - top
        sink.write(Region(top, 0, finished, plan.width), total[:, :finished])
        begun = total[:, finished:].clone()  # a view would keep all of the row in memory


def _sent(
    function: Callable[[Images], Images],
    row: tuple[Tile, ...],
    at_once: int,
    source: Source,
    advance: Callable[[int], None] | None,
) -> Iterator[tuple[Tile, Image]]:
    """Each tile of a row with what the function made of it; `advance` hears of a batch when all of it was taken."""
    for batch in _batches(row, at_once):
        restored = function(torch.stack([source.read(tile.read) for tile in batch])).float()
        yield from zip(batch, restored, strict=True)
        if advance is not None:
            advance(sum(tile.share for tile in batch))


def _batches(row: tuple[Tile, ...], at_once: int) -> Iterator[list[Tile]]:
    """Tiles that follow each other and are read at equal size, up to `at_once` of them."""
    batch: list[Tile] = []
    for tile in row:
        if batch and (
            len(batch) == at_once
            or (tile.read.height, tile.read.width) != (batch[0].read.height, batch[0].read.width)
        ):
            yield batch
            batch = []
        batch.append(tile)
    yield batch


# ------------------------------------------------------------------------------------------------- memory


def tile_for(
    memory: int,
    bytes_per_pixel: float,
    *,
    halo: int | None,
    multiple_of: tuple[int, int],
    largest: int,
) -> int:
    """The side of a square tile, on multiples, that is worked on within `memory` bytes.

    Never less than what leaves something to keep, even where that does not fit: whether it does is then seen by trying.

    >>> tile_for(2**30, 1_500, halo=31, multiple_of=(4, 4), largest=1024)
    844

    Args:
        memory: bytes that may be used.
        bytes_per_pixel: what the network needs at its widest for each pixel that is read, of all tiles at once.
        halo: pixels of context that the network needs, `None` when it looks at everything.
        multiple_of: height and width that the network is called with are multiples of these.
        largest: a side that is not exceeded.
    """
    fits = min(math.isqrt(max(int(memory / bytes_per_pixel), 0)), largest)
    multiple = max(multiple_of)
    return max(fits // multiple * multiple, smallest_tile(halo, multiple_of))


def tile_at_hand(
    bytes_per_pixel: float,
    *,
    halo: int | None,
    multiple_of: tuple[int, int],
    device: torch.device | None = None,
) -> int:
    """The side of a square tile for the memory that the device, or this machine, has now; arguments are those of `tile_for`."""
    memory = int(available_memory(device) * _SHARE)
    return tile_for(memory, bytes_per_pixel, halo=halo, multiple_of=multiple_of, largest=_LARGEST)


def smaller(tile: int, halo: int | None, multiple_of: tuple[int, int]) -> int | None:
    """Half the tile, on multiples and with something left to keep; `None` when it cannot be smaller.

    >>> smaller(512, 31, (4, 4)), smaller(100, 31, (4, 4)), smaller(68, 31, (4, 4))
    (256, 68, None)
    """
    multiple = max(multiple_of)
    half = max(tile // 2 // multiple * multiple, smallest_tile(halo, multiple_of))
    return half if half < tile else None


def shrinking(
    attempt: Callable[[int], T],
    tile: int,
    *,
    halo: int | None,
    multiple_of: tuple[int, int],
    say: Callable[[str], None],
) -> T:
    """What `attempt` gives with a tile of that side, or with half of it, and half again, where memory does not suffice.

    Args:
        attempt: called with the side of the tile; called again from the beginning when it ran out of memory.
        tile: the side to begin with.
        halo: pixels of context that the network needs, `None` when it looks at everything.
        multiple_of: height and width that the network is called with are multiples of these.
        say: told in one line when the tile gets smaller.
    """
    while True:
        try:
            return attempt(tile)
        except (MemoryError, RuntimeError) as error:
            half = smaller(tile, halo, multiple_of)
            if half is None or not is_out_of_memory(error):
                raise
        # out here the error is forgotten, and with it the tensors that its traceback held
        say(f"A tile of {tile:,} px does not fit in memory: going on with {half:,} px.")
        tile = half


def is_out_of_memory(error: BaseException) -> bool:
    """Whether that error says that memory did not suffice: Python's, CUDA's, or PyTorch's on the processor.

    >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."))
    True
    """
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    told = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        words in told for words in ("can't allocate memory", "not enough memory", "out of memory")
    )
