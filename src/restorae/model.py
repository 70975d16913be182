"""A `Model`: a trained network with everything that is needed to use it, in one file that holds no code.

The file is one `.safetensors`: the weights, and a JSON header with the `Card`. Loading never unpickles or runs anything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import torch
from pydantic import Field
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from restorae.errors import BadModelFile, RestoraeError, ShapeMismatch, UnknownKind, nearest
from restorae.files import write_bytes
from restorae.machine import choose_device, choose_precision, computing_in, keep_freed_memory
from restorae.networks import Network
from restorae.parts import Settings
from restorae.pixels import as_array, as_batch, to_stored, to_working
from restorae.shapes import Images

FORMAT_VERSION = 1
SUFFIX = ".safetensors"
_HEADER = "restorae"
_PIXELS_AT_ONCE = 400_000


class Card(Settings):
    """What a person, and whoever calls the network, must know of a model."""

    format_version: int = FORMAT_VERSION
    """Version of the file's format."""
    name: str = "model"
    """Short name."""
    about: str = ""
    """One sentence on what it is for."""
    network: dict[str, Any]
    """Kind and settings of the network."""
    parameters: int
    """How many numbers were learned."""
    values: Literal["full-range"] = "full-range"
    """How stored values map to [0, 1]: whole numbers by their type's full range, floats as they are."""
    halo: int | None = None
    """Pixels of context on each side; none when the network looks at everything."""
    multiple_of: tuple[int, int] = (1, 1)
    """Height and width are padded to multiples of these."""
    undoes: dict[str, Any] | None = None
    """The degradation that it learned to undo, where that is known."""
    recipe: dict[str, Any] | None = None
    """The recipe it was trained by, as plain JSON."""
    data: str = ""
    """What it was trained on."""
    steps: int = 0
    """Updates of the weights."""
    epochs: float = 0.0
    """Passes over the training data."""
    seconds: float = 0.0
    """Time spent training."""
    trained_on: str = ""
    """The machine it was trained on."""
    scores: dict[str, Any] = Field(default_factory=dict)
    """Scores, each with what they were measured on."""
    history: list[dict[str, float]] = Field(default_factory=list)
    """Validation errors on the way: step, epoch, mse, mse_degraded."""
    licence: str = "not stated"
    """Terms under which the weights may be used."""
    made_with: str = ""
    """Version of restorae that wrote it."""
    created: str = ""
    """Date, ISO 8601."""


