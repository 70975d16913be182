"""Latent space: places and what they decode to, pictures and where they fall."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from restorae.errors import UsageError
from restorae.latent import tiled
from restorae.web import walks
from restorae.web.routes.common import PNG, SAYS_NO, Here, png, raw
from restorae.web.studio import Studio

latents = APIRouter(prefix="/api/models/{model}", tags=["latent space"], responses=SAYS_NO)

At = Annotated[
    str | None,
    Query(
        max_length=8000,
        description="A place: as many numbers as the latent space has dimensions, with commas.",
    ),
]


class Walk(BaseModel):
    """A straight walk through latent space."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    start: list[float] = Field(max_length=4096)
    """Where it begins."""
    end: list[float] = Field(max_length=4096)
    """Where it ends."""
    steps: int = Field(24, ge=2, le=240)
    """Pictures on the way, both ends included."""
    zoom: int = Field(6, ge=1, le=16)
    """Each pixel becomes so many, along each side."""


class Places(BaseModel):
    """Places in latent space."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    places: list[list[float]]
    """Each has as many coordinates as the space has dimensions."""


@latents.get("/decode", responses=PNG)
async def decode(
    model: str,
    here: Here,
    at: At = None,
    form: Annotated[Literal["png", "raw"], Query(alias="as")] = "png",
) -> Response:
    """The picture at a place; `as=raw` gives its bytes, whose shape the header `x-shape` tells."""
    place = _numbers(at)
    pictures = await asyncio.wrap_future(
        here.quickly(lambda: walks.decoded(here.catalogue.model(model), [place]))
    )
    return raw(pictures) if form == "raw" else png(pictures[0])


@latents.post("/decode")
async def decode_many(model: str, wanted: Places, here: Here) -> Response:
    """The pictures at many places, as bytes; the header `x-shape` tells their number and size."""
    return raw(
        await asyncio.wrap_future(
            here.quickly(lambda: walks.decoded(here.catalogue.model(model), wanted.places))
        )
    )


@latents.get("/plane.png", responses=PNG)
async def plane(
    model: str,
    here: Here,
    n: Annotated[int, Query(ge=1, le=32)] = 20,
    extent: Annotated[float, Query(gt=0, le=12, alias="range")] = 3.0,
    right: int = 0,
    up: int = 1,
    at: At = None,
) -> Response:
    """What lies where on a plane through latent space: n × n pictures, one dimension to the right and one upwards."""
    place = None if at is None else _numbers(at)
    return png(
        await asyncio.wrap_future(
            here.quickly(
                lambda: walks.plane(here.catalogue.model(model), n, extent, (right, up), place)
            )
        )
    )


@latents.get("/clusters")
async def clusters(model: str, here: Here, data: str | None = None) -> dict[str, Any]:
    """Where the pictures of a named set lie, and their labels; by default MNIST's if it is here, else the embedded digits."""
    if data is None:
        data = "mnist" if "mnist" in here.data.sources() else "digits"
    source = here.data.source(data)
    if source != data:
        raise UsageError(
            f"{data} has no labels that are known here. Take a named set, such as digits."
        )
    return await asyncio.wrap_future(
        here.quickly(lambda: walks.clusters(here.catalogue.model(model), source))
    )


@latents.get("/sample")
async def sample(
    model: str,
    here: Here,
    count: Annotated[int, Query(ge=1, le=256)] = 16,
    seed: Annotated[int, Query(ge=0, lt=2**62)] = 0,
) -> dict[str, Any]:
    """Places drawn from the prior, to be decoded."""
    return {
        "places": await asyncio.wrap_future(
            here.quickly(lambda: walks.drawn(here.catalogue.model(model), count, seed))
        )
    }


@latents.get("/sample.png", responses=PNG)
async def sample_picture(
    model: str,
    here: Here,
    count: Annotated[int, Query(ge=1, le=256)] = 16,
    seed: Annotated[int, Query(ge=0, lt=2**62)] = 0,
) -> Response:
    """New pictures, decoded from places drawn from the prior."""
    return png(await asyncio.wrap_future(here.quickly(_sheet, here, model, count, seed)))


@latents.post("/encode/{picture}")
async def encode(model: str, picture: str, here: Here) -> dict[str, Any]:
    """Where a picture falls: mean and spread of each dimension."""
    found = await asyncio.wrap_future(here.quickly(_fall, here, model, picture))
    return {"mean": found.mean, "spread": found.spread, "notices": found.notices}


@latents.get("/reconstruct/{picture}.png", responses=PNG)
async def reconstruct(model: str, picture: str, here: Here) -> Response:
    """What the model was shown of a picture and, to the right of it, what came back."""
    found = await asyncio.wrap_future(here.quickly(_fall, here, model, picture))
    return png(np.concatenate([found.seen, found.reconstruction], 1))


@latents.post(
    "/walk.gif",
    responses={
        200: {"content": {"image/gif": {}}, "description": "A GIF that goes there and back."}
    },
)
async def walk(model: str, wanted: Walk, here: Here) -> Response:
    """A walk from one place to another and back, as a GIF."""
    content = await asyncio.wrap_future(here.quickly(_gif, here, model, wanted))
    return Response(content, media_type="image/gif", headers={"cache-control": "no-store"})


def _numbers(text: str | None) -> list[float]:
    try:
        return [float(number) for number in (text or "").split(",")]
    except ValueError:
        raise UsageError(
            f"A place is numbers with commas between, such as 0.3,-1.2; {text!r} came."
        ) from None


def _sheet(here: Studio, model: str, count: int, seed: int) -> np.ndarray:
    found = here.catalogue.model(model)
    pictures = walks.decoded(found, walks.drawn(found, count, seed))
    across = round(len(pictures) ** 0.5) or 1
    missing = np.zeros((-len(pictures) % across, *pictures.shape[1:]), np.uint8)
    whole = np.concatenate([pictures, missing])
    return tiled(whole.reshape(-1, across, *pictures.shape[1:]))


def _fall(here: Studio, model: str, picture: str) -> walks.Fallen:
    return walks.fall(here.catalogue.model(model), here.gallery.get(picture))


def _gif(here: Studio, model: str, wanted: Walk) -> bytes:
    places = walks.between(wanted.start, wanted.end, wanted.steps)
    return walks.gif(walks.decoded(here.catalogue.model(model), places), wanted.zoom)
