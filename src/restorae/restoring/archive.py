"""Thousands of files through a restorer: one is read ahead and one is written while the network works; a broken one stops nothing."""

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

from restorae.errors import InputError, Interrupted, OutputError, UsageError
from restorae.files import explain_write_failure
from restorae.formats import (
    MOST_PIXELS,
    ArrayRows,
    Original,
    Result,
    Rows,
    begin_result,
    kind_named,
    open_original,
)
from restorae.progress import SILENT, Progress
from restorae.regions import smallest_tile
from restorae.restoring.error_maps import ErrorMap
from restorae.restoring.files import Failure
from restorae.restoring.jobs import LOG, Job
from restorae.restoring.masks import Masks
from restorae.restoring.pictures import Account, Treatment, missing_mask, restore_picture
from restorae.restoring.restorers import Restorer
from restorae.tiling import plan_for

__all__ = ["LOG", "Order", "file_digest", "restore_files"]

_READ_AHEAD = 96 * 2**20
"""Bytes of decoded pixels up to which a file is read before its turn."""


@dataclass(frozen=True)
class Order:
    """What is to be done to every file.

    Raises:
        UsageError: a mask is needed and there is none; or error bounds are asked for of something else than the restored picture.
        TileTooSmall: a tile leaves nothing to keep; a picture that needs tiles may come after hours.
    """

    restorer: Restorer
    treatment: Treatment = field(default_factory=Treatment)
    masks: Masks | None = None
    quality: int | None = None
    axes: str | None = None
    most_pixels: int = MOST_PIXELS
    facts: dict[str, Any] = field(default_factory=dict)
    """What else the log is to say of every file: the model's hash, say."""

    def __post_init__(self) -> None:
        if self.restorer.needs_mask and self.masks is None:
            raise UsageError(missing_mask(self.restorer))
        if self.restorer.tells_bounds and self.treatment.strength != 1:
            raise UsageError(
                "--error-map tells how far off a restored picture may be; of a mixture nobody measured it. Leave --strength away."
            )
        tile, enough = (
            self.treatment.tile,
            smallest_tile(self.restorer.halo, self.restorer.multiple_of),
        )
        if tile is not None and tile < enough:
            plan_for(
                enough,
                enough,
                tile=tile,
                halo=self.restorer.halo,
                multiple_of=self.restorer.multiple_of,
            )


@dataclass
class _Prepared:
    """A file that waits for the network."""

    original: Original
    digest: str
    mask: np.ndarray | None
    pages: list[np.ndarray] | None

    def rows(self, page: int) -> Rows:
        return self.original.rows(page) if self.pages is None else ArrayRows(self.pages[page])


@dataclass
class _Writing:
    """What a file becomes, while it is written."""

    result: Result | None = None
    errors: ErrorMap | None = None

    def drop(self) -> None:
        """Give back what was taken."""
        for each in (self.result, self.errors):
            if each is not None:
                each.drop()


def restore_files(
    jobs: Sequence[Job], order: Order, log: Path | None = None, progress: Progress = SILENT
) -> list[Failure]:
    """Restore each job's file; return those that could not be done.

    Args:
        jobs: what to read and write.
        order: by what and how.
        log: a file to which a line of JSON is added for each: input, its SHA-256, output, model, settings, seconds, and what
            went wrong.
        progress: hears of each file, or of the rows of a single one.

    Raises:
        OutputError: the place to write to fails as a whole (a full disk, say): going on would be useless.
        UsageError: what was asked for does not go together.
    """
    return _Run(jobs, order, log, progress).all()


