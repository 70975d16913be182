"""A run over files by workers: progress, log and report are those of the plain command."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from restorae.cluster.engine import connected, run_on_cluster
from restorae.cluster.storage import Store
from restorae.cluster.tasks import ClusterTask
from restorae.cluster.worker import FileWorker, Outcome, WorkPlan
from restorae.errors import Fix, Message, OutputError
from restorae.files import require_writable, write_failure
from restorae.progress import SILENT, Progress
from restorae.restoring.batch_report import BatchReport
from restorae.restoring.files import Failure
from restorae.restoring.left_over import swept
from restorae.restoring.request import RestoreRequest
from restorae.restoring.sources import remote_uri
from restorae.restoring.tasks import FileTask


def restore_on_cluster(
    tasks: Sequence[ClusterTask],
    request: RestoreRequest,
    address: str | None,
    *,
    device: str = "auto",
    log: str | None = None,
    progress: Progress = SILENT,
) -> BatchReport:
    """Restore each task's file, by the workers of a cluster.

    Args:
        tasks: what to read and write.
        request: how.
        address: `auto` or `ray://HOST:PORT`; None restores in this process, one file after the other.
        device: where networks compute.
        log: path or address of a file to which a line of JSON is added for each.
        progress: hears of each file.

    Raises:
        ClusterError: the cluster does not answer, or has another version of restorae.
        OutputError: the place to write to fails as a whole.
        UsageError: what was asked for does not go together.
    """
    for notice in _swept(tasks):
        progress.say(notice)
    if address is None:
        worker = FileWorker(WorkPlan(request=request, device=device), is_own_process=False)
        outcomes = (worker.restore(index, task) for index, task in enumerate(tasks))
        return _collect(outcomes, tasks, log, progress)
    with connected(address) as cluster:
        plan = WorkPlan.of_workers(request, device, cluster.memory)
        count = min(cluster.workers, len(tasks))
        where = "on this machine" if cluster.is_local else f"on the cluster at {address}"
        progress.say(
            f"{count} workers {where}, of one thread and {cluster.memory / 2**30:.1f} GiB."
        )
        return _collect(run_on_cluster(tasks, plan, cluster), tasks, log, progress)


def require_place(out: str, *, is_file: bool) -> None:
    """Try to write where results will go, before long work.

    Raises:
        OutputError: it is not possible.
    """
    place = out.rpartition("/")[0] if is_file else out
    if remote_uri(out) is None:
        require_writable(place)
    else:
        Store.of(place).require_writable()


def _swept(tasks: Sequence[ClusterTask]) -> list[Message]:
    """Remove what killed workers of earlier runs left in folders; stores keep nothing that is not whole."""
    paths = [Path(task.target) for task in tasks if remote_uri(task.target) is None]
    return swept([FileTask(path, path) for path in paths])


def _collect(
    outcomes: Iterable[Outcome],
    tasks: Sequence[ClusterTask],
    log: str | None,
    progress: Progress,
) -> BatchReport:
    report = BatchReport()
    progress.begin("Restoring", len(tasks), "files")
    lines: list[str] = []
    try:
        for outcome in outcomes:
            if outcome.stop is not None:
                raise OutputError.of(outcome.stop)
            _add(outcome, tasks, report, progress)
            lines += [json.dumps(line) for line in _logged(outcome, tasks)]
            if log is not None and remote_uri(log) is None:
                _append(Path(log), lines)
                lines = []
            progress.advance(1)
    except BaseException:
        done = f"{report.restored:,} of {len(tasks):,} files were restored before it stopped"
        again = (Fix("skip_existing"),)
        progress.say(Message(f"{done}. The same command can do the rest", fixes=again))
        raise
    finally:
        progress.end()
        if log is not None and lines:
            _append_remote(log, lines)
    return report


def _add(
    outcome: Outcome, tasks: Sequence[ClusterTask], report: BatchReport, progress: Progress
) -> None:
    for message in outcome.said:
        progress.say(message)
    report.restored += outcome.restored
    report.unchanged += outcome.unchanged
    report.measurements += outcome.measurement
    if outcome.chosen is not None:
        name, reason = outcome.chosen
        report.chosen.setdefault(name, []).append(reason)
    if outcome.failure is not None:
        report.failures.append(Failure(Path(tasks[outcome.index].source), outcome.failure))


def _logged(outcome: Outcome, tasks: Sequence[ClusterTask]) -> Iterator[dict[str, object]]:
    """The lines of the log; of a file whose worker was lost, one made here."""
    yield from outcome.log
    if outcome.failure is not None and not outcome.log:
        task = tasks[outcome.index]
        reason = outcome.failure.render()
        yield {"input": task.source, "output": task.target, "status": "failed", "reason": reason}


def _append(log: Path, lines: Sequence[str]) -> None:
    try:
        with log.open("a", encoding="ascii") as handle:
            handle.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise write_failure(log, error) from error


def _append_remote(log: str, lines: Sequence[str]) -> None:
    """Add lines to a file in a store, which cannot be extended: it is written anew."""
    store = Store.of(log)
    with tempfile.TemporaryDirectory(prefix="restorae-") as folder:
        path = Path(folder) / "log"
        if store.exists():
            store.fetch(path)
        _append(path, lines)
        store.put(path)
