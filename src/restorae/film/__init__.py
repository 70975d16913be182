"""Films through restorers: frame by frame, in pieces that a stopped run leaves complete. Needs PyAV (extra `film`)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from restorae.film.degrading import DegradedFilm, degrade_film, film_seed, record_of
    from restorae.film.previewing import ShotPreview, preview_film
    from restorae.film.report import FilmReport
    from restorae.film.request import FilmRequest
    from restorae.film.restoring import restore_films
    from restorae.film.tasks import plan_films

_HOMES = {
    "DegradedFilm": "degrading",
    "FilmReport": "report",
    "FilmRequest": "request",
    "ShotPreview": "previewing",
    "degrade_film": "degrading",
    "film_seed": "degrading",
    "plan_films": "tasks",
    "preview_film": "previewing",
    "record_of": "degrading",
    "restore_films": "restoring",
}

__all__ = [
    "DegradedFilm",
    "FilmReport",
    "FilmRequest",
    "ShotPreview",
    "degrade_film",
    "film_seed",
    "plan_films",
    "preview_film",
    "record_of",
    "restore_films",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"restorae.film.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'restorae.film' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
