"""Image files with synthetic damage: every page, on the scale that restoring and training use, written as a result is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from restorae.degradations import Degradation, Draw
from restorae.errors import InputError
from restorae.file_attributes import made_from
from restorae.formats import Original, Page, begin_result, kind_named, open_original
from restorae.formats.orientation import upright
from restorae.missing_values import find_missing
from restorae.progress import SILENT, Progress
from restorae.randomness import generator
from restorae.restoring.facts import ImageFacts
from restorae.restoring.files import Failure
from restorae.restoring.tasks import FileTask
from restorae.shapes import Image
from restorae.shown_values import either, find_isolated, show
from restorae.value_range import ValueRange

_SHOWN = 8
_COLOURS = (1, 3)


@dataclass(kw_only=True)
class DegradeReport:
    """What was degraded."""

    failures: list[Failure] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    """What a person should know, each for the first file for which it is so."""
    examples: list[tuple[str, tuple[Image, Image]]] = field(default_factory=list)
    """Names and (clean, degraded) of the first few images, working values."""


def degrade_files(
    tasks: Sequence[FileTask], damage: Degradation, seed: int = 0, progress: Progress = SILENT
) -> DegradeReport:
    """Damage each task's file; a broken one stops nothing.

    A file's damage depends on the seed and its index in the run, not on what else is there.

    Raises:
        OutputError: the place to write to fails as a whole (a full disk, say): going on would be useless.
    """
    report = DegradeReport()
    progress.begin("Degrading", len(tasks), "files")
    try:
        for index, task in enumerate(tasks):
            try:
                with made_from(task.opened_source(keep_times=False)):
                    _degrade(task, damage, generator(seed, index), report)
            except (InputError, MemoryError) as error:
                report.failures.append(Failure.of(task.source, error))
            progress.advance(1)
    finally:
        progress.end()
    return report


def _degrade(
    task: FileTask, damage: Degradation, source: torch.Generator, report: DegradeReport
) -> None:
    original = open_original(task.source)
    facts = ImageFacts.measure(original, "auto")
    if facts.values != "full range":
        notice = "strengths are measured by the range in which its values lie, as in training and restoring"
        _tell(report, task, notice, f": {facts.values} count as 0 to 1")
    counts = [_images_in(page) for page in original.pages]
    draw, first = damage.draw(source, sum(counts)), 0
    kind = task.kind or _kind_of_target(task, original)
    with begin_result(original, task.target, kind) as result:
        for index, page in enumerate(original.pages):
            stored = original.rows(index).read(page.height)
            values = facts.range_of((index,))
            degraded, example = _damaged(
                stored, page, values, draw.between(first, first + counts[index])
            )
            result.put(index, 0, degraded)
            first += counts[index]
            if index == 0 and len(report.examples) < _SHOWN:
                before, after = (_upright(image, original.orientation) for image in example)
                report.examples.append((task.source.name, (before, after)))
        result.finish()
        for notice in (*original.notices, *result.notices):
            _tell(report, task, notice)


def _damaged(
    stored: np.ndarray, page: Page, values: ValueRange, draw: Draw
) -> tuple[np.ndarray, tuple[Image, Image]]:
    """A page as it is stored with damage, and its first image before and after; alpha and missing values stay."""
    seen = stored[..., : page.channels]
    missing = find_missing(seen, page.no_data)
    hidden = either(missing, find_isolated(seen, values, missing))
    clean = torch.from_numpy(np.ascontiguousarray(show(seen, values, hidden).transpose(2, 0, 1)))
    batch = clean[None] if page.channels in _COLOURS else clean[:, None]
    degraded = draw.apply(batch)
    working = degraded.reshape(clean.shape).permute(1, 2, 0).numpy()
    written = values.to_stored(working, stored.dtype)
    result = stored.copy()
    result[..., : page.channels] = written if hidden is None else np.where(hidden, seen, written)
    return result, (batch[0], degraded[0])


def _images_in(page: Page) -> int:
    """How many images a page holds: planes that are no colours are damaged each by itself."""
    return 1 if page.channels in _COLOURS else page.channels


def _kind_of_target(task: FileTask, original: Original) -> str | None:
    named = kind_named(task.target)
    return None if named == original.kind else named


def _upright(image: Image, orientation: int) -> Image:
    turned = upright(image.permute(1, 2, 0).numpy(), orientation)
    return torch.from_numpy(np.ascontiguousarray(turned.transpose(2, 0, 1)))


def _tell(report: DegradeReport, task: FileTask, notice: str, more: str = "") -> None:
    """Say something of the first file for which it is so."""
    if not any(notice in said for said in report.notices):
        report.notices.append(f"{task.source.name}: {notice}{more}.")
