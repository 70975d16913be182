"""Model files: one `.safetensors` with the weights and a JSON header. Reading never unpickles or runs anything."""

from __future__ import annotations

import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from restorae.errors import BadModelFile, RestoraeError, UnknownKind, nearest
from restorae.model.card import FORMAT_VERSION, HEADER, Card
from restorae.model.hub import fetch, fetched, is_address
from restorae.model.model import Model
from restorae.model.onnx_files import SUFFIX as ONNX
from restorae.model.onnx_files import OnnxModule, read_onnx
from restorae.model.saving import SUFFIX
from restorae.networks import ModuleNetwork, Network


def load(
    name_or_path: str | os.PathLike[str], *, module: nn.Module | type[nn.Module] | None = None
) -> Model:
    """The model in a file, a bundled one by its name, or one on the Hugging Face Hub, `hf://owner/name[@revision]`.

    Args:
        name_or_path: the file, or the name. A file of `restorae export` too: its network runs in ONNX Runtime.
        module: where the network is a module of your own, that module or its class; its weights are replaced.

    Raises:
        UnknownKind: neither a file nor a bundled model; the message offers the nearest; no such repository. Or its network is
            a user's own class that was not imported yet; the message names it.
        DataUnavailable: the hub cannot be reached.
        BadModelFile: broken, of a newer format, or something else.
    """
    source = fetch(str(name_or_path)) if is_address(name_or_path) else None
    path = find(name_or_path) if source is None else source.path
    if path.suffix.lower() == ONNX:
        return _load_onnx(path)
    header, tensors = read_file(path, HEADER)
    card = card_of(header, path)
    if source is not None:
        card = card.model_copy(update={"source": str(source)})
    network = _network_of(card, path)
    if isinstance(network, ModuleNetwork) and module is not None:
        network = network.carrying(module)
    weights = {
        key: value.float() if value.is_floating_point() else value for key, value in tensors.items()
    }
    return Model(network, build_with(network, weights, path), card=card)


def _load_onnx(path: Path) -> Model:
    header, content = read_onnx(path)
    card = card_of(header, path)
    try:
        module = OnnxModule(content)
    except BadModelFile as error:
        raise BadModelFile(error.message.problem, subject=path) from None
    return Model(_network_of(card, path), module, card=card)


def _network_of(card: Card, path: Path) -> Network:
    try:
        return Network.from_dict(card.network)
    except UnknownKind:
        raise
    except RestoraeError as error:
        raise BadModelFile(f"{path} has a header that cannot be used: {error}") from None


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a model given by path, by bundled name, or by its address on the hub.

    Raises:
        UnknownKind: there is none.
        DataUnavailable, BadModelFile: as `restorae.model.hub.fetch`.
    """
    if is_address(name_or_path):
        return fetched(str(name_or_path)).path
    path = Path(name_or_path)
    if path.is_file():
        return path
    known = bundled()
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    raise UnknownKind(
        f"There is no model {str(name_or_path)!r}: no file of that name, and no bundled one. {nearest(str(name_or_path), known)}"
    )


def bundled() -> dict[str, Path]:
    """The models that come with restorae: name and file."""
    folder = resources.files("restorae") / "bundled"
    return {path.stem: path for path in sorted(Path(str(folder)).glob(f"*{SUFFIX}"))}


def read_card(path: Path) -> Card:
    """The card of a model file, without its weights.

    Raises:
        BadModelFile: as `load`.
    """
    if path.suffix.lower() == ONNX:
        return card_of(read_onnx(path)[0], path)
    return card_of(read_file(path, HEADER, with_tensors=False)[0], path)


def card_of(header: dict[str, Any], path: Path) -> Card:
    """The card that the header of the file at `path` is.

    Raises:
        BadModelFile: of a newer format, or not a card.
    """
    version = header.get("format_version")
    if version != FORMAT_VERSION:
        raise BadModelFile(
            f"has format version {version}; this version of restorae reads {FORMAT_VERSION}",
            subject=path,
        )
    try:
        return Card(**header)
    except RestoraeError as error:
        raise BadModelFile(f"{path} has a header that cannot be used: {error}") from None


def read_file(
    path: Path, header_name: str, with_tensors: bool = True
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The JSON header called `header_name` and the tensors of a `.safetensors` file.

    Raises:
        BadModelFile: it is not one, is cut short, or has no such header.
    """
    try:
        with safe_open(path, framework="pt") as opened:
            text = (opened.metadata() or {}).get(header_name)
            tensors = (
                {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
                if with_tensors
                else {}
            )
        header = json.loads(text) if text else None
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise BadModelFile(f"{path} cannot be read: {_what_it_is(path)} ({error}).") from None
    if not isinstance(header, dict):
        raise BadModelFile(
            f"{path} is a .safetensors file, but not one that restorae wrote as a {header_name} file."
        )
    return header, tensors


def build_with(network: Network, weights: dict[str, Tensor], path: Path) -> nn.Module:
    """The network's module with the given weights.

    Raises:
        BadModelFile: the weights are not this network's.
    """
    try:
        with torch.device(
            "meta"
        ):  # nothing is allocated or drawn: the weights in the file take the places
            module = network.build()
        module.load_state_dict(weights, assign=True)
        if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
            module = network.build()
            module.load_state_dict(weights)
    except RuntimeError as error:
        raise BadModelFile(
            f"{path}: the weights do not fit the network {network} that the header names ({error})."
        ) from None
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _what_it_is(path: Path) -> str:
    with path.open("rb") as handle:
        start = handle.read(8)
    if start[:1] == b"\x80" or start[:2] == b"PK":
        return "it is a pickled PyTorch file, which could run code and is never opened. Expected a .safetensors file that restorae wrote"
    return "it is cut short, damaged, or not a .safetensors file"
