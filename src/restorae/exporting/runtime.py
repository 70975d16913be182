"""What computes a network: PyTorch, or ONNX Runtime. Decided here alone."""

from __future__ import annotations

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias
from weakref import WeakKeyDictionary

import platformdirs
import torch

from restorae.errors import BadModelFile, Fix, UsageError
from restorae.exporting.files import make_onnx
from restorae.exporting.tracing import OPSET
from restorae.files import write_bytes
from restorae.model import Model
from restorae.model.onnx_files import FORMAT_VERSION, OnnxModule
from restorae.networks import VAE, AutoEncoder
from restorae.version import VERSION

Runtime: TypeAlias = Literal["pytorch", "onnx"]

DEFAULT: Runtime = "pytorch"
"""What computes a model that both can compute. `benchmarks/runtimes.py` measures both: PyTorch was 6 to 14 % faster on three
bundled models, and the first use of ONNX Runtime exports the model, which takes longer than most images."""

_exported: WeakKeyDictionary[torch.nn.Module, Model] = WeakKeyDictionary()


def choose_runtime(wanted: Runtime | None, model: Model) -> Runtime:
    """What computes a model: what was asked for, else what can; a graph from a file only ONNX Runtime can.

    Raises:
        UsageError: PyTorch was asked for, and the model is an ONNX file.
    """
    is_graph = isinstance(model.module, OnnxModule)
    if is_graph and wanted == "pytorch":
        raise UsageError(
            f"{model.card.name} is an ONNX file, which PyTorch does not compute. Use the model's own file"
        )
    return "onnx" if is_graph else wanted or DEFAULT


def running_on(wanted: Runtime | None, model: Model) -> Model:
    """The model, its network computed by what `choose_runtime` says; results differ by less than 1e-4.

    An exported graph is kept in the user's cache folder, by the digest of card and weights.

    Raises:
        ExportFailed, MissingExtra: ONNX Runtime was asked for and cannot compute this model.
        UsageError: as `choose_runtime`.
    """
    if choose_runtime(wanted, model) == "pytorch" or isinstance(model.module, OnnxModule):
        return model
    if isinstance(model.network, VAE | AutoEncoder):
        raise UsageError(
            f"{model.card.name} is an auto-encoder, which is exported as two files; it runs in PyTorch only",
            fix=Fix("runtime", action="omit"),
        )
    if model.module not in _exported:
        _exported[model.module] = Model(model.network, _exported_module(model), card=model.card)
    return _exported[model.module]


def is_exported(model: Model) -> bool:
    """Whether ONNX Runtime can compute a model without exporting it first."""
    return find_spec("onnxruntime") is not None and _kept_at(model).is_file()


def _kept_at(model: Model) -> Path:
    return Path(platformdirs.user_cache_dir("restorae"), "onnx", f"{_digest(model)}.onnx")


def _exported_module(model: Model) -> OnnxModule:
    path = _kept_at(model)
    try:
        return OnnxModule(path.read_bytes())
    except (OSError, BadModelFile):
        (content,) = make_onnx(model)
        write_bytes(path, content)
        return OnnxModule(content)


def _digest(model: Model) -> str:
    """What a graph depends on: the network, its weights, and the versions that make graphs."""
    digest = hashlib.sha256()
    facts = [model.network.to_dict(), FORMAT_VERSION, OPSET, VERSION, torch.__version__]
    digest.update(json.dumps(facts, sort_keys=True).encode())
    for name, tensor in sorted(model.module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
