"""A network's module as the nodes of an ONNX graph: what PyTorch's exporter makes of it, without traces of this machine."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from restorae.errors import ExportFailed

OPSET = 18
"""Version of the ONNX operators that files use: ONNX Runtime reads it since 1.14."""


@dataclass(frozen=True, kw_only=True)
class TracedModule:
    """A module as nodes of a graph."""

    nodes: tuple[Any, ...]
    """`onnx.NodeProto`s in the order in which they run."""
    weights: Mapping[str, Any]
    """`onnx.TensorProto`s by name."""
    input: str
    """Name of what it takes."""
    outputs: tuple[str, ...]
    """Names of what it gives."""


def trace(
    module: nn.Module, example: Tensor, multiple_of: tuple[int, int] | None, *, prefix: str
) -> TracedModule:
    """The nodes of a module that takes one tensor.

    Args:
        module: in evaluation mode, on the processor.
        example: what it is called with once, at least 2 of everything that may vary.
        multiple_of: height and width may be any multiples of these; None where only the batch varies.
        prefix: put before the names of all values, weights excepted, so that several modules fit into one graph.

    Raises:
        ExportFailed: PyTorch cannot express the module in ONNX's operators.
    """
    from torch.export import Dim

    varying: dict[int, Any] = {0: Dim("batch")}
    if multiple_of is not None:
        varying |= {2: multiple_of[0] * Dim("rows"), 3: multiple_of[1] * Dim("columns")}
    try:
        with _quietly(), torch.inference_mode(False):
            program = torch.onnx.export(
                module,
                (example,),
                dynamic_shapes=(varying,),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
            assert program is not None
            graph = program.model_proto.graph
    except Exception as error:  # PyTorch's exporter raises errors of many kinds
        raise ExportFailed(
            f"PyTorch cannot export the network to ONNX: {_first_line(error)}"
        ) from error
    return _renamed(graph, prefix)


def _renamed(graph: Any, prefix: str) -> TracedModule:
    weights = {tensor.name: tensor for tensor in graph.initializer}

    def name(old: str) -> str:
        return old if old in weights or not old else f"{prefix}{old}"

    constants = {old for old in weights if not old.startswith(WEIGHTS)}
    names = {old: f"{prefix}{old}" for old in constants}
    nodes = []
    for node in graph.node:
        # the exporter notes file names and lines of this machine
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
        node.name = f"{prefix}{node.name}"
        node.input[:] = [names.get(old, name(old)) for old in node.input]
        node.output[:] = [name(old) for old in node.output]
        nodes.append(node)
    for old, new in names.items():
        weights[new] = weights.pop(old)
        weights[new].name = new
    for tensor in weights.values():
        tensor.ClearField("metadata_props")
        tensor.ClearField("doc_string")
    return TracedModule(
        nodes=tuple(nodes),
        weights=weights,
        input=name(graph.input[0].name),
        outputs=tuple(name(each.name) for each in graph.output),
    )


WEIGHTS = "module."
"""What the names of learned weights begin with in a traced module."""


class Wrapped(nn.Module):
    """A module whose weights' names begin with `WEIGHTS`, in all graphs that it becomes part of."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> Tensor | Sequence[Tensor]:
        restored: Tensor = self.module(images)
        return restored


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the exporter's notices about itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _first_line(error: BaseException) -> str:
    """What the exporter says first of the cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]
