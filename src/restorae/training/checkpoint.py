"""Checkpoints: the state to go on training from. Like a model file it is safetensors and JSON, never a pickle."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from restorae.errors import BadModelFile, Fix, UsageError
from restorae.files import write_bytes
from restorae.model import read_file
from restorae.training.learner import Learner, State
from restorae.training.recipe import ResolvedRecipe

FORMAT_VERSION = 1
"""Version of the file's format."""
_HEADER = "restorae-checkpoint"
_NETWORK, _AVERAGE, _OPTIMISER, _BEST = "network/", "average/", "optimiser/", "best/"
_ANEW = Fix("resume", action="omit")


def path_for(model: Path) -> Path:
    """Where the checkpoint of a training towards `model` lies."""
    return model.with_suffix(".checkpoint")


def write(path: Path, learner: Learner) -> None:
    """Write a checkpoint, whole or not at all."""
    tensors = {_NETWORK + name: tensor for name, tensor in learner.module.state_dict().items()}
    tensors |= {_BEST + name: tensor for name, tensor in learner.best.items()}
    tensors |= {f"{_AVERAGE}{index}": tensor for index, tensor in enumerate(learner.average)}
    for index, held in learner.optimiser.state_dict()["state"].items():
        tensors |= {
            f"{_OPTIMISER}{index}/{name}": torch.as_tensor(value) for name, value in held.items()
        }
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    header = {"format_version": FORMAT_VERSION, **asdict(learner.state)}
    write_bytes(path, save(plain, {_HEADER: json.dumps(header)}))


def read(path: Path, learner: Learner) -> None:
    """Put a checkpoint's state and tensors into the learner.

    Raises:
        BadModelFile: there is none, it is broken, or it is of another network.
    """
    state = peek(path)
    _, tensors = read_file(path, _HEADER)
    try:
        learner.module.load_state_dict(_below(_NETWORK, tensors))
        learner.best.update(_below(_BEST, tensors))
        for index, held in enumerate(learner.average):
            held.copy_(tensors[f"{_AVERAGE}{index}"])
        restored: dict[int, dict[str, Tensor]] = {}
        for name, value in _below(_OPTIMISER, tensors).items():
            index_text, _, key = name.partition("/")
            restored.setdefault(int(index_text), {})[key] = value
        optimiser = learner.optimiser
        optimiser.load_state_dict({**optimiser.state_dict(), "state": restored})
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise BadModelFile(
            f"the checkpoint does not fit this training ({error})", subject=path, fix=_ANEW
        ) from None
    learner.state = state


def peek(path: Path) -> State:
    """How far a checkpoint has come, without its tensors.

    Raises:
        BadModelFile: there is none, or it is broken or of another format.
    """
    if not path.is_file():
        raise BadModelFile("nothing to resume: there is no checkpoint", subject=path, fix=_ANEW)
    header, _ = read_file(path, _HEADER, with_tensors=False)
    version = header.pop("format_version", None)
    try:
        if version != FORMAT_VERSION:
            raise TypeError(f"format version {version}, expected {FORMAT_VERSION}")
        return State(**header)
    except TypeError as error:
        raise BadModelFile(
            f"the checkpoint was written by another version of restorae ({error})",
            subject=path,
            fix=_ANEW,
        ) from None


def require_same(path: Path, state: State, recipe: ResolvedRecipe, same_data: bool) -> None:
    """Refuse to resume the training of another recipe; other data may change the length of an epoch.

    Raises:
        UsageError: the message names each setting that changed.
    """
    wanted: dict[str, Any] = recipe.model_dump(mode="json")
    if not same_data:
        wanted.pop("draws")
    changed = [key for key, value in wanted.items() if state.recipe.get(key) != value]
    if changed:
        differences = "; ".join(
            f"{key}: {state.recipe.get(key)!r} is now {wanted[key]!r}" for key in changed
        )
        raise UsageError(
            f"the checkpoint belongs to another recipe ({differences}). Give the same settings, or start anew",
            subject=path,
            fix=_ANEW,
        )


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
