"""Job queue: runs one job at a time, reports progress, and stops jobs.

The queue belongs to the server, not to the page: after a reload, or in a second tab, the page shows the same jobs.
"""

from __future__ import annotations

import abc
import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from restorae.errors import Interrupted, Message, RestoraeError, in_words
from restorae.machine import give_back_memory
from restorae.progress import Progress
from restorae.web.http_errors import HttpError, not_found
from restorae.web.wording import PAGE

State: TypeAlias = Literal["waiting", "running", "done", "failed", "stopped"]

_REMEMBERED = 100
_SAID = 50
_log = logging.getLogger("restorae.web")


class Work(abc.ABC):
    """The task of a job."""

    kind: str
    """Kind of work: `restore` or `train`."""
    minutes: float
    """Time limit, in minutes."""

    @abc.abstractmethod
    def about(self) -> dict[str, Any]:
        """Description for the page, as plain JSON."""

    @abc.abstractmethod
    def run(self, job: Job) -> dict[str, Any]:
        """Do the work, report progress to `job`, and return the result as plain JSON.

        Raises:
            Interrupted: the job was stopped.
        """

    def forget(self) -> None:  # noqa: B027
        """Called when the job is removed from the queue: delete its files."""


class Job(Progress):
    """One piece of work and its state; the work reports to it as to any `Progress`."""

    def __init__(self, number: int, work: Work, *, changed: Callable[[], None]) -> None:
        self.id, self.work, self._changed = f"{number}", work, changed
        self.state: State = "waiting"
        self.made, self.began, self.ended = time.time(), 0.0, 0.0
        self.task, self.unit, self.total, self.count = "", "", 0, 0
        self.figures: dict[str, float] = {}
        self.said: list[str] = []
        self.error = ""
        self.status = 200
        self.result: dict[str, Any] = {}
        self.stop_asked = threading.Event()

    def check(self) -> None:
        """Raise if the work must end.

        Raises:
            Interrupted: the job was stopped.
            HttpError: its time limit has passed.
        """
        if self.stop_asked.is_set():
            raise Interrupted("Stopped, as was asked.")
        if self.began and time.time() - self.began > 60 * self.work.minutes:
            raise HttpError(
                503,
                f"Stopped after {self.work.minutes:g} minutes: the limit of this server for one job.",
            )

    def begin(self, task: str, total: int, unit: str) -> None:
        self.task, self.unit, self.total, self.count = task, unit, total, 0
        self._changed()

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        self.count += count
        self.figures |= figures
        self._changed()
        self.check()

    def skip(self, count: int) -> None:
        """Count units that need no work."""
        self.count += count
        self._changed()

    def say(self, message: str | Message) -> None:
        self.said = [*self.said[1 - _SAID :], in_words(message, PAGE)]
        self._changed()

    def warn(self, message: str | Message) -> None:
        self.say(message)

    @property
    def over(self) -> bool:
        """Whether the job has ended."""
        return self.state in ("done", "failed", "stopped")

    def to_dict(self, position: int = 0) -> dict[str, Any]:
        """The job as JSON for the page."""
        return {
            "id": self.id,
            "kind": self.work.kind,
            "state": self.state,
            "position": position,
            "about": self.work.about(),
            "made": self.made,
            "began": self.began or None,
            "ended": self.ended or None,
            "task": self.task,
            "count": self.count,
            "total": self.total,
            "unit": self.unit,
            "figures": {
                name: value
                for name, value in self.figures.items()
                if value == value and abs(value) != float("inf")
            },
            "said": self.said,
            "error": self.error,
            "result": self.result,
        }


class Queue:
    """Runs one job after another, in a thread of its own.

    Args:
        most: largest number of waiting jobs.
        error_text: renders an error for the page.
    """

    def __init__(self, most: int, error_text: Callable[[BaseException], str] = str) -> None:
        self.most, self._error_text = most, error_text
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)
        self._state = threading.Condition()
        self._closed = False
        self.version = 0
        self._thread = threading.Thread(target=self._work, name="restorae-jobs", daemon=True)
        self._thread.start()

    def add(self, work: Work) -> Job:
        """Add work to the end of the queue.

        Raises:
            HttpError: too many jobs are waiting.
        """
        with self._state:
            if sum(job.state == "waiting" for job in self._jobs.values()) >= self.most:
                raise HttpError(
                    429,
                    f"{self.most} jobs are waiting already. Let some of them finish, or cancel them.",
                )
            job = Job(next(self._numbers), work, changed=self._change)
            self._jobs[job.id] = job
            self._forget_old()
            self._change()
            return job

    def get(self, name: str) -> Job:
        """A job by its id.

        Raises:
            HttpError: there is no such job.
        """
        job = self._jobs.get(name)
        if job is None:
            raise not_found(f"job {name}")
        return job

    def all(self) -> list[dict[str, Any]]:
        """All jobs as JSON for the page, oldest first; waiting jobs have a position, counted from 1."""
        with self._state:
            jobs = list(self._jobs.values())
        positions = itertools.count(1)
        return [job.to_dict(next(positions) if job.state == "waiting" else 0) for job in jobs]

    def told(self, job: Job) -> dict[str, Any]:
        """One job as JSON for the page."""
        return next((each for each in self.all() if each["id"] == job.id), job.to_dict())

    def stop(self, name: str) -> Job:
        """Cancel a waiting job; ask a running job to stop."""
        job = self.get(name)
        with self._state:
            job.stop_asked.set()
            if job.state == "waiting":
                job.state, job.ended = "stopped", time.time()
            self._change()
        return job

    def remove(self, name: str) -> None:
        """Stop a job, and remove it if it has ended: a running job is only asked to stop."""
        job = self.stop(name)
        if job.over:
            with self._state:
                self._jobs.pop(name, None)
                self._change()
            job.work.forget()

    def wait(self, since: int, seconds: float) -> None:
        """Return when a job has changed since version `since`, or after `seconds`."""
        with self._state:
            self._state.wait_for(lambda: self.version > since or self._closed, seconds)

    def close(self, seconds: float = 20.0) -> None:
        """Ask the running job to stop, drop the waiting jobs, and wait up to `seconds` for the thread to end."""
        with self._state:
            self._closed = True
            for job in self._jobs.values():
                job.stop_asked.set()
            self._state.notify_all()
        self._thread.join(seconds)

    def _change(self) -> None:
        with self._state:
            self.version += 1
            self._state.notify_all()

    def _forget_old(self) -> None:
        over = [job for job in self._jobs.values() if job.over]
        for job in over[: max(0, len(over) - _REMEMBERED)]:
            del self._jobs[job.id]
            job.work.forget()

    def _work(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._closed or self._next() is not None)
                job = self._next()
                if self._closed or job is None:
                    return
                job.state, job.began = "running", time.time()
                self._change()
            self._do(job)

    def _next(self) -> Job | None:
        return next((job for job in self._jobs.values() if job.state == "waiting"), None)

    def _do(self, job: Job) -> None:
        state: State = "failed"
        try:
            job.result = job.work.run(job)
            state = "done"
        except Interrupted as error:
            state, job.error = "stopped", self._error_text(error)
        except RestoraeError as error:
            job.error = self._error_text(error)
        except MemoryError:
            job.error = "It does not fit in the memory of this machine."
        except Exception as error:
            _log.exception("job %s (%s) failed", job.id, job.work.kind)
            job.error = self._error_text(error)
        give_back_memory()
        with self._state:
            job.state, job.ended = state, time.time()
            self._change()
