"""The queue: one at a time, in order, with places; stopping; nothing that goes wrong ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from restorae.errors import UsageError
from restorae.web.http_errors import HttpError
from restorae.web.jobs import Queue
from restorae.web.quick_work import NewestFirst
from restorae.web.work import Job, Work


class Steps(Work):
    """Work of single steps, each of which the test allows."""

    kind = "steps"
    minutes = 1.0

    def __init__(self, do: Callable[[Job], Any] = lambda job: None) -> None:
        self.do, self.begun, self.go_on, self.forgotten = (
            do,
            threading.Event(),
            threading.Event(),
            False,
        )

    def about(self) -> dict[str, Any]:
        return {"name": "steps"}

    def run(self, job: Job) -> dict[str, Any]:
        self.begun.set()
        job.begin("Stepping", 10, "steps")
        while not self.go_on.wait(0.01):
            job.advance(0)
        self.do(job)
        job.advance(10, {"loss": 1.0})
        return {"made": "steps"}

    def forget(self) -> None:
        self.forgotten = True


@pytest.fixture
def queue() -> Iterator[Queue]:
    found = Queue(3)
    yield found
    found.close()


def over(queue: Queue, job: Job) -> Job:
    for _ in range(1000):
        if job.over:
            return job
        queue.wait(queue.version, 0.01)
    raise AssertionError(f"job {job.id} is still {job.state}")


def test_one_at_a_time_and_the_others_know_their_place(queue: Queue) -> None:
    works = [Steps() for _ in range(3)]
    jobs = [queue.add(work) for work in works]
    assert works[0].begun.wait(5)
    assert [(told["state"], told["position"]) for told in queue.all()] == [
        ("running", 0),
        ("waiting", 1),
        ("waiting", 2),
    ]
    assert not works[1].begun.is_set()
    for work, job in zip(works, jobs, strict=True):
        work.go_on.set()
        assert over(queue, job).state == "done"
    told = queue.all()[0]
    assert (told["count"], told["total"], told["figures"], told["result"]) == (
        10,
        10,
        {"loss": 1.0},
        {"made": "steps"},
    )


def test_too_many_are_refused(queue: Queue) -> None:
    first = Steps()
    queue.add(first)
    assert first.begun.wait(5)
    for _ in range(3):
        queue.add(Steps())
    with pytest.raises(HttpError, match="At most 3 jobs can wait") as error:
        queue.add(Steps())
    assert error.value.status == 429


def test_what_waits_is_cancelled_at_once_and_what_runs_at_its_next_step(queue: Queue) -> None:
    works = [Steps(), Steps()]
    running, waiting = (queue.add(work) for work in works)
    assert works[0].begun.wait(5)
    assert queue.stop(waiting.id).state == "stopped"
    queue.stop(running.id)
    assert over(queue, running).state == "stopped"
    assert not works[1].begun.is_set()


def test_a_failure_is_reported_and_the_next_job_runs(queue: Queue) -> None:
    def fail(error: BaseException) -> Callable[[Job], Any]:
        def failing(job: Job) -> None:
            raise error

        return failing

    jobs = []
    for error in (UsageError("There is no such model."), MemoryError(), ZeroDivisionError("oh")):
        work = Steps(fail(error))
        work.go_on.set()
        jobs.append(over(queue, queue.add(work)))
    assert [job.state for job in jobs] == ["failed"] * 3
    assert jobs[0].error == "There is no such model."
    assert "memory" in jobs[1].error
    well = Steps()
    well.go_on.set()
    assert over(queue, queue.add(well)).state == "done"


def test_what_takes_too_long_is_ended(queue: Queue) -> None:
    work = Steps()
    work.minutes = 0.0005
    job = over(queue, queue.add(work))
    assert job.state == "failed"
    assert "the limit of this server for one job" in job.error


def test_who_waits_hears_of_a_change(queue: Queue) -> None:
    version = queue.version
    threading.Timer(0.05, lambda: queue.add(Steps())).start()
    queue.wait(version, 5)
    assert queue.version > version


def test_jobs_removed_from_the_list_are_forgotten(queue: Queue) -> None:
    work = Steps()
    work.go_on.set()
    job = over(queue, queue.add(work))
    queue.remove(job.id)
    assert work.forgotten
    with pytest.raises(HttpError, match="no job"):
        queue.get(job.id)


def test_what_was_asked_for_last_is_done_first() -> None:
    """A latent under the pointer does not wait behind previews that nobody looks at any more."""
    quick, begun, free = NewestFirst("test"), threading.Event(), threading.Event()
    done: list[int] = []

    def hold() -> None:
        begun.set()
        free.wait(10)

    held = quick.submit(hold)
    assert begun.wait(10)
    waiting = [quick.submit(done.append, number) for number in range(4)]
    waiting[1].cancel()
    failing = quick.submit(lambda: 1 // 0)
    free.set()
    held.result(10)
    for number in (0, 2, 3):
        waiting[number].result(10)
    assert done == [3, 2, 0]
    with pytest.raises(ZeroDivisionError):
        failing.result(10)
    quick.close()
    assert quick.submit(done.append, 5).cancelled()
