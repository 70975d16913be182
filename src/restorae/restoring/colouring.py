"""Grey images coloured from references, after they were restored."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from restorae.colouring.in_colour import colour_spread, require_grey
from restorae.colouring.matching import Matcher, ReferenceCells
from restorae.colouring.opponent import BT601
from restorae.colouring.own_images import SAME, detail_of, detail_of_reference
from restorae.colouring.references import (
    Reference,
    find_references,
    read_opponent,
    read_reference,
    to_unit,
)
from restorae.colouring.sizes import resize, working_size
from restorae.colouring.upsampling import known_share, to_pixels
from restorae.errors import BadImage, InputError, Message
from restorae.formats import kind_named, open_original, read_still, write_still
from restorae.formats.contents import losses, read_contents
from restorae.progress import SILENT, Progress
from restorae.restoring.batch import restore_files
from restorae.restoring.batch_report import BatchReport
from restorae.restoring.files import Failure
from restorae.restoring.opening import RestorerPool
from restorae.restoring.request import RestoreRequest
from restorae.restoring.tasks import FileTask


class StillColourer:
    """Colours grey images from references.

    Args:
        references: image files.

    Raises:
        BadImage: one cannot be read, or has no colour.
    """

    def __init__(self, references: Sequence[Path]) -> None:
        self._read: list[Reference] = []
        cells = []
        for path in references:
            reference = read_reference(path, BT601)
            cells.append(ReferenceCells.of(reference))
            # only the luma is needed further: with half the bits, 500 references take 130 MiB
            luma, nothing = reference.luma.astype(np.float16), np.empty(0)
            self._read.append(replace(reference, luma=luma, chroma=nothing))
        self._matcher = Matcher(cells)

    def colour(self, luma: np.ndarray) -> tuple[np.ndarray, float]:
        """Chroma for an image, and the share of it whose colours are known.

        Args:
            luma: (height, width) float32, 0 to 1.

        Returns:
            (height, width, 2) float32.
        """
        size = luma.shape[0], luma.shape[1]
        small = resize(luma, working_size(*size))
        own = self._own(small)
        if own is not None:
            return resize(read_opponent(own, BT601)[1], size), 1.0
        chroma, trust = to_pixels(self._matcher.match(small), (small.shape[0], small.shape[1]))
        return resize(chroma, size), known_share(trust)

    def _own(self, small: np.ndarray) -> Path | None:
        """The reference that shows this very image."""
        detail, best, found = detail_of(small), SAME, None
        for reference in self._read:
            other = detail_of_reference(reference, (small.shape[0], small.shape[1]))
            if other is not None and (alike := float((detail * other).mean())) > best:
                best, found = alike, reference.path
        return found


def restore_and_colour(
    tasks: Sequence[FileTask],
    request: RestoreRequest,
    restorers: RestorerPool | None = None,
    *,
    log: Path | None = None,
    progress: Progress = SILENT,
    check: Callable[[], None] = lambda: None,
    passed_over: Sequence[Message] = (),
) -> BatchReport:
    """Restore each task's file, and colour it from `request.references` if there are any.

    Args:
        tasks: what to read and write.
        request: how. With strength 0, images are coloured and nothing else.
        restorers: where restorers come from.
        log: as `restore_files` says, likewise what follows.
        progress: hears of the restoring.
        check: raises to stop the run.
        passed_over: what was passed over in folders, a line for each: said.

    Raises:
        BadImage: a reference cannot be used.
        UsageError: a folder of references holds no image, or settings do not go together.
        OutputError: a result cannot be written.
    """
    if not request.references:
        return restore_files(
            tasks,
            request,
            restorers,
            log=log,
            progress=progress,
            check=check,
            passed_over=passed_over,
        )
    request.check_combinations()
    colourer = StillColourer(find_references(request.references))
    for notice in passed_over:
        progress.say(notice)
    report = BatchReport()
    for task in tasks:
        check()
        try:
            with tempfile.TemporaryDirectory(dir=task.target.parent, prefix=".restorae-") as folder:
                done = _colour(task, request, colourer, Path(folder), restorers, log, progress)
        except InputError as error:
            report.failures.append(Failure.of(task.source, error))
            continue
        report.failures += done.failures
        report.restored += not done.failures
        for name, reasons in done.chosen.items():
            report.chosen.setdefault(name, []).extend(reasons)
    return report


def _colour(
    task: FileTask,
    request: RestoreRequest,
    colourer: StillColourer,
    folder: Path,
    restorers: RestorerPool | None,
    log: Path | None,
    progress: Progress,
) -> BatchReport:
    source, report = task.source, BatchReport()
    if request.strength:
        plain = replace(request, references=(), recolour=False, format="png", quality=None)
        source = folder / "restored.png"
        step = FileTask(task.source, source, name=task.name, kind="png")
        report = restore_files([step], plain, restorers, log=log, progress=progress)
        if report.failures:
            return report
    original = open_original(task.source)
    if len(original.pages) != 1 or original.is_array:
        raise BadImage(
            "holds several images; colours are given to single ones", subject=task.source
        )
    stored = read_still(source)
    if stored.dtype not in (np.uint8, np.uint16):
        raise BadImage(
            f"holds values of type {stored.dtype}; 8 and 16 bits are coloured", subject=task.source
        )
    unit = to_unit(stored)
    luma = unit
    if unit.ndim == 3:
        luma, chroma = BT601.to_opponent(unit)
        if not request.recolour:
            require_grey([colour_spread(chroma)], task.source)
    chroma, known = colourer.colour(luma)
    rgb = np.clip(BT601.to_rgb(luma, chroma), 0, 1) * np.float32(np.iinfo(stored.dtype).max)
    write_still(task.target, np.rint(rgb).astype(stored.dtype), request.quality or 95)
    lost = losses(
        read_contents(task.source, original.kind),
        read_contents(task.target, kind_named(task.target) or ""),
    )
    alpha = ["left out: alpha"] if original.pages[0].alpha else []
    for message in [*lost, *alpha, f"the colours of {known:.0%} of it are known"]:
        progress.say(Message(message, subject=task.source))
    return report
