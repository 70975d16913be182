"""Grey images restored, and coloured from references."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from restorae.colouring.references import find_references
from restorae.errors import Message
from restorae.progress import SILENT, Progress
from restorae.restoring.batch import restore_files
from restorae.restoring.batch_report import BatchReport
from restorae.restoring.opening import RestorerPool
from restorae.restoring.request import RestoreRequest
from restorae.restoring.still_colours import StillColourer
from restorae.restoring.tasks import FileTask


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
    request.check_combinations()
    colourer = colourer_of(request)
    if colourer is not None:
        for notice in colourer.notices:
            progress.say(notice)
    return restore_files(
        tasks,
        request,
        restorers,
        colourer=colourer,
        log=log,
        progress=progress,
        check=check,
        passed_over=passed_over,
    )


def colourer_of(request: RestoreRequest) -> StillColourer | None:
    """What colours stills; None where no colours are asked for.

    Raises:
        BadImage: a reference cannot be used.
        UsageError: a folder of references holds no image.
    """
    return StillColourer(find_references(request.references)) if request.references else None
