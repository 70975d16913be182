"""The damage lab: kinds of damage, images to try them on, experiments."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from restorae.degradations import Degradation
from restorae.shapes import Images
from restorae.web.examples import damaged
from restorae.web.lab import Experiment, chain_of, command_for, described, part_of, samples
from restorae.web.routes.common import PNG, SAYS_NO, StudioDep, png
from restorae.web.studio import Studio

lab = APIRouter(prefix="/api", tags=["damage"], responses=SAYS_NO)


class Experimental(BaseModel):
    """What to try."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    sample: str | None = None
    """One of the images that come along; or give `image`."""
    image: str | None = None
    """An image that was sent."""
    x: float = Field(default=0.5, ge=0, le=1)
    """Where in the image, as a fraction of its width."""
    y: float = Field(default=0.5, ge=0, le=1)
    """Where in the image, as a fraction of its height."""
    degradation: str | None = Field(default=None, max_length=4000)
    """The damage, as on the command line; or give `links`."""
    links: list[dict[str, Any]] | None = Field(default=None, max_length=20)
    """The damage as a list of kinds with their settings."""
    model: str | None = None
    """What restores; none only damages."""
    seed: int = Field(default=0, ge=0, lt=2**62)
    """Seed of all random numbers."""


@lab.get("/degradations")
def degradations() -> list[dict[str, Any]]:
    """Every kind of damage, with the JSON schema of its settings."""
    return described()


@lab.get("/samples")
def all_samples() -> list[dict[str, str]]:
    """Images that come along, to try things on."""
    return [{"name": name, "about": told} for name, told in samples().items()]


@lab.get("/examples/{name}.png", responses=PNG)
async def example(name: str, studio: StudioDep) -> Response:
    """A damaged image to try the page with; the header `x-model` names the model that repairs it."""
    pixels, model = await asyncio.wrap_future(studio.quickly(damaged, name, studio.lab))
    answer = png(pixels)
    answer.headers["x-model"] = model
    return answer


@lab.post("/experiments", status_code=201)
async def experiment(wanted: Experimental, studio: StudioDep) -> dict[str, Any]:
    """Damage an image, restore it, and compare both with the clean one."""
    damage = (
        Degradation.of(wanted.degradation) if wanted.degradation else chain_of(wanted.links or [])
    )
    found = await asyncio.wrap_future(studio.quickly(_try, wanted, damage, studio))
    return {
        "id": found.id,
        "spec": found.spec,
        "command": command_for(damage),
        "scores": found.scores,
        "images": {name: f"/api/experiments/{found.id}/{name}.png" for name in found.images},
        "size": list(found.images["clean"].shape[:2]),
    }


@lab.get("/experiments/{experiment}/{which}.png", responses=PNG)
def experiment_image(experiment: str, which: str, studio: StudioDep) -> Response:
    """An image of an experiment: `clean`, `degraded` or `restored`."""
    return png(studio.lab.image(experiment, which), kept=True)


def _try(wanted: Experimental, damage: Degradation, studio: Studio) -> Experiment:
    clean: Images
    if wanted.image is not None:
        clean = part_of(studio.gallery.get(wanted.image), wanted.x, wanted.y)
    else:
        clean = studio.lab.sample(wanted.sample or "digits")
    restorer = studio.catalogue.restorers().get(wanted.model) if wanted.model else None
    return studio.lab.run(clean, damage, restorer, wanted.seed)
