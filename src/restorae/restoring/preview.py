"""Before and after of a few pictures of many, at full resolution, before the thousands are run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from restorae.errors import InputError
from restorae.files import printable
from restorae.formats import ArrayRows, Original, Page, Result, Rows, open_original, skip_rows
from restorae.pixels import ValueRange, range_of
from restorae.progress import SILENT, Progress
from restorae.randomness import generator
from restorae.regions import Region
from restorae.restoring.archive import Order
from restorae.restoring.files import Failure
from restorae.restoring.jobs import Job
from restorae.restoring.masks import upright
from restorae.restoring.pictures import restore_picture
from restorae.shapes import Image

SIDE = 320
"""Pixels along the side of what is shown: noise is seen at full resolution only."""
_CONTEXT = 64


def preview(
    jobs: Sequence[Job], order: Order, count: int, seed: int = 0, progress: Progress = SILENT
) -> tuple[list[tuple[str, tuple[Image, Image]]], list[Failure]]:
    """The middle of `count` pictures drawn from the jobs: their names, and (before, after) in [0, 1]; and what failed.

    Nothing is written. Each picture is as it will be restored, but for what lies farther away than some 64 px where the
    network looks farther.
    """
    drawn = torch.randperm(len(jobs), generator=generator(seed))[:count].tolist()
    shown, failures = [], []
    progress.begin("Previewing", len(drawn), "pictures")
    try:
        for place in sorted(drawn):
            try:
                shown.append((printable(jobs[place].name.as_posix()), _middle(jobs[place], order)))
            except InputError as error:
                failures.append(Failure(jobs[place].source, str(error)))
            progress.advance(1)
    finally:
        progress.end()
    return shown, failures


@dataclass(frozen=True)
class _Part(Original):
    """A part of a picture's page, as a picture of its own."""

    values: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False, compare=False)

    def rows(self, page: int) -> Rows:
        return ArrayRows(self.values)


class _Kept(Result):
    """A result that is kept in memory."""

    def __init__(self, original: Original) -> None:
        super().__init__(original.path)
        page = original.pages[0]
        self.pixels = np.empty((page.height, page.width, page.bands), page.dtype)

    def put(self, page: int, top: int, rows: np.ndarray) -> None:
        self.pixels[top : top + len(rows)] = rows

    def finish(self) -> None:
        pass

    def drop(self) -> None:
        pass


def _middle(job: Job, order: Order) -> tuple[Image, Image]:
    original = open_original(job.source, order.axes, order.most_pixels)
    page = original.pages[0]
    shown = _centred(page.height, page.width, SIDE)
    read = _centred(page.height, page.width, SIDE + 2 * _CONTEXT)
    reader = original.rows(0)
    skip_rows(reader, read.top)
    stored = reader.read(read.height)[:, read.left : read.right]
    mask = (
        None
        if order.masks is None
        else order.masks.of(job.name, original)[read.top : read.bottom, read.left : read.right]
    )
    part = _Part(
        job.source,
        original.kind,
        (Page(read.height, read.width, page.bands, page.alpha, page.dtype),),
        (),
        stored,
    )
    kept = _Kept(part)
    restore_picture(part, kept, order.restorer, order.treatment, mask=mask)
    rows, columns = shown.inside(read)
    values = range_of(stored[..., : page.channels], order.treatment.values or order.restorer.values)
    before, after = (
        _as_shown(upright(pixels[rows, columns, : page.channels], original.orientation), values)
        for pixels in (stored, kept.pixels)
    )
    return before, after


def _centred(height: int, width: int, side: int) -> Region:
    top, left = max(0, (height - side) // 2), max(0, (width - side) // 2)
    return Region(top, left, min(side, height), min(side, width))


def _as_shown(stored: np.ndarray, values: ValueRange) -> Image:
    """Stored values as a grey or colour image; of other numbers of channels the first is shown."""
    seen = stored if stored.shape[2] in (1, 3) else stored[..., :1]
    working = values.to_working(np.nan_to_num(seen) if seen.dtype.kind == "f" else seen)
    return torch.from_numpy(np.ascontiguousarray(working.transpose(2, 0, 1))).clamp(0, 1)
