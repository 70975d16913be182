"""Many files through restorers: one is read ahead and one is written while the network works; a broken one stops nothing."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import (
    Fix,
    InputError,
    Interrupted,
    Message,
    OutputError,
    UsageError,
    in_words,
)
from restorae.files import write_failure
from restorae.formats import MOST_PIXELS, ArrayRows, Original, Rows, kind_named, open_original
from restorae.progress import SILENT, Progress
from restorae.restoring.files import Failure
from restorae.restoring.image import Hooks, ImageReport, restore_image
from restorae.restoring.masks import Masks
from restorae.restoring.model_choice import Choice, choose_for_file
from restorae.restoring.opening import RestorerPool
from restorae.restoring.outputs import Outputs
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import Restorer
from restorae.restoring.tasks import FileTask

_READ_AHEAD = 96 * 2**20
"""Bytes of decoded pixels up to which a file is read before its turn."""


@dataclass
class Opened:
    """A file that waits for the network."""

    original: Original
    choice: Choice
    mask: np.ndarray | None = None
    digest: str = ""
    pages: list[np.ndarray] | None = None

    def rows(self, page: int) -> Rows:
        """A page's rows, from memory where the file was read ahead."""
        return self.original.rows(page) if self.pages is None else ArrayRows(self.pages[page])


@dataclass
class BatchReport:
    """What became of a run."""

    failures: list[Failure] = field(default_factory=list)
    chosen: dict[str, list[str]] = field(default_factory=dict)
    """Names of restorers that were chosen, and the reason for each file that was restored with them."""
    restored: int = 0


def open_task(task: FileTask, request: RestoreRequest, masks: Masks | None = None) -> Opened:
    """Open a task's file, read it if it is small, and choose what restores it.

    Raises:
        BadPicture: it cannot be read.
        ShapeMismatch: its mask has another size.
    """
    original = open_original(task.source, request.axes, request.max_pixels or MOST_PIXELS)
    opened = Opened(original, Choice(request.model or "", ""))
    if masks is not None:
        opened.mask = masks.of(task.name, original)
    if original.bytes <= _READ_AHEAD:
        opened.pages = [
            original.rows(index).read(page.height) for index, page in enumerate(original.pages)
        ]
    if request.model is None:
        opened.choice = choose_for_file(original, opened.rows, masks is not None)
    return opened


def restore_files(
    tasks: Sequence[FileTask],
    request: RestoreRequest,
    restorers: RestorerPool | None = None,
    *,
    log: Path | None = None,
    progress: Progress = SILENT,
    check: Callable[[], None] = lambda: None,
) -> BatchReport:
    """Restore each task's file.

    Args:
        tasks: what to read and write.
        request: how.
        restorers: where restorers come from.
        log: a file to which a line of JSON is added for each: input, its SHA-256, output, model, why that, settings,
            seconds, and what went wrong.
        progress: hears of each file, or of the rows of a single one.
        check: called before each tile; raises to stop the run.

    Raises:
        OutputError: the place to write to fails as a whole (a full disk, say): going on would be useless.
        UsageError: what was asked for does not go together.
    """
    restorers = restorers or RestorerPool()
    if request.model is not None:
        request.check(restorers.get(request.model).capabilities)
    masks = None if request.mask is None else Masks(request.mask)
    run = _Run(tasks, request, restorers, masks, log, progress, check, BatchReport())
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


