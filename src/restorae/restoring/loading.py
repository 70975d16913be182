"""`load`: trained models and classical methods by name."""

from __future__ import annotations

import os
from typing import Literal, TypeAlias, overload

from torch import nn

from restorae.errors import UsageError
from restorae.model import Model
from restorae.model import load as load_model
from restorae.restoring.classical import Classical
from restorae.restoring.classical_model import ClassicalModel
from restorae.restoring.opening import PREFIX

ClassicalName: TypeAlias = Literal[
    "classical:background",
    "classical:inpaint",
    "classical:median",
    "classical:nlm",
    "classical:tv",
    "classical:wavelet",
]


@overload
def load(name_or_path: ClassicalName, *, device: str = "cpu") -> ClassicalModel: ...  # type: ignore[overload-overlap]
@overload
def load(
    name_or_path: str | os.PathLike[str],
    *,
    device: str = "cpu",
    module: nn.Module | type[nn.Module] | None = None,
) -> Model: ...


def load(
    name_or_path: str | os.PathLike[str],
    *,
    device: str = "cpu",
    module: nn.Module | type[nn.Module] | None = None,
) -> Model | ClassicalModel:
    """The model in a file, a bundled one by its name, or a classical method such as `classical:nlm(sigma=0.1)`.

    Args:
        name_or_path: a path, or a name.
        device: where a model computes: `cpu`, `cuda`, `auto`.
        module: where the model's network is a PyTorch module of your own, that module or its class.

    Raises:
        UnknownKind: there is none of that name; the message offers the nearest.
        BadModelFile: broken, of a newer format, or something else.
        UsageError: there is no such device, or it is neither a name nor a path.
    """
    if not isinstance(name_or_path, str | os.PathLike):
        raise UsageError(
            f"expected the name of a model or the path of its file, got {type(name_or_path).__name__}"
        )
    if str(name_or_path).startswith(PREFIX):
        return ClassicalModel(Classical.of(str(name_or_path).removeprefix(PREFIX)))
    model = load_model(name_or_path, module=module)
    return model if device == "cpu" else model.to(device)
