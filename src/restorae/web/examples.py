"""Worked examples for an empty page: images that come with the libraries, damaged as old ones are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restorae.degradations import Degradation
from restorae.pixels import as_array
from restorae.randomness import generator
from restorae.restoring.model_choice import PAGES, PHOTOS, PRINTS
from restorae.web.http_errors import not_found
from restorae.web.lab import Lab


@dataclass(frozen=True, kw_only=True)
class Example:
    """An image, its damage, and the model that repairs it."""

    sample: str
    damage: str
    model: str


EXAMPLES = {
    "faded-portrait": Example(
        sample="astronaut",
        damage="fading(strength=0.5) | dust(count=6) | scratches(count=2,width=0.03) | gaussian-noise(sigma=0.04)",
        model=PRINTS,
    ),
    "stained-page": Example(
        sample="page",
        damage="stains(count=2,size=0.8,strength=0.35) | gaussian-noise(sigma=0.02)",
        model=PAGES,
    ),
    "grainy-snapshot": Example(sample="coffee", damage="gaussian-noise(sigma=0.1)", model=PHOTOS),
}


def damaged(name: str, lab: Lab) -> tuple[np.ndarray, str]:
    """The damaged image of an example, (height, width[, 3]) uint8, and the model that repairs it.

    Raises:
        HttpError: there is no such example.
    """
    if name not in EXAMPLES:
        raise not_found(f"example {name!r}")
    example = EXAMPLES[name]
    clean = lab.sample(example.sample)
    damage = Degradation.of(example.damage)
    degraded = damage.draw(generator(0), len(clean)).apply(clean)
    return np.asarray(as_array(degraded.clamp(0, 1), np.uint8)[0]), example.model