@dataclass
class _Run:
    """What the stages of a run share."""

    tasks: Sequence[FileTask]
    request: RestoreRequest
    restorers: RestorerPool
    masks: Masks | None
    log: Path | None
    progress: Progress
    check: Callable[[], None]
    report: BatchReport
    counts_rows: bool = False
    digests: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the models that were used."""


@dataclass
class _Restored:
    """A file that waits to be written."""

    task: FileTask
    opened: Opened
    restorer: Restorer
    outputs: Outputs
    image: ImageReport
    seconds: float


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
        found.digest = file_digest(task.source) if run.log is not None else ""
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
    outputs: Outputs | None = None
    opened: Opened | None = None
    try:
        opened = waiting.result()
        restorer = run.restorers.get(opened.choice.name)
        if run.request.model is None:
            _check_chosen(run.request, restorer)
        outputs = Outputs.begin(opened.original, task, run.request)
        hooks = Hooks(say=run.progress.say, check=run.check)
        if len(run.tasks) == 1:
            run.progress.begin(
                "Restoring", sum(page.height for page in opened.original.pages), "rows"
            )
            run.counts_rows = True
            hooks = Hooks(run.progress.advance, run.progress.say, run.check)
        image = restore_image(
            opened.original,
            outputs.all,
            restorer,
            run.request,
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
    image.notices[:0] = [*opened.original.notices, *_misnamed(task, opened.original)]
    return _Restored(task, opened, restorer, outputs, image, time.perf_counter() - started)


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
        _fail(run, task, error, restored.opened)
    else:
        run.report.restored += 1
        choice = restored.opened.choice
        if run.request.model is None:
            run.report.chosen.setdefault(choice.name, []).append(choice.reason)
        notices = [*image.notices, *outputs.notices]
        for notice in notices:
            run.progress.say(Message(str(notice), task.source))
        bound = (
            {}
            if image.mean_bound is None
            else {"mean_error_bound": float(f"{image.mean_bound:.4g}")}
        )
        _note(
            run,
            task,
            restored.opened,
            status="restored",
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


def _fail(
    run: _Run, task: FileTask, error: InputError | MemoryError, opened: Opened | None
) -> None:
    failure = Failure.of(task.source, error)
    run.report.failures.append(failure)
    _note(run, task, opened, status="failed", reason=str(failure))


def _note(run: _Run, task: FileTask, opened: Opened | None, **facts: Any) -> None:
    """One more line in the log; names that are no text keep their bytes as escapes."""
    if run.log is None:
        return
    line = {
        "input": str(task.source),
        "sha256": (opened.digest if opened else "") or _digest_if_readable(task.source),
        "output": str(task.target),
        **(_model_facts(run, opened.choice) if opened else {"model": run.request.model}),
        **_settings_said(run.request),
        **facts,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        run.log.parent.mkdir(parents=True, exist_ok=True)
        with run.log.open("a", encoding="ascii") as handle:
            handle.write(json.dumps(line) + "\n")
    except OSError as error:
        raise write_failure(run.log, error) from error


def _model_facts(run: _Run, choice: Choice) -> dict[str, Any]:
    from restorae.model import find

    facts: dict[str, Any] = {"model": choice.name}
    if choice.reason:
        facts["chosen_because"] = choice.reason
    if choice.name not in run.digests:
        run.digests[choice.name] = ""
        with contextlib.suppress(InputError, UsageError, OSError):
            run.digests[choice.name] = file_digest(find(choice.name))
    if run.digests[choice.name]:
        facts["model_sha256"] = run.digests[choice.name]
    return facts


def _settings_said(request: RestoreRequest) -> dict[str, Any]:
    """All settings but the model, and those that are reported as they turned out."""
    settings = request.model_dump(mode="json")
    return {
        name: value
        for name, value in settings.items()
        if name not in ("model", "values", "tile", "max_pixels")
    }


def _tell_how_far(run: _Run) -> None:
    """Before the run ends early: what is done, what failed, and how to go on."""
    if len(run.tasks) == 1:
        return
    for failure in run.report.failures:
        run.progress.say(failure.reason)
    said = f"{run.report.restored:,} of {len(run.tasks):,} files were restored before it stopped"
    # in place a result cannot be told from an original, but for the log
    if any(task.source == task.target for task in run.tasks) and run.log:
        run.progress.say(Message(f"{said}. {run.log} names them"))
    else:
        run.progress.say(
            Message(f"{said}. The same command can do the rest", fixes=(Fix("skip_existing"),))
        )


def _misnamed(task: FileTask, original: Original) -> list[str]:
    named = kind_named(task.target)
    if (
        task.kind is not None
        or named is None
        or named == original.kind
        or {named, original.kind} == {"avif", "heic"}
    ):
        return []
    return [
        f"it is a {original.kind.upper()} file by its content, and so is its result ({task.target.name})"
    ]


def _digest_if_readable(path: Path) -> str | None:
    """A broken file has a hash too; a pipe or a link that leads nowhere has none."""
    with contextlib.suppress(OSError):
        return file_digest(path) if path.is_file() else None
    return None


def file_digest(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
