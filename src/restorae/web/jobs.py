"""Job queue: runs one job of each lane at a time, reports progress, and stops jobs.

The queue belongs to the server, not to the page: after a reload, or in a second tab, the page shows the same jobs.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from restorae.errors import Interrupted, RestoraeError
from restorae.machine import give_back_memory
from restorae.web.http_errors import HttpError, not_found
from restorae.web.work import Job, State, Work

_REMEMBERED = 5000
_REMOVALS = 10_000
_log = logging.getLogger("restorae.web")


class Queue:
    """Runs the jobs of each lane one after another, in a thread for each lane.

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
        self.version = 1  # 0 is what a client knows that knows nothing
        self._removed: dict[str, int] = {}
        self._wakers: set[Callable[[], None]] = set()
        self._threads: dict[str, threading.Thread] = {}

    def add(self, work: Work) -> Job:
        """Add work to the end of its lane.

        Raises:
            HttpError: too many jobs are waiting.
        """
        return self.add_all([work])[0]

    def add_all(self, works: Sequence[Work]) -> list[Job]:
        """Add all of these, or none.

        Raises:
            HttpError: too many jobs are waiting.
        """
        with self._state:
            waiting = sum(job.state == "waiting" for job in self._jobs.values())
            if waiting + len(works) > self.most:
                raise HttpError(
                    429,
                    f"At most {self.most} jobs can wait. Let some of them finish, or cancel them.",
                )
            jobs = [Job(next(self._numbers), work, changed=self._change) for work in works]
            for job in jobs:
                self._jobs[job.id] = job
                self._touch(job)
                self._start(job.work.lane)
            self._forget_old()
            self._notify()
            return jobs

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
        """All jobs as JSON for the page, oldest first; waiting jobs have a position in their lane, counted from 1."""
        with self._state:
            jobs = list(self._jobs.values())
        positions: dict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))
        return [
            job.to_dict(next(positions[job.work.lane]) if job.state == "waiting" else 0)
            for job in jobs
        ]

    def changes(self, since: int) -> dict[str, Any]:
        """Jobs that changed after version `since`, without positions, and ids of those that were removed; or all jobs."""
        with self._state:
            known = since if 0 <= since <= self.version else 0
            complete = known == 0 or (
                len(self._removed) >= _REMOVALS and known < min(self._removed.values())
            )
            jobs = [job for job in self._jobs.values() if complete or job.version > known]
            return {
                "version": self.version,
                "complete": complete,
                "jobs": [job.to_dict() for job in jobs],
                "removed": [name for name, when in self._removed.items() if when > known],
            }

    def is_active(self, name: str | None) -> bool:
        """Whether there is such a job, and it waits or runs."""
        job = self._jobs.get(name or "")
        return job is not None and not job.over

    def told(self, job: Job) -> dict[str, Any]:
        """One job as JSON for the page."""
        with self._state:
            before = [
                each
                for each in self._jobs.values()
                if each.state == "waiting"
                and each.work.lane == job.work.lane
                and int(each.id) <= int(job.id)
            ]
        return job.to_dict(len(before) if job.state == "waiting" else 0)

    def stop(self, name: str) -> Job:
        """Cancel a waiting job; ask a running job to stop."""
        job = self.get(name)
        with self._state:
            job.stop_asked.set()
            if job.state == "waiting":
                job.state, job.ended, job.error = "stopped", time.time(), "Cancelled."
            self._change(job)
        return job

    def stop_all(self, lane: str | None = None) -> int:
        """Stop all jobs, or those of a lane; the number of jobs that waited or ran."""
        with self._state:
            jobs = [
                job for job in self._jobs.values() if not job.over and lane in (None, job.work.lane)
            ]
            for job in jobs:
                self.stop(job.id)
        return len(jobs)

    def remove(self, name: str) -> None:
        """Stop a job, and remove it if it has ended: a running job is only asked to stop."""
        job = self.stop(name)
        if job.over:
            with self._state:
                self._drop(job)
                self._notify()
            job.work.forget()

    def remove_if_known(self, name: str | None) -> None:
        """As `remove`, where there is such a job: it may be long over and forgotten."""
        if name is not None:
            with contextlib.suppress(HttpError):
                self.remove(name)

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
            self._notify()
        ends = time.monotonic() + seconds
        for thread in self._threads.values():
            thread.join(max(0.0, ends - time.monotonic()))

    async def wait_for_change(self, since: int, seconds: float) -> None:
        """As `wait`, for coroutines: many may wait at once, and no thread waits with them."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(changed.set)

        with self._state:
            if self.version > since or self._closed:
                return
            self._wakers.add(wake)
        try:
            async with asyncio.timeout(seconds):
                await changed.wait()
        except TimeoutError:
            pass
        finally:
            with self._state:
                self._wakers.discard(wake)

    def _start(self, lane: str) -> None:
        if lane not in self._threads:
            self._threads[lane] = threading.Thread(
                target=self._work, args=(lane,), name=f"restorae-{lane}", daemon=True
            )
            self._threads[lane].start()

    def _change(self, job: Job) -> None:
        with self._state:
            self._touch(job)
            self._notify()

    def touch(self) -> None:
        """Tell those who wait that something beside the jobs has changed."""
        with self._state:
            self.version += 1
            self._notify()

    def _touch(self, job: Job) -> None:
        self.version += 1
        job.version = self.version

    def _drop(self, job: Job) -> None:
        self.version += 1
        self._jobs.pop(job.id, None)
        self._removed[job.id] = self.version
        while len(self._removed) > _REMOVALS:
            del self._removed[next(iter(self._removed))]

    def _notify(self) -> None:
        self._state.notify_all()
        for wake in self._wakers:
            wake()

    def _forget_old(self) -> None:
        over = [job for job in self._jobs.values() if job.over]
        for job in over[: max(0, len(over) - _REMEMBERED)]:
            self._drop(job)
            job.work.forget()

    def _work(self, lane: str) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._closed or self._next(lane) is not None)
                job = self._next(lane)
                if self._closed or job is None:
                    return
                job.state, job.began = "running", time.time()
                self._change(job)
            self._do(job)

    def _next(self, lane: str) -> Job | None:
        waiting = (
            job for job in self._jobs.values() if job.state == "waiting" and job.work.lane == lane
        )
        return next(waiting, None)

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
        except OSError as error:
            if job.stop_asked.is_set():  # its files were removed with what it works on
                state = "stopped"
            else:
                _log.exception("job %s (%s) failed", job.id, job.work.kind)
            job.error = f"The server cannot use its disk: {error.strerror or type(error).__name__}. Free some space there, then try again."
        except Exception as error:
            _log.exception("job %s (%s) failed", job.id, job.work.kind)
            job.error = self._error_text(error)
        give_back_memory()
        with self._state:
            job.state, job.ended = state, time.time()
            self._change(job)
