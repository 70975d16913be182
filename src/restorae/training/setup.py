"""Everything that a training needs, decided before its first step."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from restorae import machine
from restorae.errors import BadModelFile, Fix, UsageError
from restorae.file_locks import remove_left_over
from restorae.files import require_writable
from restorae.model import Model, load, with_suffix
from restorae.networks import check_halo
from restorae.progress import SILENT, Progress
from restorae.randomness import derive_seed
from restorae.training import checkpoint
from restorae.training.data import TrainingData, load_training_data
from restorae.training.film_data import FilmTrainingData, learns_films, load_film_data
from restorae.training.given import NOTHING_GIVEN, Given
from restorae.training.learner import first_weights
from restorae.training.processes import own_device, processes_on_this_machine
from restorae.training.recipe import NOTHING, Recipe, ResolvedRecipe
from restorae.training.start import start_of

_FIRST_WEIGHTS = 2


@dataclass(frozen=True, kw_only=True)
class Machinery:
    """Where and how to compute; changes nothing about what is trained, only its speed and last digits."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`, …"""
    precision: machine.Precision = "auto"
    """`auto` takes bfloat16 where the device is fast at it."""
    workers: int | None = None
    """Threads that read images; by default cores - 1, and none where the images are in memory."""
    data_dir: Path | None = None
    """Where named data sets are looked for first."""

    def __post_init__(self) -> None:
        machine.check_device_name(self.device)
        machine.check_precision_name(self.precision)


@dataclass(frozen=True, kw_only=True)
class TrainingSetup:
    """A training that is ready to start; nothing is left to choose."""

    recipe: ResolvedRecipe
    """What will be trained."""
    data: TrainingData | FilmTrainingData
    """Examples, and the images to validate on."""
    module: nn.Module
    """The network's module with its first weights; training changes a copy."""
    device: torch.device
    """Where to compute."""
    precision: Literal["float32", "bfloat16"]
    """How to compute convolutions and products."""
    workers: int
    """Threads that read images."""
    target: Path | None = None
    """The model's file; None keeps the model in memory."""


def prepare(
    recipe: Recipe,
    out: str | Path | None = None,
    *,
    given: Given = NOTHING_GIVEN,
    machinery: Machinery = Machinery(),
    progress: Progress = SILENT,
) -> TrainingSetup:
    """Open the data, make every choice and build the network, without training it.

    Args:
        recipe: what to train, on what and for how long.
        out: the model's file; the checkpoint lies beside it as `.checkpoint` until the model is written.
        given: images and a model in memory, instead of those that the recipe names.
        machinery: device, precision, workers, data folder.
        progress: hears what was chosen.

    Raises:
        BadSpec: a network of the user's own depends on more pixels than its halo.
        UsageError, InputError, OutputError: as their messages say.
    """
    target = None if out is None else with_suffix(out)
    if target is not None:
        if target.is_dir():
            raise UsageError(
                "is a folder, not a model's file", subject=target, fix=Fix("out", action="change")
            )
        require_writable(target.parent)
        remove_left_over(target.parent)
    device = own_device(machine.choose_device(machinery.device))
    start = start_of(recipe, given.start)
    data: TrainingData | FilmTrainingData
    if learns_films(recipe, start.network if start else None):
        data = load_film_data(recipe, start, given, progress)
    else:
        data = load_training_data(recipe, machinery.data_dir, given, progress)
    workers = machinery.workers
    cores = machine.usable_cores() // processes_on_this_machine()
    return TrainingSetup(
        recipe=data.recipe,
        data=data,
        module=_first_module(data.recipe, given.start).to(device),
        device=device,
        precision=machine.choose_precision(machinery.precision, device),
        workers=max(0, cores - 1) if workers is None else workers,
        target=target,
    )


def check_resume(out: str | Path | None) -> None:
    """Say now that there is nothing to resume, before the data are opened.

    Raises:
        UsageError: no file is named.
        BadModelFile: that training is finished, or was never begun.
    """
    if out is None:
        raise UsageError(
            "To resume, name the model that was being trained", fix=Fix("out", "FILE.safetensors")
        )
    target = with_suffix(out)
    if target.is_file() and not checkpoint.path_for(target).is_file():
        raise BadModelFile(
            "nothing to resume: this training is finished. To train the model further, start from it with another {}",
            subject=target,
            settings=("out",),
            fix=Fix("start_from", str(target)),
        )
    checkpoint.peek(checkpoint.path_for(target))


def _first_module(recipe: ResolvedRecipe, start: Model | None) -> nn.Module:
    module = _initial_module(recipe, start)
    if not recipe.network.is_built_in:
        check_halo(recipe.network, module)
    return module


def _initial_module(recipe: ResolvedRecipe, start: Model | None) -> nn.Module:
    if recipe.start_from == NOTHING:
        return first_weights(recipe.network, derive_seed(recipe.seed, _FIRST_WEIGHTS))
    model = load(recipe.start_from) if start is None else start
    if recipe.network == model.network:
        return copy.deepcopy(model.module).requires_grad_(True)
    module: nn.Module = recipe.network.build().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    module.load_state_dict(model.module.state_dict())
    return module
