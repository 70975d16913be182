"""Many files through restorers: one is read ahead and one is written while the network works; a broken one stops nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from restorae.errors import (
    Fix,
    InputError,
    Interrupted,
    Message,
    OutputError,
    UsageError,
    in_words,
)
from restorae.files import copy_whole
from restorae.progress import SILENT, Progress
from restorae.restoring.batch_report import BatchReport
from restorae.restoring.files import Failure
from restorae.restoring.image import Hooks, ImageReport, restore_image
from restorae.restoring.left_over import swept
from restorae.restoring.log import RunLog
from restorae.restoring.masks import Masks
from restorae.restoring.opening import RestorerPool
from restorae.restoring.outputs import Outputs
from restorae.restoring.reading import Opened, misnamed, open_task
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import Restorer
from restorae.restoring.still_colours import StillColourer
from restorae.restoring.tasks import FileTask
from restorae.restoring.unneeded import UNCHANGED, needs_no_restoring


def restore_files(
    tasks: Sequence[FileTask],
    request: RestoreRequest,
    restorers: RestorerPool | None = None,
    *,
    colourer: StillColourer | None = None,
    log: Path | None = None,
    progress: Progress = SILENT,
    check: Callable[[], None] = lambda: None,
    passed_over: Sequence[Message] = (),
    sweep: bool = True,
) -> BatchReport:
    """Restore each task's file.

    Args:
        tasks: what to read and write.
        request: how.
        restorers: where restorers come from.
        colourer: colours what is restored.
        log: a file to which a line of JSON is added for each: files, SHA-256, model, why that, settings, what went wrong.
        progress: hears of each file, or of the rows of a single one.
        check: called before each tile; raises to stop the run.
        passed_over: what was passed over in folders, a line for each: said and logged.
        sweep: whether to remove what killed runs left in the folders of the results.

    Raises:
        OutputError: the place to write to fails as a whole (a full disk, say): going on would be useless.
        UsageError: what was asked for does not go together.
    """
    restorers = restorers or RestorerPool()
    if request.model is not None:
        request.check(restorers.get(request.model).capabilities)
    run = _Run(
        tasks=tasks,
        request=request,
        restorers=restorers,
        colourer=colourer,
        masks=None if request.mask is None else Masks(request.mask),
        log=RunLog(log, request),
        progress=progress,
        check=check,
        report=BatchReport(),
    )
    for notice in [*passed_over, *(swept(tasks) if sweep else ())]:
        progress.say(notice)
    run.log.add_passed_over(passed_over)
    single = len(tasks) == 1
    if not single:
        progress.begin("Restoring", len(tasks), "files")
    try:
        _restore_all(run)
    except (OutputError, Interrupted, KeyboardInterrupt):
        _tell_how_far(run)
        raise
    finally:
        if not single or run.counts_rows:
            progress.end()
    return run.report


@dataclass(kw_only=True)
class _Run:
    """What the stages of a run share."""

    tasks: Sequence[FileTask]
    request: RestoreRequest
    restorers: RestorerPool
    colourer: StillColourer | None
    masks: Masks | None
    log: RunLog
    progress: Progress
    check: Callable[[], None]
    report: BatchReport
    counts_rows: bool = False


@dataclass(kw_only=True)
class _Restored:
    """A file that waits to be written."""

    task: FileTask
    opened: Opened
    restorer: Restorer
    outputs: Outputs
    image: ImageReport
    seconds: float
    unchanged: bool


def _restore_all(run: _Run) -> None:
    # one thread reads ahead, another writes: libvips works outside Python's lock
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        written: Future[None] | None = None
        try:
            for task, opened in _read_ahead(run, reader):
                restored = _restore(run, task, opened)
                if written is not None:
                    written.result()
                    written = None
                if restored is not None:
                    written = writer.submit(_finish, run, restored)
                elif len(run.tasks) > 1:
                    run.progress.advance(1)
            if written is not None:
                written.result()
        except BaseException:
            reader.shutdown(wait=False, cancel_futures=True)
            raise


def _read_ahead(run: _Run, reader: ThreadPoolExecutor) -> Iterator[tuple[FileTask, Future[Opened]]]:
    def opened(task: FileTask) -> Opened:
        found = open_task(task, run.request, run.masks)
        found.digest = run.log.digest(task.source)
        return found

    ahead: Future[Opened] | None = None
    for index, task in enumerate(run.tasks):
        current = ahead or reader.submit(opened, task)
        following = run.tasks[index + 1 : index + 2]
        ahead = reader.submit(opened, following[0]) if following else None
        yield task, current


def _restore(run: _Run, task: FileTask, waiting: Future[Opened]) -> _Restored | None:
    """Restore a file; what failed is noted, and None returned."""
    started = time.perf_counter()
    if _is_done_by_another(task):
        run.report.skipped += 1
        return None
    outputs: Outputs | None = None
    opened: Opened | None = None
    try:
        opened = waiting.result()
        restorer = run.restorers.get(opened.choice.name)
        if run.request.model is None:
            _check_chosen(run.request, restorer)
        request = run.request
        unneeded = not opened.original.notices and needs_no_restoring(
            opened.sample, opened.choice, restorer, request
        )
        if unneeded:
            if task.kind in (None, opened.original.kind) and run.colourer is None:
                _copy(run, task, opened)
                return None
            request = replace(request, strength=0.0)  # converted or coloured only
        outputs = Outputs.begin(opened.original, task, request, run.colourer)
        hooks = Hooks(say=run.progress.say, check=run.check)
        if len(run.tasks) == 1:
            run.progress.begin(
                "Restoring", sum(page.height for page in opened.original.pages), "rows"
            )
            run.counts_rows = True
            hooks = Hooks(advance=run.progress.advance, say=run.progress.say, check=run.check)
        image = restore_image(
            opened.original,
            outputs.all,
            restorer,
            request,
            mask=opened.mask,
            rows=opened.rows,
            hooks=hooks,
        )
    except (InputError, MemoryError) as error:
        if outputs is not None:
            outputs.drop()
        _fail(run, task, error, opened)
        return None
    except BaseException:
        if outputs is not None:
            outputs.drop()
        raise
    opened.pages = None
    image.notices[:0] = [*opened.original.notices, *misnamed(task, opened.original)]
    return _Restored(
        task=task,
        opened=opened,
        restorer=restorer,
        outputs=outputs,
        image=image,
        seconds=time.perf_counter() - started,
        unchanged=unneeded,
    )


def _copy(run: _Run, task: FileTask, opened: Opened) -> None:
    """Leave a file as it is where it needs no restoring: its result is a copy, byte for byte."""
    copy_whole(task.opened_source(run.request.keep_times), task.target)
    run.report.add(opened, by_person=False, unchanged=True)
    run.log.add(task, opened, status="unchanged", reason=UNCHANGED)


def _check_chosen(request: RestoreRequest, restorer: Restorer) -> None:
    """What the model that was chosen for a file cannot do is that file's failure, not the run's."""
    try:
        request.check(restorer.capabilities)
    except UsageError as error:
        message = error.message
        raise InputError(message.problem, settings=message.settings, fix=message.fixes) from None


def _finish(run: _Run, restored: _Restored) -> None:
    task, image, outputs = restored.task, restored.image, restored.outputs
    try:
        outputs.finish()
    except InputError as error:
        if _is_done_by_another(task):
            run.report.skipped += 1
        else:
            _fail(run, task, error, restored.opened)
    else:
        run.report.add(restored.opened, run.request.model is not None, restored.unchanged)
        notices = [*image.notices, *outputs.notices]
        for notice in notices:
            run.progress.say(Message(str(notice), subject=task.source))
        bound = (
            {}
            if image.mean_bound is None
            else {"mean_error_bound": float(f"{image.mean_bound:.4g}")}
        )
        run.log.add(
            task,
            restored.opened,
            status="unchanged" if restored.unchanged else "restored",
            seconds=round(restored.seconds, 3),
            values=image.values,
            tile=image.tile,
            **bound,
            notices=[in_words(notice) for notice in notices],
        )
    finally:
        outputs.drop()
    if len(run.tasks) > 1:
        run.progress.advance(1)


def _is_done_by_another(task: FileTask) -> bool:
    """Whether a result that was missing when the run began is there: two runs share the work."""
    return task.skip_existing and task.target.exists()


def _fail(
    run: _Run, task: FileTask, error: InputError | MemoryError, opened: Opened | None
) -> None:
    failure = Failure.of(task.source, error)
    run.report.failures.append(failure)
    run.log.add(task, opened, status="failed", reason=str(failure))


def _tell_how_far(run: _Run) -> None:
    """Before the run ends early: what is done, what failed, and how to go on."""
    if len(run.tasks) == 1:
        return
    for failure in run.report.failures:
        run.progress.say(failure.reason)
    said = f"{run.report.restored:,} of {len(run.tasks):,} files were restored before it stopped"
    # in place, only the log distinguishes a result from an original
    if any(task.source == task.target for task in run.tasks) and run.log.path:
        run.progress.say(Message(f"{said}. {run.log.path} names them"))
    else:
        run.progress.say(
            Message(f"{said}. The same command can do the rest", fixes=(Fix("skip_existing"),))
        )
