"""What the widgets do: restore a layer, and train on layers. Neither needs napari, only layers."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import Message, ShapeMismatch, TrainingFailed, UsageError
from restorae.model import with_suffix
from restorae.napari.layers import Layer, LayerData, layer_like, read_layer, read_marks, read_planes
from restorae.progress import Progress
from restorae.restoring.in_one_call import restore
from restorae.restoring.request import RestoreRequest
from restorae.training import train
from restorae.version import VERSION


class _Heard(Progress):
    """Keeps the last notice: which model was chosen, and why."""

    last = ""

    def say(self, message: str | Message) -> None:
        self.last = message if isinstance(message, str) else message.render()


def restore_layer(
    layer: Layer, *, model: str | None = None, marks: Layer | None = None, **settings: Any
) -> LayerData:
    """A layer restored, all its planes, as a new layer.

    Args:
        layer: an image layer: grey or colour, one image or a stack of any number of axes.
        model: a bundled model's name, a model file or a classical method. Default: one that suits the image.
        marks: a layer of labels; only what it marks is changed.
        **settings: fields of `RestoreRequest`: `strength`, `repair`, `tone`, …

    Raises:
        BadImage, ShapeMismatch: the layer is no image, or the labels have another size.
        UsageError: settings exclude each other, or there is no such model.
    """
    array, axes = read_layer(layer)
    size = tuple(array.shape[axes.index(letter)] for letter in "HW")
    mask = None if marks is None else read_marks(marks, size)
    heard = _Heard()
    restored = restore(array, model=model, mask=mask, axes=axes, progress=heard, **settings)
    said = {name: value for name, value in settings.items() if name in RestoreRequest.names()}
    facts = {"version": VERSION, "model": model or heard.last, **said}
    return layer_like(layer, restored, facts)


def train_on_layers(
    degraded: Layer, clean: Layer | None, out: Path, *, overwrite: bool = False, **settings: Any
) -> Path:
    """Train a network on a layer and its clean partner, plane by plane, and return the model's file.

    The training runs in a process of its own, so that windows stay usable and its memory is freed.

    Args:
        degraded: images to restore; without `clean`, noisy images to learn from alone.
        clean: the same images without damage, in the same order.
        out: the model's file.
        overwrite: replace a model that is there.
        **settings: fields of `Recipe`: `minutes`, `steps`, `patch`, …

    Raises:
        BadImage: a layer is no image.
        ShapeMismatch: the layers do not belong together.
        UsageError: both are the same layer, or a setting cannot be used.
        TrainingFailed: nothing was learned, and nothing is written.
    """
    if degraded is clean:
        raise UsageError("the degraded and the clean layer are the same", subject=degraded.name)
    images = read_planes(degraded)
    partners = None if clean is None else read_planes(clean)
    if clean is not None and partners is not None:
        shapes = [{plane.shape for plane in planes} for planes in (images, partners)]
        if len(images) != len(partners) or shapes[0] != shapes[1]:
            raise ShapeMismatch(
                f"{degraded.name} has {len(images)} images of shape {images[0].shape}, and {clean.name} has "
                f"{len(partners)} of shape {partners[0].shape}; they must be pairs"
            )
    given = {"out": out, "overwrite": overwrite, **settings}
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
        try:
            apart.submit(_train, images, partners, given).result()
        except BrokenExecutor:
            raise TrainingFailed("the process that trained has ended, perhaps for memory") from None
    return with_suffix(out)


def _train(
    images: list[np.ndarray], partners: list[np.ndarray] | None, settings: dict[str, Any]
) -> None:
    """Train in this process; of an error only what can be sent is kept."""
    try:
        if partners is None:
            train(noisy=images, progress=False, **settings)
        else:
            train(images, partners, progress=False, **settings)
    except TrainingFailed as error:
        error.model = None
        raise
