"""Restoring files: images, stacks, arrays and folders of them, by a model or a classical method.

Names are resolved at first use (PEP 562): planning a run and checking a request import neither torch nor any model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from restorae.restoring.batch import restore_files
    from restorae.restoring.classical import Classical
    from restorae.restoring.classical_model import ClassicalModel
    from restorae.restoring.degrading import degrade_files
    from restorae.restoring.facts import ImageFacts
    from restorae.restoring.files import Failure
    from restorae.restoring.image import ImageReport, restore_image
    from restorae.restoring.in_one_call import restore
    from restorae.restoring.loading import load
    from restorae.restoring.masks import Masks
    from restorae.restoring.model_choice import FILMS, PAGES, PHOTOS, Choice, choose_model
    from restorae.restoring.model_restorer import ModelRestorer
    from restorae.restoring.opening import (
        PREFIX,
        ClassicalRestorer,
        RestorerPool,
        open_restorer,
    )
    from restorae.restoring.preview import preview_files
    from restorae.restoring.request import RestoreRequest
    from restorae.restoring.restorer import Capabilities, Restored, Restorer, capabilities_of
    from restorae.restoring.tasks import LOG, FileTask, plan_tasks

_HOMES = {
    "Capabilities": "restorer",
    "Choice": "model_choice",
    "Classical": "classical",
    "ClassicalModel": "classical_model",
    "ClassicalRestorer": "opening",
    "Failure": "files",
    "FileTask": "tasks",
    "ImageFacts": "facts",
    "ImageReport": "image",
    "LOG": "tasks",
    "Masks": "masks",
    "ModelRestorer": "model_restorer",
    "PAGES": "model_choice",
    "FILMS": "model_choice",
    "PHOTOS": "model_choice",
    "PREFIX": "opening",
    "RestoreRequest": "request",
    "Restored": "restorer",
    "Restorer": "restorer",
    "RestorerPool": "opening",
    "capabilities_of": "restorer",
    "choose_model": "model_choice",
    "degrade_files": "degrading",
    "load": "loading",
    "open_restorer": "opening",
    "plan_tasks": "tasks",
    "preview_files": "preview",
    "restore": "in_one_call",
    "restore_files": "batch",
    "restore_image": "image",
}

__all__ = [
    "FILMS",
    "LOG",
    "PAGES",
    "PHOTOS",
    "PREFIX",
    "Capabilities",
    "Choice",
    "Classical",
    "ClassicalModel",
    "ClassicalRestorer",
    "Failure",
    "FileTask",
    "ImageFacts",
    "ImageReport",
    "Masks",
    "ModelRestorer",
    "RestoreRequest",
    "Restored",
    "Restorer",
    "RestorerPool",
    "capabilities_of",
    "choose_model",
    "degrade_files",
    "load",
    "open_restorer",
    "plan_tasks",
    "preview_files",
    "restore",
    "restore_files",
    "restore_image",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"restorae.restoring.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'restorae.restoring' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
