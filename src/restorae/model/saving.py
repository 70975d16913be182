"""Writing a model: one `.safetensors` file, the card in its header."""

from __future__ import annotations

import json
import os
from pathlib import Path

from safetensors.torch import save
from torch import nn

from restorae.errors import UsageError
from restorae.files import write_bytes
from restorae.model.card import HEADER, Card
from restorae.model.onnx_files import OnnxModule

SUFFIX = ".safetensors"


def write_model(
    module: nn.Module, card: Card, path: str | os.PathLike[str], half: bool = False
) -> Path:
    """Write weights and card; arguments, result and errors as of `Model.save`."""
    target = with_suffix(path)
    if isinstance(module, OnnxModule):
        raise UsageError(
            f"{card.name} runs in ONNX Runtime, and its file holds a graph, no weights to save. Load the model's own file"
        )
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()
    }
    if half:
        tensors = {
            name: tensor.half() if tensor.is_floating_point() else tensor
            for name, tensor in tensors.items()
        }
    write_bytes(target, save(tensors, {HEADER: json.dumps(card.model_dump(mode="json"))}))
    return target


def with_suffix(path: str | os.PathLike[str]) -> Path:
    """The path of a model file: `.safetensors` is added to a name without it."""
    path = Path(path)
    return path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)
