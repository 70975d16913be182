"""The library `onnx`, imported at first use, and what is built with it: graphs written as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from restorae.errors import MissingExtra


def import_onnx() -> ModuleType:
    """The module `onnx`.

    Raises:
        MissingExtra: it, or what PyTorch's exporter needs beside it, is not installed.
    """
    try:
        for name in ("onnx.parser", "onnxruntime", "onnxscript"):
            import_module(name)
        return import_module("onnx")
    except ImportError as error:
        raise MissingExtra(
            "Exporting models needs ONNX and ONNX Runtime: pip install 'restorae[onnx]'"
        ) from error


FLOAT = 1
"""The type float32 in ONNX."""


def nodes_of(text: str) -> list[Any]:
    """Nodes written in ONNX's text syntax, `result = Add(one, other)`, one a line."""
    onnx = import_onnx()
    return [*onnx.parser.parse_graph(f"glue () => () {{\n{text}\n}}").node]


def branch(name: str, nodes: Iterable[Any], result: str, kind: int) -> Any:
    """A graph without inputs for one way of an `If`; it sees all values of the graph around it."""
    helper = import_onnx().helper
    output = helper.make_tensor_value_info(result, kind, None)
    return helper.make_graph([*nodes], name, [], [output])


def choice(condition: str, ways: Mapping[bool, Any], result: str) -> Any:
    """The node that runs one of two graphs."""
    return import_onnx().helper.make_node(
        "If", [condition], [result], then_branch=ways[True], else_branch=ways[False]
    )
