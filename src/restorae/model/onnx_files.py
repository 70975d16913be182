"""ONNX files that restorae exported, as models: ONNX Runtime computes their network. Reading one runs no code of its own."""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import torch
from torch import nn

from restorae.errors import BadModelFile, MissingExtra, RestoraeError
from restorae.model.card import HEADER
from restorae.networks import Network
from restorae.parts import Settings
from restorae.shapes import Images

SUFFIX = ".onnx"
EXPORT = "restorae_export"
"""Key of the metadata under which stands how a file was exported."""
FORMAT_VERSION = 1


class ExportFacts(Settings):
    """How a file was exported."""

    format_version: int = FORMAT_VERSION
    """Version of the graph's inputs and outputs."""
    part: Literal["restorer", "encoder", "decoder"]
    """What of the model the graph computes."""
    pixels: Literal["float32", "uint8", "uint16"]
    """Type of the images."""


class OnnxModule(nn.Module):
    """A module whose results ONNX Runtime computes, on this machine's processor.

    Args:
        content: the file.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.session = open_session(content)
        self.names = {each.name for each in self.session.get_inputs()} | {
            each.name for each in self.session.get_overridable_initializers()
        }
        # tells where images are expected
        self.place = nn.Parameter(torch.empty(0), requires_grad=False)

    def forward(self, images: Images) -> Images:
        given: dict[str, Any] = {"images": images.detach().float().cpu().contiguous().numpy()}
        if "colour" in self.names:
            # whoever calls decides grey or colour, for whole images and not for tiles
            given["colour"] = torch.tensor(True).numpy()
        (restored,) = self.session.run(["restored"], given)
        return torch.from_numpy(restored).to(images.device)


def measurable(module: nn.Module, network: Network) -> nn.Module:
    """A module whose layers can be watched: itself, or what ONNX Runtime computes as shapes without values."""
    if not isinstance(module, OnnxModule):
        return module
    with torch.device("meta"):
        return network.build()


def open_session(content: bytes) -> Any:
    """An ONNX Runtime session on as many threads as PyTorch uses.

    Raises:
        BadModelFile: ONNX Runtime cannot read it.
        MissingExtra: ONNX Runtime is not installed.
    """
    runtime = import_onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common class
        lines = str(error).splitlines()
        raise BadModelFile(f"ONNX Runtime cannot run it ({lines[0] if lines else ''})") from None


def import_onnxruntime() -> ModuleType:
    """The module `onnxruntime`.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import_module("onnx")
        return import_module("onnxruntime")
    except ImportError as error:
        raise MissingExtra("ONNX models need ONNX Runtime: pip install 'restorae[onnx]'") from error


def read_onnx(path: str | os.PathLike[str]) -> tuple[dict[str, Any], bytes]:
    """The header of an ONNX file that restorae exported to restore float32 images, and its content.

    Raises:
        BadModelFile: broken, made by another tool, or no such graph.
        MissingExtra: ONNX Runtime is not installed.
    """
    path = Path(path)
    import_onnxruntime()
    import onnx

    try:
        content = path.read_bytes()
        read = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's errors and the system's
        raise BadModelFile(f"cannot be read as an ONNX file ({type(error).__name__})", subject=path) from None  # fmt: skip
    texts = {entry.key: entry.value for entry in read.metadata_props}
    if EXPORT not in texts:
        maker = read.producer_name or "another tool"
        raise BadModelFile(
            f"is an ONNX file of {maker}, not of restorae, so nothing says how its network is to be called. Models are "
            "exported by `restorae export`",
            subject=path,
        )
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in read.graph.initializer):
        raise BadModelFile("refers to other files, which are not opened", subject=path)
    try:
        facts = ExportFacts(**json.loads(texts[EXPORT]))
        header = json.loads(texts[HEADER])
    except (RestoraeError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadModelFile(f"has a header that cannot be used: {error}", subject=path) from None
    if facts.format_version != FORMAT_VERSION:
        raise BadModelFile(
            f"has export version {facts.format_version}; this version of restorae reads {FORMAT_VERSION}",
            subject=path,
        )
    if facts.part != "restorer" or facts.pixels != "float32":
        what = (
            f"the {facts.part}"
            if facts.part != "restorer"
            else f"a restorer of {facts.pixels} images"
        )
        raise BadModelFile(
            f"holds {what} for other programs. restorae itself reads restorers of float32 images, and the model's own file",
            subject=path,
        )  # fmt: skip
    return header, content
