"""restorae: learns from examples what is wrong with your images and repairs the rest.

The public names, each imported at first use (PEP 562), so that `import restorae` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from restorae.data import load_data, open_images
    from restorae.degradations import Degradation, degrade
    from restorae.errors import RestoraeError
    from restorae.evaluating import TestSet, evaluate, evaluate_latent
    from restorae.exporting import export
    from restorae.losses import Loss
    from restorae.model import Card, Model
    from restorae.networks import Network
    from restorae.restoring import ClassicalModel, load, restore
    from restorae.training import Machinery, Recipe, RecipeDataset, TrainingCallback, train

_HOMES = {
    "Card": "restorae.model",
    "ClassicalModel": "restorae.restoring",
    "Degradation": "restorae.degradations",
    "TestSet": "restorae.evaluating",
    "Loss": "restorae.losses",
    "Machinery": "restorae.training",
    "Model": "restorae.model",
    "Network": "restorae.networks",
    "Recipe": "restorae.training",
    "RecipeDataset": "restorae.training",
    "RestoraeError": "restorae.errors",
    "TrainingCallback": "restorae.training",
    "degrade": "restorae.degradations",
    "evaluate": "restorae.evaluating",
    "evaluate_latent": "restorae.evaluating",
    "export": "restorae.exporting",
    "load": "restorae.restoring",
    "load_data": "restorae.data",
    "open_images": "restorae.data",
    "restore": "restorae.restoring",
    "train": "restorae.training",
}

__all__ = [
    "Card",
    "ClassicalModel",
    "Degradation",
    "Loss",
    "Machinery",
    "Model",
    "Network",
    "Recipe",
    "RecipeDataset",
    "RestoraeError",
    "TestSet",
    "TrainingCallback",
    "__version__",
    "degrade",
    "evaluate",
    "evaluate_latent",
    "export",
    "load",
    "load_data",
    "open_images",
    "restore",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("restorae.version").VERSION
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'restorae' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
