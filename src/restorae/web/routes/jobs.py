"""Jobs: how far they are, and stopping them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from restorae.web.refusals import nothing_here
from restorae.web.routes.common import PNG, SAYS_NO, Here
from restorae.web.trainings import Apprenticeship

jobs = APIRouter(prefix="/api/jobs", tags=["jobs"], responses=SAYS_NO)


@jobs.get("")
async def all_jobs(
    here: Here, since: int | None = None, wait: Annotated[float, Query(ge=0, le=25)] = 0
) -> dict[str, Any]:
    """All jobs, oldest first. With `since` the answer may wait so many seconds for something newer than that version."""
    if since is not None and wait:
        await run_in_threadpool(here.queue.wait, since, wait)
    version = here.queue.version
    return {"version": version, "jobs": here.queue.all()}


@jobs.get("/{job}")
def one_job(job: str, here: Here) -> dict[str, Any]:
    """How far a job is."""
    return here.queue.told(here.queue.get(job))


@jobs.post("/{job}/stop")
def stop(job: str, here: Here) -> dict[str, Any]:
    """Cancel a job that waits, or ask a running one to stop: a training then keeps a checkpoint."""
    return here.queue.told(here.queue.stop(job))


@jobs.delete("/{job}", status_code=204)
def forget(job: str, here: Here) -> None:
    """Stop a job, and take it off the list if it is over."""
    here.queue.remove(job)


@jobs.get("/{job}/looks/{number}.png", responses=PNG)
def look(job: str, number: int, here: Here) -> Response:
    """Of a training: fixed pictures after a validation, a row each of degraded, restored and clean ones."""
    work = here.queue.get(job).work
    if not isinstance(work, Apprenticeship):
        raise nothing_here(f"training {job}")
    return FileResponse(
        work.look(number),
        media_type="image/png",
        headers={"cache-control": "private, max-age=3600"},
    )