class _Run:
    def __init__(
        self, jobs: Sequence[Job], order: Order, log: Path | None, progress: Progress
    ) -> None:
        self.jobs, self.order, self.log, self.progress = jobs, order, log, progress
        self.failures: list[Failure] = []
        self.done = 0
        self.begun = False

    def all(self) -> list[Failure]:
        single = len(self.jobs) == 1
        if not single:
            self._begin(len(self.jobs), "files")
        try:
            # one thread reads ahead, another writes: libvips works outside Python's lock
            with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
                written: Future[None] | None = None
                try:
                    for job, prepared in self._prepared(reader):
                        restored = self._restore(job, prepared, single)
                        if written is not None:
                            written.result()
                            written = None
                        if restored is not None:
                            written = writer.submit(self._finish, job, *restored)
                        elif not single:
                            self.progress.advance(1)
                    if written is not None:
                        written.result()
                except BaseException:
                    reader.shutdown(wait=False, cancel_futures=True)
                    raise
        except (OutputError, Interrupted, KeyboardInterrupt):
            self._tell_how_far()
            raise
        finally:
            if self.begun:
                self.progress.end()
        return self.failures

    def _begin(self, total: int, unit: str) -> None:
        self.progress.begin("Restoring", total, unit)
        self.begun = True

    def _tell_how_far(self) -> None:
        """Before the run ends early: what is done, what was broken, and how to go on."""
        if len(self.jobs) == 1:
            return
        for failure in self.failures:
            self.progress.say(f"Not restored: {failure}")
        in_place = any(job.source == job.target for job in self.jobs)
        # in place a result cannot be told from an original, but for the log
        on = (
            f"{self.log} names them"
            if in_place and self.log
            else "The same command with --skip-existing does the rest"
        )
        self.progress.say(
            f"{self.done:,} of {len(self.jobs):,} were restored before it stopped. {on}."
        )

    def _prepared(self, reader: ThreadPoolExecutor) -> Iterator[tuple[Job, Future[_Prepared]]]:
        ahead: Future[_Prepared] | None = None
        for place, job in enumerate(self.jobs):
            current = ahead or reader.submit(self._prepare, job)
            ahead = (
                reader.submit(self._prepare, self.jobs[place + 1])
                if place + 1 < len(self.jobs)
                else None
            )
            yield job, current

    def _prepare(self, job: Job) -> _Prepared:
        original = open_original(job.source, self.order.axes, self.order.most_pixels)
        digest = file_digest(job.source) if self.log is not None else ""
        mask = None if self.order.masks is None else self.order.masks.of(job.name, original)
        pages = None
        if original.bytes <= _READ_AHEAD:
            pages = [
                original.rows(place).read(page.height) for place, page in enumerate(original.pages)
            ]
        return _Prepared(original, digest, mask, pages)

    def _restore(
        self, job: Job, waiting: Future[_Prepared], single: bool
    ) -> tuple[_Writing, Account, _Prepared, float] | None:
        started = time.perf_counter()
        writing = _Writing()
        try:
            prepared = waiting.result()
            original = prepared.original
            result = writing.result = begin_result(
                original, job.target, job.kind, self.order.quality
            )
            if self.order.restorer.tells_bounds:
                writing.errors = ErrorMap(original, job.target)
            advance: Callable[[int], None] = lambda rows: None  # noqa: E731
            if single:
                self._begin(sum(page.height for page in original.pages), "rows")
                advance = self.progress.advance
            account = restore_picture(
                original,
                result,
                self.order.restorer,
                self.order.treatment,
                mask=prepared.mask,
                errors=writing.errors,
                rows=prepared.rows,
                advance=advance,
                say=self.progress.say,
            )
        except (InputError, MemoryError) as error:
            writing.drop()
            self._fail(
                job, "it does not fit in memory" if isinstance(error, MemoryError) else str(error)
            )
            return None
        except BaseException:
            writing.drop()
            raise
        prepared.pages = None
        account.notices[:0] = [*original.notices, *_misnamed(job, original)]
        return writing, account, prepared, time.perf_counter() - started

    def _finish(
        self, job: Job, writing: _Writing, account: Account, prepared: _Prepared, seconds: float
    ) -> None:
        result = writing.result
        assert result is not None
        try:
            if writing.errors is not None:
                writing.errors.finish()  # first: a result that is there says that all of it is
            result.finish()
        except InputError as error:
            self._fail(job, str(error), prepared)
        else:
            self.done += 1
            notices = [*account.notices, *result.notices]
            for notice in notices:
                self.progress.say(f"{job.source}: {notice}.")
            facts = (
                {}
                if account.mean_bound is None
                else {"mean_error_bound": float(f"{account.mean_bound:.4g}")}
            )
            self._note(
                job,
                prepared,
                status="restored",
                seconds=round(seconds, 3),
                values=account.values,
                tile=account.tile,
                **facts,
                notices=notices,
            )
        finally:
            writing.drop()
        if len(self.jobs) > 1:
            self.progress.advance(1)

    def _fail(self, job: Job, reason: str, prepared: _Prepared | None = None) -> None:
        self.failures.append(Failure(job.source, reason))
        self._note(job, prepared, status="failed", reason=reason)

    def _note(self, job: Job, prepared: _Prepared | None, **facts: Any) -> None:
        """One more line in the log; names that are no text keep their bytes as escapes."""
        if self.log is None:
            return
        treatment = self.order.treatment
        line = {
            "input": str(job.source),
            "sha256": prepared.digest if prepared else _digest_if_readable(job.source),
            "output": str(job.target),
            "model": self.order.restorer.name,
            **self.order.facts,
            "strength": treatment.strength,
            "mask": str(self.order.masks.path) if self.order.masks else None,
            "quality": self.order.quality,
            **facts,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("a", encoding="ascii") as handle:
                handle.write(json.dumps(line) + "\n")
        except OSError as error:
            raise OutputError(explain_write_failure(self.log, error)) from error


def _misnamed(job: Job, original: Original) -> list[str]:
    named = kind_named(job.target)
    if (
        job.kind is not None
        or named is None
        or named == original.kind
        or {named, original.kind} == {"avif", "heic"}
    ):
        return []
    return [
        f"it is a {original.kind.upper()} file by its content, and so is its result ({job.target.name})"
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
