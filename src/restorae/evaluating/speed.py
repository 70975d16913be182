"""How fast models are on this machine: a short measurement of each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch

from restorae.exporting.runtime import Runtime, choose_runtime, is_exported, running_on
from restorae.machine import Precision, choose_precision
from restorae.model import Model
from restorae.model.inference import restore_at_once
from restorae.networks import VAE

_SIDE = 256
"""Side of the image that is restored, in pixels; models for images of one size get a batch of as many pixels."""
_LEAST_RUNS, _MOST_RUNS = 3, 50
_SECONDS = 0.3


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How fast a model was."""

    model: str
    precision: str
    runtime: Runtime
    device: str
    images: tuple[int, ...]
    """Shape of the batch: (batch, channels, height, width)."""
    megapixels_per_second: float

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON values, the speed with three digits."""
        rounded = float(f"{self.megapixels_per_second:.3g}")
        return {
            **asdict(self),
            "images": [*self.images],
            "megapixels_per_second": rounded,
        }


def measure_speeds(model: Model) -> Iterator[Speed]:
    """The speed of a model in the precisions and runtimes that make sense for it here.

    Always what is used by default; float32, where that is another; and ONNX Runtime, where the model was exported for it before,
    since exporting takes longer than measuring.
    """
    precisions: list[Precision] = [_default_precision(model)]
    if precisions != ["float32"]:
        precisions.append("float32")
    usual = choose_runtime(None, model)
    for precision in precisions:
        yield _measure(model, precision, usual)
    if usual != "onnx" and is_exported(model):
        yield _measure(running_on("onnx", model), "float32", "onnx")


def _default_precision(model: Model) -> Precision:
    return choose_precision("auto", model.device, exact=isinstance(model.network, VAE))


def _measure(model: Model, precision: Precision, runtime: Runtime) -> Speed:
    images = _images_for(model)
    taken: list[float] = []
    restore_at_once(model, images, precision=precision)  # the first run sets everything up
    while len(taken) < _LEAST_RUNS or (sum(taken) < _SECONDS and len(taken) < _MOST_RUNS):
        start = time.perf_counter()
        restore_at_once(model, images, precision=precision).cpu()
        taken.append(time.perf_counter() - start)
    pixels = images.shape[0] * images.shape[-2] * images.shape[-1]
    return Speed(
        model=model.card.name,
        precision=precision,
        runtime=runtime,
        device=model.device.type if runtime == "pytorch" else "cpu",
        images=tuple(images.shape),
        megapixels_per_second=pixels / 1e6 / statistics.median(taken),
    )


def _images_for(model: Model) -> torch.Tensor:
    """Random images of the size that suits a model."""
    network = model.network
    size, count = (_SIDE, _SIDE), 1
    if isinstance(network, VAE):
        size = (network.height, network.width)
        count = max(1, _SIDE * _SIDE // (size[0] * size[1]))
    return torch.rand(
        (count, network.channels, *size), generator=torch.Generator().manual_seed(0)
    ).to(model.device)
