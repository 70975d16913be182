"""Models: which there are, and what is known of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from restorae.formats.table import format_rows
from restorae.version import VERSION
from restorae.web import restore_form
from restorae.web.routes.common import SAYS_NO, StudioDep

models = APIRouter(prefix="/api", tags=["models"], responses=SAYS_NO)


@models.get("/about")
def about(studio: StudioDep) -> dict[str, Any]:
    """What this server is, and what it puts up with."""
    limits = studio.options.limits
    return {
        "version": VERSION,
        "server": studio.name,
        "keeps": studio.store.is_kept,
        "saves": studio.options.out is not None,
        "data": studio.options.data is not None,
        "limits": {
            "upload": limits.upload,
            "pixels": limits.pixels,
            "images": limits.images,
            "stored": limits.stored,
            "minutes_of_training": limits.minutes_of_training,
        },
        "stored": studio.store.taken,
    }


@models.get("/restore-form")
def restore_form_fields() -> dict[str, Any]:
    """The settings of a restoration, for a form: their kinds, bounds, defaults, and which exclude each other."""
    return restore_form.form()


@models.get("/formats")
def formats() -> list[dict[str, str]]:
    """Which files are read and written, what is kept, and which decoders are here."""
    return [asdict(row) for row in format_rows()]


@models.get("/models")
def all_models(studio: StudioDep) -> list[dict[str, Any]]:
    """Bundled models, those of the folder, and classical methods; the facts of their cards."""
    return studio.catalogue.listed()


@models.get("/models/{name}")
def card(name: str, studio: StudioDep) -> dict[str, Any]:
    """All of a model's card."""
    return studio.catalogue.card(name).model_dump(mode="json")
