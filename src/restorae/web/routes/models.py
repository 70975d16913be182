"""Models: which there are, and what is known of them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from restorae.version import VERSION
from restorae.web.routes.common import SAYS_NO, Here

models = APIRouter(prefix="/api", tags=["models"], responses=SAYS_NO)


@models.get("/about")
def about(here: Here) -> dict[str, Any]:
    """What this server is, and what it puts up with."""
    limits = here.options.limits
    return {
        "version": VERSION,
        "data": here.options.data is not None,
        "limits": {
            "upload": limits.upload,
            "pixels": limits.pixels,
            "pictures": limits.pictures,
            "stored": limits.stored,
            "minutes_of_training": limits.minutes_of_training,
        },
        "stored": here.store.taken,
    }


@models.get("/models")
def all_models(here: Here) -> list[dict[str, Any]]:
    """Bundled models, those of the folder, and classical methods; the facts of their cards."""
    return here.catalogue.listed()


@models.get("/models/{name}")
def card(name: str, here: Here) -> dict[str, Any]:
    """All of a model's card."""
    return here.catalogue.card(name).model_dump(mode="json")
