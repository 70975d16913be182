"""Files through a function on arrays: read, change, write; a broken one stops nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restorae.errors import InputError
from restorae.formats import read_array, read_still, write_array, write_still
from restorae.progress import SILENT, Progress
from restorae.restoring.jobs import ARRAYS, Job


@dataclass(frozen=True)
class Failure:
    """A file that could not be done, and why."""

    source: Path
    reason: str

    def __str__(self) -> str:
        # most reasons name the file themselves
        return self.reason if str(self.source) in self.reason else f"{self.source}: {self.reason}"


def read(path: Path) -> np.ndarray:
    """A picture file's pixels or an array file's array."""
    return read_array(path) if path.suffix.lower() in ARRAYS else read_still(path)


def write(path: Path, pixels: np.ndarray) -> None:
    """Write pixels or an array, as the name says, whole or not at all."""
    if path.suffix.lower() in ARRAYS:
        write_array(path, pixels)
    else:
        write_still(path, pixels)


def run(
    jobs: Sequence[Job],
    change: Callable[[np.ndarray, int], np.ndarray],
    task: str,
    progress: Progress = SILENT,
) -> list[Failure]:
    """Read, change and write each job's file; return those that could not be done.

    Args:
        jobs: what to read and write.
        change: makes the result of what was read; it is also given the job's place.
        task: what the progress calls it.
        progress: hears of each file.

    Raises:
        OutputError: the place to write to fails as a whole (a full disk, say): going on would be useless.
    """
    return one_by_one(
        jobs, lambda job, place: write(job.target, change(read(job.source), place)), task, progress
    )


def one_by_one(
    jobs: Sequence[Job], do: Callable[[Job, int], None], task: str, progress: Progress = SILENT
) -> list[Failure]:
    """Call `do` with each job and its place; return those whose file could not be done. Arguments and errors as for `run`."""
    failures = []
    progress.begin(task, len(jobs), "files")
    try:
        for place, job in enumerate(jobs):
            try:
                do(job, place)
            except InputError as error:
                failures.append(Failure(job.source, str(error)))
            except MemoryError:
                failures.append(Failure(job.source, "it does not fit in memory"))
            progress.advance(1)
    finally:
        progress.end()
    return failures
