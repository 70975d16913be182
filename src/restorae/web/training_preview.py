"""What a network will learn from: how many images or pairs were found, and three of them, before a training begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch.nn import functional

from restorae.data import open_images
from restorae.data.pairs import match
from restorae.degradations import Degradation
from restorae.display import counted
from restorae.latent import tiled
from restorae.page_detection import center_crop
from restorae.pixels import as_array
from restorae.randomness import generator
from restorae.shapes import Image
from restorae.web.data_sets import DataSets
from restorae.web.training_request import TrainingRequest, check_fields

_SHOWN, _SIDE = 3, 160
_NAMED = 3


@dataclass(frozen=True)
class Examples:
    """Examples of what a network will learn."""

    said: str
    """What was found, in a sentence."""
    sheet: np.ndarray
    """Damaged images in the first row, clean ones below, if there are any: (height, width, 3) uint8."""


def show_examples(request: TrainingRequest, data: DataSets) -> Examples:
    """The first three examples of a training.

    Raises:
        UsageError: a setting is missing.
        BadImage, ShapeMismatch, BadSpec: the data or the damage cannot be used.
    """
    check_fields(request)
    if request.way == "noisy":
        assert request.noisy is not None
        images = open_images(data.source(request.noisy))
        places = _places(len(images))
        said = f"{counted(len(images), 'noisy image')} found."
        return Examples(said, _sheet([[images[place] for place in places]]))
    assert request.clean is not None
    clean = open_images(data.source(request.clean))
    if request.way == "pairs":
        assert request.degraded is not None
        pairs, unmatched = match(open_images(data.source(request.degraded)), clean)
        places = _places(len(pairs))
        said = f"{counted(len(pairs), 'pair')} found."
        if unmatched:
            more = f" and {len(unmatched) - _NAMED} more" if len(unmatched) > _NAMED else ""
            said += f" Without a partner: {', '.join(unmatched[:_NAMED])}{more}."
        said += "".join(f" {notice}" for notice in pairs.notices)
        rows = [[each[place] for place in places] for each in (pairs.degraded, pairs.clean)]
        return Examples(said, _sheet(rows))
    assert request.degradation is not None
    damage = Degradation.of(request.degradation)
    shown = [center_crop(clean[place], _SIDE) for place in _places(len(clean))]
    degraded = [
        damage.draw(generator(request.seed + number), count=1).apply(image[None])[0]
        for number, image in enumerate(shown)
    ]
    said = f"{counted(len(clean), 'clean image')} found; each gets a new draw of this damage."
    return Examples(said, _sheet([degraded, shown]))


def _places(count: int) -> list[int]:
    """Of so many images, the few that are shown: spread over all."""
    return sorted({place * count // _SHOWN for place in range(min(_SHOWN, count))})


def _sheet(rows: list[list[Image]]) -> np.ndarray:
    """Middles of images in rows, small ones larger, all of one size and in colour."""
    return tiled(np.stack([np.stack([_tile(image) for image in row]) for row in rows]))


def _tile(image: Image) -> np.ndarray:
    crop = center_crop(image, _SIDE)
    if max(crop.shape[-2:]) < _SIDE:
        times = _SIDE // max(crop.shape[-2:])
        crop = crop.repeat_interleave(times, -1).repeat_interleave(times, -2)
    below, beside = (_SIDE - length for length in crop.shape[-2:])
    crop = functional.pad(crop, (0, beside, 0, below), value=1.0)
    crop = crop[:3] if len(crop) >= 3 else crop[:1].expand(3, -1, -1)
    return np.asarray(as_array(crop[None].clamp(0, 1), np.uint8)[0])
