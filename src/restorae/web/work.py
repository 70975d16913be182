"""Work of the queue, and jobs: one piece of work, its state, and what it reports."""

from __future__ import annotations

import abc
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from restorae.errors import Interrupted, Message, in_words
from restorae.progress import Progress
from restorae.web.http_errors import HttpError
from restorae.web.wording import PAGE

State: TypeAlias = Literal["waiting", "running", "done", "failed", "stopped"]

_SAID = 50


class Work(abc.ABC):
    """The task of a job."""

    kind: str
    """Kind of work: `restore` or `train`."""
    lane: str = "images"
    """Jobs of one lane run one after the other; lanes run beside each other, so that a training delays no image."""
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

    def __init__(self, number: int, work: Work, *, changed: Callable[[Job], None]) -> None:
        self.id, self.work, self._tell = f"{number}", work, changed
        self.version = 0
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
            raise Interrupted("Cancelled.")
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

    def _changed(self) -> None:
        self._tell(self)

    @property
    def over(self) -> bool:
        """Whether the job has ended."""
        return self.state in ("done", "failed", "stopped")

    def to_dict(self, position: int = 0) -> dict[str, Any]:
        """The job as JSON for the page."""
        return {
            "id": self.id,
            "kind": self.work.kind,
            "lane": self.work.lane,
            "state": self.state,
            "stopping": self.stop_asked.is_set(),
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
