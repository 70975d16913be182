"""`degrade`: images in memory, damaged in one call."""

from __future__ import annotations

from typing import TypeVar, cast

from restorae.degradations.contract import Degradation, DegradationLike
from restorae.errors import BadImage
from restorae.layout import Layout, kind_of
from restorae.randomness import generator

A = TypeVar("A")


def degrade(
    images: A, degradation: DegradationLike, *, seed: int = 0, axes: str | None = None
) -> A:
    """Add synthetic damage to images in memory; the result has the same form, shape and type.

        x_noisy = degrade(x, "gaussian-noise(mean=0.5,sigma=0.3)", seed=1)

    Each image gets damage of its own, which follows from the seed and the image's index alone. Amounts are on the [0, 1] scale
    of the image, whatever its type. Integers come back rounded and within their range; floats are not clipped. Alpha is kept.

    Args:
        images: an array, a tensor, a PIL image, or a list of these.
        degradation: what to do, as text (`blur(sigma=1) | jpeg(quality=30..60)`), as a part, or a function of images (batch,
            channel, height, width).
        seed: random seed.
        axes: one letter for each axis of an array, such as `CHW` or `NHW`, where its shape can mean several things.

    Raises:
        UnknownKind, BadSpec: there is no such degradation, or a setting cannot be used.
        BadImage, ShapeMismatch: the images cannot be used; the message names what they could mean.

    >>> import torch
    >>> degrade(torch.zeros(2, 1, 8, 8), "gaussian-noise(sigma=0.1)", seed=3).shape
    torch.Size([2, 1, 8, 8])
    """
    part = Degradation.of(degradation)
    several = images if isinstance(images, list | tuple) else [images]
    if any(kind_of(each) == "path" for each in several):
        raise BadImage(
            "got a path, and this takes images in memory. Open files first, as with PIL.Image.open(path)"
        )
    layouts = [Layout.of(each, axes=axes) for each in several]
    draw = part.draw(generator(seed), sum(layout.count for layout in layouts))
    damaged, first = [], 0
    for given, layout in zip(several, layouts, strict=True):
        chosen = draw.between(first, first + layout.count)
        first += layout.count
        damaged.append(layout.give_back(chosen.apply(layout.read(given)), given))
    if isinstance(images, list | tuple):
        return cast("A", damaged if isinstance(images, list) else tuple(damaged))
    return cast("A", damaged[0])
