"""Runs a function over a plan: reads tiles from a source, processes them in batches, writes them to a sink.

Memory holds one row of tiles, whatever the size of the image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from torch import Tensor

from restorae.regions import Plan, Region, Tile, plan_blended, plan_exact
from restorae.shapes import Image, Images


class Source(Protocol):
    """What an image is read from."""

    def read(self, region: Region) -> Image:
        """Working values of that region, (channel, height, width) float32.

        Called from left to right, rows of tiles from top to bottom; nothing above the current row of tiles is read
        again.
        """
        ...


class Sink(Protocol):
    """What an image is written to."""

    def write(self, region: Region, values: Image) -> None:
        """Take the finished values of that region, (channel, height, width) float32.

        Every pixel is written once. The regions of a row are adjacent and of one height; rows come from top to bottom.
        """
        ...


class TensorSource:
    """An image in memory, as a source."""

    def __init__(self, image: Image) -> None:
        self.image = image

    def read(self, region: Region) -> Image:
        rows, columns = region.inside(Region(0, 0, *self.image.shape[-2:]))
        return self.image[:, rows, columns]


class TensorSink:
    """An image in memory, as a sink; complete when the plan has been run."""

    def __init__(self, height: int, width: int) -> None:
        self.whole = Region(0, 0, height, width)
        self._image: Image | None = None

    @property
    def image(self) -> Image:
        """The written image, (channel, height, width)."""
        assert self._image is not None, "nothing has been written yet"
        return self._image

    def write(self, region: Region, values: Image) -> None:
        if self._image is None:  # the first tile shows the number of channels
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
    """The exact plan for a network with a halo, else a plan whose tiles fade over a quarter of their size.

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
    """Apply `function` to the tiles of `plan`, from `source` to `sink`.

    Consecutive tiles of equal size in a row form a batch of at most `plan.at_once`.

    Args:
        function: (batch, channel, height, width) float32 to the same height and width; the channels may differ, for
            example when a mask is passed beside the image.
        plan: for the source's height and width.
        source: the input.
        sink: receives the result.
        advance: called after each batch with the number of pixels done; they add up to the pixels of the image.
    """
    with torch.no_grad():
        if plan.blended:
            _run_blended(function, plan, source, sink, advance)
        else:
            _run_exact(function, plan, source, sink, advance)


def apply(function: Callable[[Images], Images], images: Images, plan: Plan) -> Images:
    """Apply `function` to images in memory, (batch, channel, height, width), tile by tile.

    Images of one tile form batches of at most `plan.at_once`. Larger images are processed one by one, so that the
    batches of an image, and with them its last digits in bfloat16, do not depend on the other images.
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
    """Weights of each row and each column of a blended tile; a pixel's weight is the product.

    Along a ramp one tile rises by as much as its neighbour falls, so that the weights of a pixel sum to one.

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
        for tile, restored in _results(function, row, plan.at_once, source, advance):
            rows, columns = tile.keep.inside(tile.read)
            sink.write(tile.keep, restored[:, rows, columns])


def _run_blended(
    function: Callable[[Images], Images],
    plan: Plan,
    source: Source,
    sink: Sink,
    advance: Callable[[int], None] | None,
) -> None:
    # rows of pixels that the previous row of tiles started and this one completes
    unfinished: Image | None = None
    for index, row in enumerate(plan.rows):
        top, height = row[0].read.top, row[0].read.height
        band, total = Region(top, 0, height, plan.width), None
        for tile, restored in _results(function, row, plan.at_once, source, advance):
            if total is None:
                total = restored.new_zeros(restored.shape[0], height, plan.width)
                if unfinished is not None:
                    total[:, : unfinished.shape[1]] = unfinished
            over_rows, over_columns = (weight.to(restored.device) for weight in weights(tile))
            rows, columns = tile.read.inside(band)
            total[:, rows, columns] += restored * over_rows[:, None] * over_columns
        assert total is not None
        finished = (
            plan.rows[index + 1][0].read.top if index + 1 < len(plan.rows) else plan.height
        ) - top
        sink.write(Region(top, 0, finished, plan.width), total[:, :finished])
        unfinished = total[:, finished:].clone()  # a view would keep the whole row in memory


def _results(
    function: Callable[[Images], Images],
    row: tuple[Tile, ...],
    at_once: int,
    source: Source,
    advance: Callable[[int], None] | None,
) -> Iterator[tuple[Tile, Image]]:
    """Yield each tile of a row with its result; `advance` is called when a batch has been consumed."""
    for batch in _batches(row, at_once):
        restored = function(torch.stack([source.read(tile.read) for tile in batch])).float()
        yield from zip(batch, restored, strict=True)
        if advance is not None:
            advance(sum(tile.share for tile in batch))


def _batches(row: tuple[Tile, ...], at_once: int) -> Iterator[list[Tile]]:
    """Yield groups of up to `at_once` consecutive tiles of equal size."""
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
