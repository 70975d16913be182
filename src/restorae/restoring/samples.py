"""Several plausible restorations of one file: their mean, each of them, and how far they spread."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from restorae.errors import BadPicture, UsageError
from restorae.formats import begin_result, open_original
from restorae.model import Model
from restorae.pixels import range_of, stored_values, working_values
from restorae.progress import SILENT, Progress
from restorae.restoring.archive import Order
from restorae.restoring.files import Failure, one_by_one, read, write
from restorae.restoring.jobs import ARRAYS, Job
from restorae.restoring.restorers import ModelRestorer

SPREAD_GAIN = 2.0
"""A spread picture shows the standard deviation times this: values in [0, 1] spread by 0.5 at most, which is then white."""


def as_float(pixels: np.ndarray) -> np.ndarray:
    """Pixels as working values in the same shape, so that means and spreads are not rounded on the way."""
    return working_values(pixels)


def companions(target: Path) -> tuple[Path, Path]:
    """Where the samples and the spread of a result go: a folder (for an array a file), and a file."""
    is_array = target.suffix.lower() in ARRAYS
    samples = target.with_name(f"{target.stem}-samples{target.suffix if is_array else ''}")
    return samples, target.with_name(f"{target.stem}-spread{target.suffix}")


def refuse_losses(
    jobs: Sequence[Job], may_exist: bool, beside: Callable[[Path], Sequence[Path]] = companions
) -> None:
    """Raise `UsageError` if what is written beside the results, such as samples and spreads, would replace something."""
    results, sources = {job.target for job in jobs}, {os.path.realpath(job.source) for job in jobs}
    files = Counter(
        path for job in jobs for path in beside(job.target) if path.suffix
    )  # a folder may be shared
    for job in jobs:
        for path in beside(job.target):
            if path in results or files[path] > 1 or os.path.realpath(path) in sources:
                raise UsageError(
                    f"{path} would be written twice: once for {job.target.name}. Rename it, or restore it in a run of its own."
                )
            if path.exists() and not may_exist:
                raise UsageError(
                    f"{path} is there already. Use --overwrite, --skip-existing or another --out."
                )


def draw_files(
    jobs: Sequence[Job], order: Order, count: int, seed: int, progress: Progress = SILENT
) -> list[Failure]:
    """Draw `count` plausible restorations of each job's file and write their mean, themselves and their spread.

    The mean keeps what the original keeps (alpha, profile, metadata); samples and spread are plain pictures.

    Args:
        jobs: what to read and write.
        order: by which model, and how files are read and written.
        count: restorations of each picture.
        seed: where chance comes from.
        progress: hears of each file.

    Returns:
        The files that could not be done.

    Raises:
        UsageError: the restorer gives one answer only, or the order asks for what samples do not do.
        OutputError: the place to write to fails as a whole.
    """
    restorer = order.restorer
    if not isinstance(restorer, ModelRestorer):
        raise UsageError(
            f"{restorer.name} gives one answer for each picture. Restore without --samples."
        )
    if order.masks is not None or order.treatment.strength != 1:
        raise UsageError("--samples goes neither with --mask nor with --strength.")
    if restorer.views != 1:
        raise UsageError("--samples goes not with --views: the mean of its samples is the average.")
    model = restorer.model
    return one_by_one(
        jobs, lambda job, _place: _draw_file(job, order, model, count, seed), "Restoring", progress
    )


def _draw_file(job: Job, order: Order, model: Model, count: int, seed: int) -> None:
    if job.source.suffix.lower() in ARRAYS:
        pixels = read(job.source)
        write(
            job.target,
            write_samples(job, model.restorations(as_float(pixels), count, seed), pixels),
        )
        return
    original = open_original(job.source, order.axes, order.most_pixels)
    page = original.pages[0]
    if len(original.pages) > 1 or page.channels not in (1, 3):
        raise BadPicture(
            f"{job.source}: --samples draws pictures of one page with 1 or 3 channels. Restore this one without it."
        )
    stored = original.rows(0).read(page.height)
    seen = stored[..., : page.channels]
    values = range_of(seen, order.treatment.values or order.restorer.values)
    drawn = model.restorations(values.to_working(seen), count, seed)
    changed = stored.copy()
    changed[..., : page.channels] = values.to_stored(drawn.mean(0), page.dtype)
    with begin_result(original, job.target, job.kind, order.quality) as result:
        result.put(0, 0, changed)
        result.finish()
    plain = np.dtype(
        np.uint16
        if page.dtype.itemsize > 1 and job.target.suffix.lower() not in (".jpg", ".jpeg")
        else np.uint8
    )
    write_samples(job, drawn[..., 0] if page.channels == 1 else drawn, np.empty(0, plain))


def write_samples(job: Job, drawn: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Write the samples (count, *shape), working values, and their spread beside the job's target; return their mean, stored as `like`."""
    samples, spread = companions(job.target)
    deviation = drawn.std(0)
    if job.target.suffix.lower() in ARRAYS:
        write(samples, np.stack([stored_values(each, like.dtype) for each in drawn]))
        write(spread, deviation)
    else:
        digits = len(str(len(drawn)))
        names = [f"{place:0{digits}}{job.target.suffix}" for place in range(1, len(drawn) + 1)]
        for name, each in zip(names, drawn, strict=True):
            write(samples / name, stored_values(each, like.dtype))
        for path in samples.glob(f"*{job.target.suffix}"):
            if path.stem.isdigit() and path.name not in names:
                path.unlink()  # of an earlier run that drew more
        write(spread, stored_values(np.clip(SPREAD_GAIN * deviation, 0, 1), like.dtype))
    return stored_values(drawn.mean(0), like.dtype)
