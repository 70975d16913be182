"""Before and after of a few images of many, at full resolution, before the thousands are run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from restorae.errors import InputError
from restorae.files import printable
from restorae.formats import MemoryWriter, Original, Page, skip_rows
from restorae.formats.orientation import upright
from restorae.progress import SILENT, Progress
from restorae.randomness import generator
from restorae.regions import Region
from restorae.restoring.colouring import colourer_of
from restorae.restoring.facts import ImageFacts, ReadRows
from restorae.restoring.files import Failure
from restorae.restoring.image import restore_image
from restorae.restoring.in_memory import ImagesInMemory
from restorae.restoring.masks import Masks
from restorae.restoring.opening import RestorerPool
from restorae.restoring.outputs import RestoredOutput
from restorae.restoring.reading import Opened, open_task
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import Restorer
from restorae.restoring.still_colours import StillColourer, require_colourable, with_chroma
from restorae.restoring.tasks import FileTask
from restorae.shapes import Image
from restorae.shown_values import for_display
from restorae.value_range import ValueRange

SIDE = 320
"""Pixels along the side of what is shown: noise is seen at full resolution only."""
_CONTEXT = 128
"""Pixels of context for restorers that look at everything."""


def preview_files(
    tasks: Sequence[FileTask],
    request: RestoreRequest,
    restorers: RestorerPool | None = None,
    *,
    count: int = 1,
    progress: Progress = SILENT,
) -> tuple[list[tuple[str, tuple[Image, Image]]], list[Failure]]:
    """The middle of `count` images drawn from the tasks: their names, and (before, after) in [0, 1]; and what failed.

    If there are fewer files than that, arrays and stacks show several of their pages, spread over the file. Nothing is
    written. Each crop is restored by what was measured on its whole file, so that it is a crop of the file that the run will
    write (up to what lies far away, for networks that look at everything).
    """
    restorers = restorers or RestorerPool()
    if request.model is not None:
        request.check(restorers.get(request.model).capabilities, preview=True)
    masks = None if request.mask is None else Masks(request.mask)
    colourer = colourer_of(request)
    drawn = torch.randperm(len(tasks), generator=generator(request.seed))[:count].tolist()
    shown, failures = [], []
    progress.begin("Previewing", len(drawn), "images")
    try:
        for place, index in enumerate(sorted(drawn)):
            task = tasks[index]
            share = count // len(drawn) + (place < count % len(drawn))
            try:
                shown += _crops(task, request, restorers, masks, share, colourer)
            except (InputError, MemoryError) as error:
                failures.append(Failure.of(task.source, error))
            progress.advance(1)
    finally:
        progress.end()
    return shown, failures


def _crops(
    task: FileTask,
    request: RestoreRequest,
    restorers: RestorerPool,
    masks: Masks | None,
    count: int,
    colourer: StillColourer | None = None,
) -> list[tuple[str, tuple[Image, Image]]]:
    """Up to `count` pages of one file, each with its name."""
    opened = open_task(task, request, masks)
    if colourer is not None:
        require_colourable(opened.original)
    restorer = restorers.get(opened.choice.name)
    original, capabilities = opened.original, restorer.capabilities
    facts = ImageFacts.measure(
        original, request.values or capabilities.values, capabilities, rows=opened.rows
    )
    name = printable(task.name.as_posix())
    pages = len(original.pages)
    return [
        (
            f"{name}, page {index + 1}" if pages > 1 else name,
            _crop(opened, index, facts.of_page(index), restorer, request, colourer),
        )
        for index in dict.fromkeys(place * pages // count for place in range(count))
    ]


def _crop(
    opened: Opened,
    index: int,
    facts: ImageFacts,
    restorer: Restorer,
    request: RestoreRequest,
    colourer: StillColourer | None,
) -> tuple[Image, Image]:
    """The middle of a page, restored by the facts of its file."""
    original = opened.original
    page = original.pages[index]
    shown = _centred(page.height, page.width, SIDE)
    stored, restored = restore_region(
        original,
        shown,
        page=index,
        facts=facts,
        restorer=restorer,
        request=request,
        rows=opened.rows,
        mask=opened.mask,
    )
    before, after = (
        _as_shown(
            upright(pixels[..., : page.channels], original.orientation),
            facts.range_of((0,)),
            page.no_data,
        )
        for pixels in (stored, restored)
    )
    if colourer is not None:
        whole = opened.rows(index).read(page.height)[..., : page.channels]
        chroma, _ = colourer.chroma_of(whole, original, request.recolour)
        inside = chroma[shown.top : shown.bottom, shown.left : shown.right]
        colours = with_chroma(restored[..., : page.channels], inside)
        after = _as_shown(upright(colours, original.orientation), ValueRange((0.0,), (0.0,)), ())
    return before, after


def restore_region(
    original: Original,
    shown: Region,
    *,
    page: int,
    facts: ImageFacts,
    restorer: Restorer,
    request: RestoreRequest,
    rows: ReadRows | None = None,
    mask: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """A region of a page as it is stored, and restored as it will be in the restored file: (height, width, bands) each.

    Args:
        original: the opened file.
        shown: the region, in the orientation of the stored image.
        page: which page.
        facts: of that page, measured on the whole file.
        restorer: what restores.
        request: how.
        rows: gives a page's rows; by default the original's own.
        mask: of the whole page, (height, width), in the orientation of the stored image.
    """
    outline = original.pages[page]
    read = _with_context(shown, outline, restorer, request)
    reader = (rows or original.rows)(page)
    skip_rows(reader, read.top)
    stored = reader.read(read.height)[:, read.left : read.right]
    part = ImagesInMemory.of(stored[None], like=outline, path=original.path)
    kept = MemoryWriter(part.pages)
    restore_image(
        part,
        [RestoredOutput(kept)],
        restorer,
        replace(request, together=False),
        facts=facts,
        mask=None
        if mask is None
        else np.ascontiguousarray(mask[read.top : read.bottom, read.left : read.right]),
    )
    inside = shown.inside(read)
    return stored[inside], kept.images[0][inside]


def _with_context(shown: Region, page: Page, restorer: Restorer, request: RestoreRequest) -> Region:
    """What is read to restore `shown`: with the context that the restorer needs, on its grid."""
    halo = restorer.capabilities.halo_for(request)
    context = _CONTEXT if halo is None else halo
    steps = restorer.capabilities.multiple_for(request)
    top = max(0, shown.top - context) // steps[0] * steps[0]
    left = max(0, shown.left - context) // steps[1] * steps[1]
    bottom = min(page.height, -(-(shown.bottom + context) // steps[0]) * steps[0])
    right = min(page.width, -(-(shown.right + context) // steps[1]) * steps[1])
    return Region(top, left, bottom - top, right - left)


def _centred(height: int, width: int, side: int) -> Region:
    top, left = max(0, (height - side) // 2), max(0, (width - side) // 2)
    return Region(top, left, min(side, height), min(side, width))


def _as_shown(stored: np.ndarray, values: ValueRange, no_data: Sequence[float]) -> Image:
    """Stored values as a grey or colour image; of other numbers of channels the first is shown."""
    if stored.shape[2] not in (1, 3):
        stored, values, no_data = stored[..., :1], values.part(0, 1), no_data[:1]
    working = for_display(stored, values, no_data)
    return torch.from_numpy(np.ascontiguousarray(working.transpose(2, 0, 1)))
