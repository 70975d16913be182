"""What a page asks to be trained, and the recipe that it becomes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from restorae.errors import UsageError
from restorae.training import NOTHING, Recipe
from restorae.web.catalogue import Catalogue
from restorae.web.data_sets import DataSets


class TrainingRequest(BaseModel):
    """The body of a request to train a model."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str
    """Name of the new model."""
    way: Literal["damage", "pairs", "noisy"]
    """Clean images and a description of the damage; pairs of degraded and clean images; or noisy images alone."""
    clean: str | None = None
    """Clean images: a data set of `/api/data`, needed by `damage` and `pairs`."""
    degraded: str | None = None
    """Degraded images with the names of the clean ones: a data set, needed by `pairs`."""
    noisy: str | None = None
    """Noisy images: a data set, needed by `noisy`."""
    degradation: str | None = None
    """The damage, written as on the command line, needed by `damage`."""
    network: str | None = None
    """The architecture, written as on the command line. By default one that suits the images."""
    loss: str | None = None
    """The loss, written as on the command line. By default one that suits the images."""
    start_from: str | None = None
    """Name of a model whose weights training starts from, or "nothing" for a new network. By default a bundled model that
    suits the images, if there is one and `network` is not set."""
    minutes: float | None = Field(default=None, gt=0)
    """Time to train, in minutes. Set at most one of `minutes`, `epochs` and `steps`."""
    epochs: float | None = Field(default=None, gt=0)
    """Passes over the data set."""
    steps: int | None = Field(default=None, ge=1)
    """Optimizer steps."""
    batch_size: int | None = Field(default=None, ge=1, le=4096)
    """Examples per step."""
    patch: int | None = Field(default=None, ge=8, le=2048)
    """Height and width of the training patches, in pixels."""
    learning_rate: float | None = Field(default=None, gt=0, le=1)
    """Peak learning rate."""
    keep: Literal["auto", "best", "last"] | None = None
    """Which weights to keep: the last, or the best on held-out images. By default the best for pairs, else the last."""
    patience: int | None = Field(default=None, ge=1)
    """Stop early after this many validations in a row without improvement."""
    seed: int = Field(default=0, ge=0)
    """Seed of all random numbers."""
    overwrite: bool = False
    """Whether to replace an existing model of that name."""


def recipe_for(request: TrainingRequest, data: DataSets, catalogue: Catalogue) -> Recipe:
    """The recipe for a request.

    Raises:
        UsageError: a setting is missing, or settings exclude each other.
    """
    check_fields(request)
    settings: dict[str, Any] = {"name": request.name}
    for field in _REQUIRED[request.way]:
        value = getattr(request, field)
        settings[field] = value if field == "degradation" else data.source(value)
    optional = (
        "network",
        "loss",
        "minutes",
        "epochs",
        "steps",
        "batch_size",
        "patch",
        "learning_rate",
        "keep",
        "patience",
    )
    settings |= {
        field: value for field in optional if (value := getattr(request, field)) is not None
    }
    if settings.get("keep") == "auto":
        del settings["keep"]
    if request.start_from is not None:
        settings["start_from"] = (
            NOTHING if request.start_from == NOTHING else str(catalogue.path(request.start_from))
        )
    return Recipe(**settings, seed=request.seed)


def check_fields(request: TrainingRequest) -> None:
    """Find what is missing for the way of training.

    Raises:
        UsageError: something is.
    """
    for field in _REQUIRED[request.way]:
        if not getattr(request, field):
            raise UsageError(f"Training on {_WAY_NAMES[request.way]} needs {_FIELD_HINTS[field]}.")


_REQUIRED: dict[str, tuple[str, ...]] = {
    "damage": ("clean", "degradation"),
    "pairs": ("degraded", "clean"),
    "noisy": ("noisy",),
}
_WAY_NAMES = {"damage": "a described damage", "pairs": "pairs", "noisy": "noisy images alone"}
_FIELD_HINTS = {
    "clean": "clean images: choose a data set",
    "degraded": "degraded images: choose a data set whose names match those of the clean ones",
    "noisy": "noisy images: choose a data set",
    "degradation": "a damage, such as gaussian-noise(sigma=0.1)",
}
