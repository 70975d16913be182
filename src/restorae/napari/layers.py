"""Layers of napari as arrays of images, and restored arrays as layers that lie where the original does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np

from restorae.errors import BadImage, ShapeMismatch

LayerData: TypeAlias = tuple[np.ndarray, dict[str, Any], str]
"""What napari makes a layer of: values, attributes, and the kind of layer."""
_FURTHER = "NTZPQRUV"
"""Letters for axes before height and width, each of them a number of images."""
_OF_PYRAMIDS = ("multiscale", "locked_data_level")


class Layer(Protocol):
    """What of a layer of napari is used."""

    @property
    def name(self) -> str:
        """As the list of layers shows it."""

    @property
    def data(self) -> Any:
        """Values: an array, also one that is computed or read when it is needed; a list of them for a pyramid."""

    def as_layer_data_tuple(self) -> tuple[Any, Mapping[str, Any], str]:
        """Values, attributes and kind."""


def read_layer(layer: Layer) -> tuple[np.ndarray, str]:
    """The values of an image layer, the largest level of a pyramid, and a letter for each axis.

    Axes before height and width count images: planes, time, channels that are shown one by one. Only what napari shows as
    colour (`rgb`) are colour samples; a fourth is alpha.

    >>> class Stack:
    ...     name, data = "cells", np.zeros((5, 64, 48), "uint16")
    ...
    ...     def as_layer_data_tuple(self):
    ...         return self.data, {"rgb": False}, "image"
    >>> array, axes = read_layer(Stack())
    >>> axes
    'NHW'

    Raises:
        BadImage: it is no image layer, or has more axes than can be named.
    """
    values, attributes, kind = layer.as_layer_data_tuple()
    if kind != "image":
        raise BadImage(f"is a layer of kind {kind}; expected an image layer", subject=layer.name)
    largest = values[0] if attributes.get("multiscale") else values
    array = np.asarray(largest)
    image = "HWS" if attributes.get("rgb") else "HW"
    further = array.ndim - len(image)
    if not 0 <= further <= len(_FURTHER):
        raise BadImage(f"has values of shape {array.shape}, no images", subject=layer.name)
    return array, _FURTHER[:further] + image


def read_planes(layer: Layer) -> list[np.ndarray]:
    """Each image of a layer by itself: (height, width), or (height, width, samples) of a layer in colour."""
    array, axes = read_layer(layer)
    further = array.ndim - len(axes.lstrip(_FURTHER))
    return list(array.reshape(-1, *array.shape[further:]))


def read_marks(layer: Layer, size: tuple[int, ...]) -> np.ndarray:
    """Where a layer of labels marks something: 1 where an image may change, 0 elsewhere.

    Args:
        layer: labels.
        size: height and width of the images.

    Raises:
        ShapeMismatch: the labels have another size, or are several planes.
    """
    marks = np.asarray(layer.data)
    if marks.shape != size:
        raise ShapeMismatch(
            f"has labels of shape {marks.shape}, and images are {size[0]} × {size[1]} px",
            subject=layer.name,
        )
    marked: np.ndarray = marks != 0
    return marked.astype(np.float32)


def layer_like(layer: Layer, values: np.ndarray, facts: Mapping[str, Any]) -> LayerData:
    """Restored values as a layer that lies and looks as the original does: scale, units, colours, contrast, metadata.

    Args:
        layer: the original.
        values: of the same shape as what `read_layer` gave.
        facts: what is known of the restoration, for the layer's metadata under `restorae`.
    """
    _, attributes, kind = layer.as_layer_data_tuple()
    kept = {name: value for name, value in attributes.items() if name not in _OF_PYRAMIDS}
    kept["name"] = f"{layer.name} restored"
    kept["metadata"] = {**(attributes.get("metadata") or {}), "restorae": dict(facts)}
    return values, kept, kind
