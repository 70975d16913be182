"""The API's body and the page's form of a film: made from the fields of `RestoreRequest` and `FilmRequest`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from restorae.film.request import FilmRequest
from restorae.restoring import FILMS
from restorae.restoring.request import RestoreRequest, validator
from restorae.web.film_record import Film
from restorae.web.restore_form import described

_OF_FRAMES = (
    "model",
    "strength",
    "grain",
    "repair",
    "tone",
    "self_ensemble",
    "quality",
    "seed",
    "tile",
    "precision",
    "recolour",
)
_OF_FILMS = ("from_time", "to_time", "codec", "lossless", "deflicker")
_ON_THE_PAGE = ("model", "from_time", "to_time", "recolour")
"""These have controls of their own."""


def _body_fields() -> dict[str, Any]:
    frames, films = validator(RestoreRequest).model_fields, validator(FilmRequest).model_fields
    found = {name: frames[name] for name in _OF_FRAMES} | {name: films[name] for name in _OF_FILMS}
    made: dict[str, Any] = {name: (each.annotation, each) for name, each in found.items()}
    return made | {"references": (list[int] | None, None)}


FilmBody: type[BaseModel] = create_model(
    "FilmBody",
    __config__=ConfigDict(extra="forbid", allow_inf_nan=False),
    __doc__="How a film is restored: settings of `restorae restore` that films have. `references`: numbers of the film's own "
    "that are used; null is all.",
    **_body_fields(),
)


def requests_for(body: BaseModel, film: Film) -> tuple[RestoreRequest, FilmRequest]:
    """How frames are restored, and how the film is read and written.

    Raises:
        SettingsConflict: two settings exclude each other.
        BadSpec: a value cannot be used.
        HttpError: there is no such reference.
    """
    settings = body.model_dump()
    settings["model"] = settings["model"] or FILMS
    asked = settings["references"]
    chosen = film.references if asked is None else [film.reference(number) for number in asked]
    references = tuple(each.path for each in chosen)
    recolour = settings["recolour"] and bool(references)
    request = RestoreRequest(
        **{name: settings[name] for name in _OF_FRAMES}
        | {"references": references, "recolour": recolour}
    )
    reading = FilmRequest(**{name: settings[name] for name in _OF_FILMS})
    request.check_combinations()
    reading.check(request)
    return request, reading


def form() -> dict[str, Any]:
    """The fields of the page's form of a film."""
    wanted = set(_OF_FRAMES + _OF_FILMS).difference(_ON_THE_PAGE)
    fields = [
        each
        for each in (*RestoreRequest.form_fields(), *FilmRequest.form_fields())
        if each.name in wanted
    ]
    return described(fields)