class Model:
    """A trained network and its card.

    Attributes:
        network: the settings of the architecture.
        module: the weights, as a PyTorch module in evaluation mode.
        card: facts about the model.
    """

    def __init__(self, network: Network, module: nn.Module, card: Card) -> None:
        self.network = network
        self.module = module.eval().requires_grad_(False)
        self.card = card

    @overload
    def restore(self, pictures: np.ndarray) -> np.ndarray: ...

    @overload
    def restore(self, pictures: Tensor) -> Tensor: ...

    def restore(self, pictures: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Lift the damage off one picture or many; the result has the same shape and type.

        Args:
            pictures: an array, one picture as (height, width) or (height, width, 1 or 3), many as (n, height, width) or
                (n, height, width, channels); uint8 and uint16 by their full range, floats as they are (a clean picture in
                [0, 1]). Or a float tensor (n, channels, height, width).

        Raises:
            ShapeMismatch: the shape or the number of channels does not fit.
            BadPicture: the values cannot be pixels.
        """
        if isinstance(pictures, Tensor):
            if pictures.dim() != 4 or pictures.numel() == 0 or not pictures.is_floating_point():
                came = f"{pictures.dtype} of shape {tuple(pictures.shape)}"
                raise ShapeMismatch(
                    f"A tensor of pictures is floats (n, channels, height, width), not {came}. Arrays may be whole numbers."
                )
            return self.restore_images(pictures.float()).to(pictures.dtype)
        if pictures.ndim == 2 or (pictures.ndim == 3 and pictures.shape[-1] in (1, 3)):
            return to_stored(self.restore_images(to_working(pictures)[None])[0], like=pictures)
        restored = self.restore_images(as_batch(pictures))
        return as_array(restored, pictures.dtype).reshape(pictures.shape)

    def restore_images(self, images: Images, precision: Literal["auto", "float32", "bfloat16"] = "auto") -> Images:
        """Restored images for a working batch (n, channels, height, width), unclipped, on the images' device.

        A one-channel network restores colour channel by channel; a three-channel one takes grey as three equal channels.
        """
        channels = images.shape[1]
        if channels != self.network.channels:
            if self.network.channels == 1:
                return self.restore_images(images.reshape(-1, 1, *images.shape[2:]), precision).reshape(images.shape)
            if channels == 1:
                return self.restore_images(images.expand(-1, self.network.channels, -1, -1), precision).mean(1, keepdim=True)
            self.network.check_channels(channels)
        device = next(self.module.parameters()).device
        with torch.inference_mode(), computing_in(choose_precision(precision, device), device):
            pieces = [self._run(batch.to(device)).float() for batch in self._batches(images)]
        # a clone made outside inference mode is an ordinary tensor that may take part in training
        return torch.cat(pieces).clone().to(images.device)

    def _batches(self, images: Images) -> Iterator[Images]:
        height, width = images.shape[-2:]
        return iter(torch.split(images, max(1, _PIXELS_AT_ONCE // (height * width))))

    def _run(self, images: Images) -> Images:
        return send_through(self.module, images, self.network.multiple_of)

    def to(self, device: str | torch.device) -> Model:
        """This model, its weights moved to `device`."""
        self.module.to(choose_device(str(device)))
        return self

    def save(self, path: str | os.PathLike[str], half: bool = False) -> Path:
        """Write the model to one `.safetensors` file, whole or not at all.

        Args:
            path: where; `.safetensors` is added to a name without it.
            half: store the weights in half precision (half the size).

        Raises:
            OutputError: it could not be written.
        """
        target = with_suffix(path)
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self.module.state_dict().items()}
        if half:
            tensors = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
        write_bytes(target, save(tensors, {_HEADER: json.dumps(self.card.model_dump(mode="json"))}))
        return target

    def __repr__(self) -> str:
        return f"Model({self.card.name!r}, {self.network}, {self.card.parameters:,} parameters)"


def send_through(module: nn.Module, images: Images, multiple_of: tuple[int, int]) -> Images:
    """What a module makes of images of any size: padded to the multiples it needs, and cut back. Training does the same."""
    height, width = images.shape[-2:]
    restored: Images = module(pad_to_multiple(images, multiple_of).contiguous(memory_format=torch.channels_last))
    return restored[..., :height, :width]


def pad_to_multiple(images: Images, multiple_of: tuple[int, int]) -> Images:
    """Images continued below and to the right to multiples of the given height and width, mirrored where there is enough."""
    height, width = images.shape[-2:]
    below, right = -height % multiple_of[0], -width % multiple_of[1]
    if not below and not right:
        return images
    mirrored = below < height and right < width
    return functional.pad(images, (0, right, 0, below), mode="reflect" if mirrored else "replicate")


def load(name_or_path: str | os.PathLike[str]) -> Model:
    """The model in a file, or a bundled one by its name.

    Raises:
        UnknownKind: neither a file nor a bundled model; the message offers the nearest. Or its network is a user's own
            class that was not imported yet; the message names it.
        BadModelFile: broken, of a newer format, or something else.
    """
    keep_freed_memory()
    path = find(name_or_path)
    header, tensors = read_file(path, _HEADER)
    card = card_of(header, path)
    try:
        network = Network.from_dict(card.network)
    except UnknownKind:
        raise
    except RestoraeError as error:
        raise BadModelFile(f"{path} has a header that cannot be used: {error}") from None
    weights = {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}
    return Model(network, build_with(network, weights, path), card)


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a model given by path or by bundled name.

    Raises:
        UnknownKind: there is neither.
    """
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
    return card_of(read_file(path, _HEADER, with_tensors=False)[0], path)


def card_of(header: dict[str, Any], path: Path) -> Card:
    """The card that the header of the file at `path` is.

    Raises:
        BadModelFile: of a newer format, or not a card.
    """
    version = header.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise BadModelFile(f"{path} has format version {version}; this restorae reads up to {FORMAT_VERSION}. Upgrade restorae.")
    try:
        return Card(**header)
    except RestoraeError as error:
        raise BadModelFile(f"{path} has a header that cannot be used: {error}") from None


def read_file(path: Path, header_name: str, with_tensors: bool = True) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The JSON header called `header_name` and the tensors of a `.safetensors` file.

    Raises:
        BadModelFile: it is not one, is cut short, or has no such header.
    """
    try:
        with safe_open(path, framework="pt") as opened:
            text = (opened.metadata() or {}).get(header_name)
            tensors = {name: opened.get_tensor(name) for name in opened.keys()} if with_tensors else {}  # noqa: SIM118
        header = json.loads(text) if text else None
    except (SafetensorError, OSError, ValueError) as error:
        raise BadModelFile(f"{path} cannot be read: {_what_it_is(path)} ({error}).") from None
    if not isinstance(header, dict):
        raise BadModelFile(f"{path} is a .safetensors file, but not one that restorae wrote as a {header_name} file.")
    return header, tensors


def build_with(network: Network, weights: dict[str, Tensor], path: Path) -> nn.Module:
    """The network's module with the given weights.

    Raises:
        BadModelFile: the weights are not this network's.
    """
    try:
        with torch.device("meta"):  # nothing is allocated or drawn: the weights in the file take the places
            module = network.build()
        module.load_state_dict(weights, assign=True)
        if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
            module = network.build()
            module.load_state_dict(weights)
    except RuntimeError as error:
        raise BadModelFile(f"{path}: the weights do not fit the network {network} that the header names ({error}).") from None
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def with_suffix(path: str | os.PathLike[str]) -> Path:
    """The path of a model file: `.safetensors` is added to a name without it."""
    path = Path(path)
    return path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)


def make_card(network: Network, module: nn.Module, **facts: Any) -> Card:
    """A card with what the network itself tells, and further facts."""
    return Card(
        network=network.to_dict(),
        parameters=sum(weights.numel() for weights in module.parameters()),
        halo=network.halo,
        multiple_of=network.multiple_of,
        **facts,
    )


def _what_it_is(path: Path) -> str:
    with path.open("rb") as handle:
        start = handle.read(8)
    if start[:1] == b"\x80" or start[:2] == b"PK":
        return "it is a pickled PyTorch file, which could run code and is never opened. Expected a .safetensors file that restorae wrote"
    return "it is cut short, damaged, or not a .safetensors file"
