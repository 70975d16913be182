"""Latent space: decode latents, encode images, grids, samples and walks."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from restorae.errors import UsageError
from restorae.latent import tiled
from restorae.web import latent_space
from restorae.web.routes.common import PNG, SAYS_NO, StudioDep, png, raw
from restorae.web.studio import Studio

latents = APIRouter(prefix="/api/models/{model}", tags=["latent space"], responses=SAYS_NO)

At = Annotated[
    str | None,
    Query(
        max_length=8000,
        description="A latent: latent_dim numbers, separated by commas.",
    ),
]


MOST = 1e6
"""The largest coordinate of a latent: no posterior reaches it, and networks overflow far beyond it."""
Coordinate = Annotated[float, Field(ge=-MOST, le=MOST)]
Axis = Annotated[int, Query(ge=0, lt=2**31)]


class Walk(BaseModel):
    """A straight walk through latent space."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    start: list[Coordinate] = Field(max_length=4096)
    """Where it begins."""
    end: list[Coordinate] = Field(max_length=4096)
    """Where it ends."""
    steps: int = Field(default=24, ge=2, le=240)
    """Images on the way, both ends included."""
    zoom: int = Field(default=6, ge=1, le=16)
    """Each pixel becomes so many, along each side."""


class Latents(BaseModel):
    """Several latents."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    latents: list[list[Coordinate]] = Field(max_length=1024)
    """Each has latent_dim coordinates."""


@latents.get("/decode", responses=PNG)
async def decode(
    model: str,
    studio: StudioDep,
    at: At = None,
    form: Annotated[Literal["png", "raw"], Query(alias="as")] = "png",
) -> Response:
    """The image at a latent; `as=raw` gives its bytes, whose shape is in the header `x-shape`."""
    latent = _numbers(at)
    images = await asyncio.wrap_future(
        studio.quickly(lambda: latent_space.decode(studio.catalogue.model(model), [latent]))
    )
    return raw(images) if form == "raw" else png(images[0])


@latents.post("/decode")
async def decode_many(model: str, wanted: Latents, studio: StudioDep) -> Response:
    """The images at several latents, as bytes, whose shape is in the header `x-shape`."""
    return raw(
        await asyncio.wrap_future(
            studio.quickly(
                lambda: latent_space.decode(studio.catalogue.model(model), wanted.latents)
            )
        )
    )


@latents.get("/plane.png", responses=PNG)
async def plane(
    model: str,
    studio: StudioDep,
    n: Annotated[int, Query(ge=1, le=32)] = 20,
    extent: Annotated[float, Query(gt=0, le=12, alias="range")] = 3.0,
    right: Axis = 0,
    up: Axis = 1,
    at: At = None,
) -> Response:
    """A grid of n × n decoded images on a plane through latent space, one dimension to the right and one upwards."""
    base = None if at is None else _numbers(at)
    return png(
        await asyncio.wrap_future(
            studio.quickly(
                lambda: latent_space.decode_grid(
                    studio.catalogue.model(model), n, extent, (right, up), base
                )
            )
        )
    )


@latents.get("/clusters")
async def clusters(model: str, studio: StudioDep, data: str | None = None) -> dict[str, Any]:
    """The latent means of a named set and its labels; by default MNIST if it is installed, else the embedded digits."""
    if data is None:
        data = "mnist" if "mnist" in studio.data.sources() else "digits"
    source = studio.data.source(data)
    if source != data:
        raise UsageError(f"{data} has no labels. Choose a named set, such as digits.")
    return await asyncio.wrap_future(
        studio.slowly(lambda: latent_space.clusters(studio.catalogue.model(model), source))
    )


@latents.get("/sample")
async def sample(
    model: str,
    studio: StudioDep,
    count: Annotated[int, Query(ge=1, le=256)] = 16,
    seed: Annotated[int, Query(ge=0, lt=2**62)] = 0,
) -> dict[str, Any]:
    """Latents drawn from the prior, to be decoded."""
    return {
        "latents": await asyncio.wrap_future(
            studio.quickly(
                lambda: studio.catalogue.model(model).sample_latents(count, seed).tolist()
            )
        )
    }


@latents.get("/sample.png", responses=PNG)
async def sample_image(
    model: str,
    studio: StudioDep,
    count: Annotated[int, Query(ge=1, le=256)] = 16,
    seed: Annotated[int, Query(ge=0, lt=2**62)] = 0,
) -> Response:
    """New images, decoded from latents drawn from the prior."""
    return png(await asyncio.wrap_future(studio.quickly(_sheet, studio, model, count, seed)))


@latents.post("/encode/{image}")
async def encode(model: str, image: str, studio: StudioDep) -> dict[str, Any]:
    """The posterior of an image: mean and standard deviation of each dimension."""
    found = await asyncio.wrap_future(studio.quickly(_encode, studio, model, image))
    return {"mean": found.mean, "std": found.std, "notices": found.notices}


@latents.get("/reconstruct/{image}.png", responses=PNG)
async def reconstruct(model: str, image: str, studio: StudioDep) -> Response:
    """The model's input for an image and, to the right of it, its reconstruction."""
    found = await asyncio.wrap_future(studio.quickly(_encode, studio, model, image))
    return png(np.concatenate([found.input, found.reconstruction], 1))


@latents.post(
    "/walk.gif",
    responses={
        200: {"content": {"image/gif": {}}, "description": "A GIF that plays forwards and back."}
    },
)
async def walk(model: str, wanted: Walk, studio: StudioDep) -> Response:
    """Images on a straight line from one latent to another and back, as a GIF."""
    content = await asyncio.wrap_future(studio.slowly(_gif, studio, model, wanted))
    return Response(content, media_type="image/gif", headers={"cache-control": "no-store"})


def _numbers(text: str | None) -> list[float]:
    try:
        numbers = [float(number) for number in (text or "").split(",")]
    except ValueError:
        raise UsageError(
            f"A latent is numbers separated by commas, such as 0.3,-1.2, not {text!r}."
        ) from None
    if not all(abs(number) <= MOST for number in numbers):  # NaN is not either
        raise UsageError(f"A coordinate of a latent lies between {-MOST:,.0f} and {MOST:,.0f}.")
    return numbers


def _sheet(studio: Studio, model: str, count: int, seed: int) -> np.ndarray:
    found = studio.catalogue.model(model)
    images = latent_space.decode(found, found.sample_latents(count, seed).tolist())
    across = round(len(images) ** 0.5) or 1
    missing = np.zeros((-len(images) % across, *images.shape[1:]), np.uint8)
    whole = np.concatenate([images, missing])
    return tiled(whole.reshape(-1, across, *images.shape[1:]))


def _encode(studio: Studio, model: str, image: str) -> latent_space.Encoded:
    return latent_space.encode(studio.catalogue.model(model), studio.gallery.get(image))


def _gif(studio: Studio, model: str, wanted: Walk) -> bytes:
    latents = latent_space.interpolate(wanted.start, wanted.end, wanted.steps)
    return latent_space.gif(
        latent_space.decode(studio.catalogue.model(model), latents), wanted.zoom
    )
