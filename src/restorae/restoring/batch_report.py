"""What became of a run over many files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from restorae.errors import Fix, Message
from restorae.progress import Progress
from restorae.restoring.files import Failure
from restorae.restoring.tasks import FileTask


@dataclass(kw_only=True)
class BatchReport:
    """What became of a run."""

    failures: list[Failure] = field(default_factory=list)
    chosen: dict[str, list[str]] = field(default_factory=dict)
    """Names of restorers that were chosen, and the reason for each file that was restored with them."""
    restored: int = 0
    skipped: int = 0
    """Files whose result another run wrote meanwhile."""
    unchanged: int = 0
    """How many of the restored files were left as they were, because no damage was found."""
    measurements: int = 0
    """How many are grey, of more than 8 bits, and were restored with the model for photographs: probably no photographs."""


def tell_how_far(
    report: BatchReport, tasks: Sequence[FileTask], log: Path | None, progress: Progress
) -> None:
    """Before the run ends early: what is done, what failed, and how to go on."""
    if len(tasks) == 1:
        return
    for failure in report.failures:
        progress.say(failure.reason)
    said = f"{report.restored:,} of {len(tasks):,} files were restored before it stopped"
    # in place, only the log distinguishes a result from an original
    if any(task.source == task.target for task in tasks) and log:
        progress.say(Message(f"{said}. {log} names them"))
    else:
        progress.say(
            Message(f"{said}. The same command can do the rest", fixes=(Fix("skip_existing"),))
        )
