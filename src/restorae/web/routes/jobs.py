"""Jobs: progress, stopping, removing."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse

from restorae.web.http_errors import not_found
from restorae.web.routes.common import PNG, SAYS_NO, StudioDep
from restorae.web.trainings import TrainingJob

jobs = APIRouter(prefix="/api/jobs", tags=["jobs"], responses=SAYS_NO)


@jobs.get("")
async def all_jobs(
    studio: StudioDep,
    since: Annotated[int, Query(ge=0, lt=2**62)] = 0,
    wait: Annotated[float, Query(ge=0, le=25)] = 0,
    server: Annotated[str, Query(max_length=64)] = "",
) -> dict[str, Any]:
    """Jobs, oldest first. With `since` and `server` of an earlier answer, only those that changed after it: the answer then
    waits up to `wait` seconds for a change. `complete` says whether these are all jobs.
    """
    known = since if server == studio.name else 0
    if known and wait:
        await studio.queue.wait_for_change(known, wait)
    return {"server": studio.name, "images": studio.gallery.version, **studio.queue.changes(known)}


@jobs.post("/stop")
def stop_all(
    studio: StudioDep, lane: Annotated[str | None, Query(max_length=20)] = None
) -> dict[str, Any]:
    """Cancel all jobs, or those of one lane: `images` or `trainings`."""
    return {"stopped": studio.queue.stop_all(lane)}


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
def look(job: str, number: Annotated[int, Path(ge=1, lt=2**31)], studio: StudioDep) -> Response:
    """Preview of a training after a validation: a row each of degraded, restored and clean images."""
    work = studio.queue.get(job).work
    if not isinstance(work, TrainingJob):
        raise not_found(f"training {job}")
    return FileResponse(
        work.look(number),
        media_type="image/png",
        headers={"cache-control": "private, max-age=3600"},
    )
