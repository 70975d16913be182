"""Restoring files: pictures, stacks, arrays and folders of them, by a model or a classical method."""

from restorae.restoring.archive import LOG, Order, file_digest, restore_files
from restorae.restoring.choosing import PAGES, PHOTOS, Choice, choose_for_files, choose_model
from restorae.restoring.classical import Classical
from restorae.restoring.files import Failure, read, run, write
from restorae.restoring.jobs import Job, plan
from restorae.restoring.masks import Masks
from restorae.restoring.pictures import Treatment, restore_picture
from restorae.restoring.preview import preview
from restorae.restoring.restorers import (
    PREFIX,
    ClassicalRestorer,
    ModelRestorer,
    Restorer,
    restorer_from,
    restorer_named,
)
from restorae.restoring.samples import as_float, draw_files, refuse_losses, write_samples

__all__ = [
    "LOG",
    "PAGES",
    "PHOTOS",
    "PREFIX",
    "Choice",
    "Classical",
    "ClassicalRestorer",
    "Failure",
    "Job",
    "Masks",
    "ModelRestorer",
    "Order",
    "Restorer",
    "Treatment",
    "as_float",
    "choose_for_files",
    "choose_model",
    "draw_files",
    "file_digest",
    "plan",
    "preview",
    "read",
    "refuse_losses",
    "restore_files",
    "restore_picture",
    "restorer_from",
    "restorer_named",
    "run",
    "write",
    "write_samples",
]
