"""Several plausible restorations of one file: their mean, each of them, and how far they spread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from restorae.errors import UsageError
from restorae.pixels import stored_values, working_values
from restorae.restoring.files import write
from restorae.restoring.jobs import ARRAYS, Job

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


def refuse_losses(jobs: Sequence[Job], may_exist: bool) -> None:
    """Raise `UsageError` if samples or spreads would replace something."""
    results, sources = {job.target for job in jobs}, {job.source.resolve() for job in jobs}
    for job in jobs:
        for path in companions(job.target):
            if path in results or path.resolve() in sources:
                raise UsageError(
                    f"{path} would be written twice: once for {job.target.name}. Rename it, or restore it in a run of its own."
                )
            if path.exists() and not may_exist:
                raise UsageError(f"{path} is there already. Use --overwrite, --skip-existing or another --out.")


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
