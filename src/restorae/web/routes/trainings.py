"""Trainings: data sets, starting a training, resuming one."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from restorae.losses import Loss, NegativeELBO, SelfSupervised
from restorae.networks import VAE, Network
from restorae.parts import kinds
from restorae.web import trainings as work
from restorae.web.routes.common import PNG, SAYS_NO, StudioDep, png
from restorae.web.training_preview import show_examples
from restorae.web.training_request import TrainingRequest

trainings = APIRouter(prefix="/api", tags=["training"], responses=SAYS_NO)


@trainings.get("/data")
def data_sets(studio: StudioDep) -> dict[str, Any]:
    """Data sets, networks, losses, and stopped trainings that can be resumed."""
    running = {
        job["about"]["name"]
        for job in studio.queue.all()
        if job["kind"] == "train" and job["state"] in ("waiting", "running")
    }
    return {
        "sets": studio.data.listed(),
        "networks": sorted(kind.kind for kind in kinds(Network) if not issubclass(kind, VAE)),  # type: ignore[type-abstract]
        "losses": {
            "clean": sorted(
                kind.kind
                for kind in kinds(Loss)
                if not issubclass(kind, SelfSupervised | NegativeELBO)
            ),
            "noisy": sorted(kind.kind for kind in kinds(Loss) if issubclass(kind, SelfSupervised)),
        },
        "unfinished": [
            each for each in work.unfinished(studio.catalogue) if each["name"] not in running
        ],
    }


@trainings.post("/trainings", status_code=202)
def begin(request: TrainingRequest, studio: StudioDep) -> dict[str, Any]:
    """Train a model: returns a job that waits for its turn."""
    _refuse_second(request.name, studio)
    workspace = studio.store.workspace()
    try:
        return studio.queue.told(
            studio.queue.add(
                work.begin(request, studio.options, studio.catalogue, studio.data, workspace)
            )
        )
    except BaseException:
        workspace.remove()
        raise


@trainings.post("/trainings/examples.png", responses=PNG)
async def examples(request: TrainingRequest, studio: StudioDep) -> Response:
    """Three examples of what would be learned: damaged in the first row, clean below. The header `x-said` says what was found, as
    percent-encoded UTF-8.
    """
    found = await asyncio.wrap_future(studio.slowly(show_examples, request, studio.data))
    answer = png(found.sheet)
    answer.headers["x-said"] = quote(found.said)
    return answer


@trainings.post("/trainings/{name}/resume", status_code=202)
def resume(name: str, studio: StudioDep) -> dict[str, Any]:
    """Resume a stopped training from its checkpoint."""
    _refuse_second(name, studio)
    workspace = studio.store.workspace()
    try:
        return studio.queue.told(
            studio.queue.add(work.resume(name, studio.options, studio.catalogue, workspace))
        )
    except BaseException:
        workspace.remove()
        raise


def _refuse_second(name: str, studio: StudioDep) -> None:
    from restorae.web.http_errors import HttpError

    for job in studio.queue.all():
        if (
            job["kind"] == "train"
            and job["about"]["name"] == name
            and job["state"] in ("waiting", "running")
        ):
            raise HttpError(
                409,
                f"A model called {name} is being trained already. Choose another name, or stop that first.",
            )
