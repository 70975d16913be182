"""Checkpoints: the state to go on training from. Like a model file it is safetensors and JSON, never a pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from restorae.errors import BadModelFile
from restorae.files import write_bytes
from restorae.model import read_file

_HEADER = "restorae-checkpoint"
_NETWORK, _AVERAGE, _OPTIMISER, _BEST = "network/", "average/", "optimiser/", "best/"


@dataclass
class State:
    """How far a training has come, besides its tensors."""

    recipe: dict[str, Any]
    fingerprint: str
    """What the training data looked like: a change between runs is told."""
    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    running: dict[str, float] = field(default_factory=dict)
    """Sums of the losses since the last validation, and their number, `steps`."""
    best: dict[str, float] = field(default_factory=dict)
    """`step` and `error` of the best validation so far; empty where the best weights are not kept."""
    waited: int = 0
    """Validations since then."""


def path_for(model: Path) -> Path:
    """Where the checkpoint of a training towards `model` lies."""
    return model.with_suffix(".checkpoint")


def write(
    path: Path,
    state: State,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: list[Tensor],
    best: Mapping[str, Tensor] = MappingProxyType({}),
) -> None:
    """Write a checkpoint, whole or not at all; `best` are the weights that did best so far."""
    tensors = {_NETWORK + name: tensor for name, tensor in module.state_dict().items()}
    tensors |= {_BEST + name: tensor for name, tensor in best.items()}
    tensors |= {f"{_AVERAGE}{index}": tensor for index, tensor in enumerate(average)}
    for index, held in optimiser.state_dict()["state"].items():
        tensors |= {
            f"{_OPTIMISER}{index}/{name}": torch.as_tensor(value) for name, value in held.items()
        }
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_bytes(path, save(plain, {_HEADER: json.dumps(asdict(state))}))


def read(
    path: Path,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: list[Tensor],
    best: dict[str, Tensor] | None = None,
) -> State:
    """Put a checkpoint's tensors into place and return the rest; `best` is filled with the weights that did best so far.

    Raises:
        BadModelFile: there is none, it is broken, or it is of another network.
    """
    if not path.is_file():
        raise BadModelFile(
            f"There is nothing to resume: {path} does not exist. Leave --resume away to start."
        )
    header, tensors = read_file(path, _HEADER)
    try:
        module.load_state_dict(
            {
                name.removeprefix(_NETWORK): value
                for name, value in tensors.items()
                if name.startswith(_NETWORK)
            }
        )
        if best is not None:
            best.update(
                {
                    name.removeprefix(_BEST): value
                    for name, value in tensors.items()
                    if name.startswith(_BEST)
                }
            )
        for index, held in enumerate(average):
            held.copy_(tensors[f"{_AVERAGE}{index}"])
        restored: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith(_OPTIMISER):
                index_text, _, key = name.removeprefix(_OPTIMISER).partition("/")
                restored.setdefault(int(index_text), {})[key] = value
        optimiser.load_state_dict({**optimiser.state_dict(), "state": restored})
        return State(**header)
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise BadModelFile(
            f"{path} does not fit this training ({error}). Leave --resume away to start anew."
        ) from None


def peek(path: Path) -> State:
    """How far a checkpoint has come, without its tensors.

    Raises:
        BadModelFile: as `read`.
    """
    if not path.is_file():
        raise BadModelFile(
            f"There is nothing to resume: {path} does not exist. Leave --resume away to start."
        )
    header, _ = read_file(path, _HEADER, with_tensors=False)
    try:
        return State(**header)
    except TypeError as error:
        raise BadModelFile(
            f"{path} was written by another version of restorae ({error}). Leave --resume away to start anew."
        ) from None
