"""The settings of a training as keywords, so that type checkers and editors know their names and types.

`Recipe` decides what they mean and what they default to; a test holds the two together.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict

from torch import Tensor, nn

from restorae.degradations import DegradationLike
from restorae.losses import Loss
from restorae.machine import Precision
from restorae.networks import Network

Saved: TypeAlias = Mapping[str, Any]
"""A part as `to_dict` writes it."""
NetworkLike: TypeAlias = Network | type[Network] | str | Saved | nn.Module | type[nn.Module]
"""A network, its text, or a module or its class."""
LossLike: TypeAlias = Loss | type[Loss] | str | Saved | Callable[[Tensor, Tensor], Tensor]
"""A loss, its text, or a function of (restored, clean), such as `torch.nn.MSELoss()`."""


class TrainingKeywords(TypedDict, total=False):
    """The fields of `Recipe`, without those that name data."""

    name: str
    about: str
    licence: str
    repairs: Literal["all", "defects"]
    degradation: DegradationLike | None
    autoencode: bool
    split: Literal["train", "test", "all"]
    validation: float
    binarise: bool
    augment: bool
    optimiser: Literal["nadam", "adamw", "adam", "sgd"]
    schedule: Literal["cosine", "constant"]
    warmup: int
    weight_decay: float
    patience: int | None
    seed: int
    patch: int | None
    draws: int | None
    network: NetworkLike | None
    loss: LossLike | None
    learning_rate: float | None
    clip_gradients: float | None
    ema: float | None
    batch_size: int | None
    epochs: float | None
    steps: int | None
    minutes: float | None
    keep: Literal["best", "last"] | None


class RecipeKeywords(TrainingKeywords, total=False):
    """All fields of `Recipe`."""

    clean: str | os.PathLike[str] | None
    degraded: str | os.PathLike[str] | None
    noisy: str | os.PathLike[str] | None
    start_from: str | os.PathLike[str] | None


class MachineryKeywords(TypedDict, total=False):
    """The fields of `Machinery`."""

    device: str
    precision: Precision
    workers: int | None
    data_dir: Path | None


class TrainKeywords(TrainingKeywords, MachineryKeywords, total=False):
    """What `train` takes besides images."""
