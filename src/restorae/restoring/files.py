"""Files through a function on arrays: read, change, write; a broken one stops nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restorae.errors import InputError, Message
from restorae.file_attributes import made_from
from restorae.formats import read_array, read_still, write_array, write_still
from restorae.progress import SILENT, Progress
from restorae.restoring.tasks import FileTask, names_array


@dataclass(frozen=True)
class Failure:
    """A file that failed, and why."""

    source: Path
    reason: Message

    @classmethod
    def of(cls, source: Path, error: InputError | MemoryError) -> Failure:
        """The failure that an error means for a file."""
        if isinstance(error, MemoryError):
            return cls(source, Message("does not fit in memory", subject=source))
        reason = error.message
        if reason.subject is None and str(source) not in reason.problem:
            reason = Message(
                reason.problem, subject=source, settings=reason.settings, fixes=reason.fixes
            )
        return cls(source, reason)

    def __str__(self) -> str:
        return self.reason.render()


def read(path: Path) -> np.ndarray:
    """Pixels of an image file or the array of an array file."""
    return read_array(path) if names_array(path) else read_still(path)


def write(path: Path, pixels: np.ndarray) -> None:
    """Write pixels or an array, as the name says, whole or not at all."""
    if names_array(path):
        write_array(path, pixels)
    else:
        write_still(path, pixels)


def change_files(
    tasks: Sequence[FileTask],
    change: Callable[[np.ndarray, int], np.ndarray],
    title: str,
    progress: Progress = SILENT,
) -> list[Failure]:
    """Read, change and write each task's file; return those that failed.

    Args:
        tasks: what to read and write.
        change: makes the result of what was read; it is also given the task's index.
        title: what the progress calls it.
        progress: hears of each file.

    Raises:
        OutputError: the place to write to fails as a whole (a full disk, say): going on would be useless.
    """
    failures = []
    progress.begin(title, len(tasks), "files")
    try:
        for index, task in enumerate(tasks):
            try:
                with made_from(task.opened_source(keep_times=False)):
                    write(task.target, change(read(task.source), index))
            except (InputError, MemoryError) as error:
                failures.append(Failure.of(task.source, error))
            progress.advance(1)
    finally:
        progress.end()
    return failures
