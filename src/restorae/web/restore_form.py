"""The API's body and the page's form of a restoration: both made from the fields of `RestoreRequest`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from restorae.errors import SettingsConflict
from restorae.restoring.form_fields import FormField
from restorae.restoring.request import CONFLICTS, RestoreRequest, validator
from restorae.web.gallery_image import GalleryImage
from restorae.web.wording import choice_label, label


def _body_fields() -> dict[str, Any]:
    known = validator(RestoreRequest).model_fields
    fields: dict[str, Any] = {
        field.name: (known[field.name].annotation, known[field.name])
        for field in RestoreRequest.form_fields()
        if field.page != "hidden"
    }
    return fields | {"mask": (bool, False)}


class _Named(BaseModel):
    """What the routes read themselves; the other fields are those of `RestoreRequest`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    model: str | None = None
    mask: bool = False


RestoreBody: type[_Named] = create_model(
    "RestoreBody",
    __base__=_Named,
    __doc__="How an image is restored. `mask`: change only what the image's own mask marks.",
    **_body_fields(),
)


def request_for(body: BaseModel, image: GalleryImage, max_pixels: int) -> RestoreRequest:
    """The request that a body makes for an image: with its mask, and with a model chosen for it where none is named.

    Raises:
        SettingsConflict: only what a mask marks is to be restored, and the image has none.
        BadSpec: a value cannot be used.
    """
    settings = body.model_dump()
    masked = settings["mask"]
    if masked and image.mask is None:
        raise SettingsConflict("{} needs a mask. Paint one first", settings=("mask",))
    model = settings["model"] or image.choice(masked).name
    mask = image.mask if masked else None
    return RestoreRequest(**settings | {"model": model, "mask": mask, "max_pixels": max_pixels})


def form() -> dict[str, Any]:
    """The fields of the page's form, and which pairs of them exclude each other. The model has a control of its own."""
    shown = RestoreRequest.form_fields()
    return described([each for each in shown if each.page != "hidden" and each.name != "model"])


def described(shown: Sequence[FormField]) -> dict[str, Any]:
    """Fields as the page makes controls of them, and which pairs of them exclude each other."""
    fields = [
        asdict(field)
        | {
            "title": label(field.name),
            "choice_titles": [choice_label(field.name, choice) for choice in field.choices],
        }
        for field in shown
    ]
    for field in fields:
        if field["page"] == "flag":
            field |= {"kind": "flag", "default": False, "optional": False}
    names = {field["name"] for field in fields}
    conflicts = [pair for pair in CONFLICTS if names.issuperset(pair)]
    return {"fields": fields, "conflicts": conflicts}
