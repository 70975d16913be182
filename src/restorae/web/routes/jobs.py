"""Jobs: progress, stopping, removing."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from restorae.web.http_errors import not_found
from restorae.web.routes.common import PNG, SAYS_NO, StudioDep
from restorae.web.trainings import TrainingJob

jobs = APIRouter(prefix="/api/jobs", tags=["jobs"], responses=SAYS_NO)


@jobs.get("")
async def all_jobs(
    studio: StudioDep, since: int | None = None, wait: Annotated[float, Query(ge=0, le=25)] = 0
) -> dict[str, Any]:
    """All jobs, oldest first. With `since`, the answer waits up to `wait` seconds for a version newer than that."""
    if since is not None and wait:
        await run_in_threadpool(studio.queue.wait, since, wait)
    version = studio.queue.version
    return {"version": version, "jobs": studio.queue.all()}


@jobs.get("/{job}")
def one_job(job: str, studio: StudioDep) -> dict[str, Any]:
    """Progress of a job."""
    return studio.queue.told(studio.queue.get(job))


@jobs.post("/{job}/stop")
def stop(job: str, studio: StudioDep) -> dict[str, Any]:
    """Cancel a job that waits, or ask a running one to stop: a training then keeps a checkpoint."""
    return studio.queue.told(studio.queue.stop(job))


@jobs.delete("/{job}", status_code=204)
def forget(job: str, studio: StudioDep) -> None:
    """Stop a job, and remove it from the list if it is over."""
    studio.queue.remove(job)


@jobs.get("/{job}/looks/{number}.png", responses=PNG)
def look(job: str, number: int, studio: StudioDep) -> Response:
    """Preview of a training after a validation: a row each of degraded, restored and clean images."""
    work = studio.queue.get(job).work
    if not isinstance(work, TrainingJob):
        raise not_found(f"training {job}")
    return FileResponse(
        work.look(number),
        media_type="image/png",
        headers={"cache-control": "private, max-age=3600"},
    )
