"""The damage lab: an image, what a chain of damages makes of it, and what a model makes of that."""

from __future__ import annotations

import hashlib
import inspect
import re
import shlex
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from restorae.data import open_images
from restorae.degradations import Composite, Degradation
from restorae.errors import UsageError
from restorae.evaluating import Tally
from restorae.latent import tiled
from restorae.parts import kinds
from restorae.pixels import as_array, as_batch
from restorae.randomness import generator
from restorae.restoring import Restorer
from restorae.shapes import Images
from restorae.web.gallery_image import GalleryImage
from restorae.web.http_errors import not_found

LARGEST = 320
"""Side in pixels of the part of an image that the lab works on, at full resolution: noise is seen there only."""
_KEPT = 24
_ACROSS, _DOWN = 5, 3
_SAMPLES = {
    "digits": "fifteen handwritten digits",
    "camera": "a photographer, in grey",
    "astronaut": "a portrait",
    "coffee": "a cup of coffee",
    "page": "a printed page",
    "coins": "old coins, in grey",
    "brick": "a brick wall, in grey",
}


_FORMULA = re.compile(r",? \$[^$]*\\[^$]*\$( with \$[^$]*\$)?")
"""What only a typesetter can show, and the comma before it."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What the lab found."""

    id: str
    spec: str
    scores: dict[str, dict[str, float | None]]
    images: dict[str, np.ndarray]
    """`clean`, `degraded` and, with a model, `restored`: (height, width[, 3]) uint8."""


class Lab:
    """Keeps the last experiments, so that their images can be fetched."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Experiment] = OrderedDict()
        self._samples: dict[str, Images] = {}
        self._changing = threading.Lock()

    def sample(self, name: str) -> Images:
        """An image, or several, that come with the libraries: (n, channels, height, width).

        Raises:
            HttpError: there is none of that name.
        """
        if name not in _SAMPLES:
            raise not_found(f"sample {name!r}")
        if name not in self._samples:
            self._samples[name] = _digits() if name == "digits" else _from_skimage(name)
        return self._samples[name]

    def run(
        self, clean: Images, damage: Degradation, restorer: Restorer | None, seed: int
    ) -> Experiment:
        """Damage the images, restore them, and compare both with the clean ones."""
        degraded = damage.draw(generator(seed), len(clean)).apply(clean)
        by_name, scores = (
            {"clean": clean, "degraded": degraded},
            {"degraded": _scores(degraded, clean)},
        )
        if restorer is not None:
            with torch.inference_mode():
                restored = restorer.restore_images(degraded).clamp(0, 1)
            by_name["restored"], scores["restored"] = restored, _scores(restored, clean)
        shown = {name: _as_one(images) for name, images in by_name.items()}
        digest = hashlib.sha256(b"".join(each.tobytes() for each in shown.values()))
        digest.update(f"{damage} {restorer.name if restorer else ''} {seed}".encode())
        found = Experiment(
            id=digest.hexdigest()[:16], spec=str(damage), scores=scores, images=shown
        )
        with self._changing:
            self._kept[found.id] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def image(self, experiment: str, which: str) -> np.ndarray:
        """An image of an experiment that is still kept.

        Raises:
            HttpError: it is not.
        """
        found = self._kept.get(experiment)
        if found is None or which not in found.images:
            raise not_found("such experiment")
        return found.images[which]


def samples() -> dict[str, str]:
    """The images that come along: name, and what is on them."""
    return dict(_SAMPLES)


def part_of(image: GalleryImage, x: float, y: float) -> Images:
    """The part of an image around (x, y), fractions of its width and height, as a batch of one."""
    whole = image.layer("before").level(0)
    height, width = whole.shape[:2]
    top = round(min(max(y * height - LARGEST / 2, 0), max(height - LARGEST, 0)))
    left = round(min(max(x * width - LARGEST / 2, 0), max(width - LARGEST, 0)))
    return as_batch(np.ascontiguousarray(whole[top : top + LARGEST, left : left + LARGEST])[None])


def described() -> list[dict[str, Any]]:
    """Every kind of damage with its own JSON schema, of which a page makes its sliders; a new kind appears by itself."""
    found = sorted(
        (kind for kind in kinds(Degradation) if not issubclass(kind, Composite)),  # type: ignore[type-abstract]
        key=lambda kind: kind.kind,
    )
    return [
        {"kind": kind.kind, "about": _first_sentence(kind), "schema": kind.model_json_schema()}
        for kind in found
    ]


def chain_of(links: list[dict[str, Any]]) -> Degradation:
    """The damage that a page's list of links says: `{"kind": "blur", "sigma": "0.5..1.5"}`, …

    Raises:
        UsageError: there is none.
        UnknownKind, BadSpec: as their messages say.
    """
    if not links:
        raise UsageError("There is no damage yet: add one.")
    parts = [
        Degradation.from_dict({name: value for name, value in link.items() if name != "defined_in"})
        for link in links
    ]
    return parts[0] if len(parts) == 1 else Degradation.of(" | ".join(map(str, parts)))


def command_for(damage: Degradation) -> str:
    """The command that trains a network on that damage."""
    return f"restorae train --clean IMAGES --with {shlex.quote(str(damage))} --minutes 10 --out my-model"


def _first_sentence(kind: type[Degradation]) -> str:
    text = " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())
    return _FORMULA.sub("", text).replace("$", "")


def _digits() -> Images:
    return open_images("digits", "test").batch(range(_ACROSS * _DOWN))


def _from_skimage(name: str) -> Images:
    from skimage import data

    opened: Callable[[], np.ndarray] = getattr(data, name)
    pixels = opened()
    top, left = (max(0, (side - LARGEST) // 2) for side in pixels.shape[:2])
    if name == "astronaut":
        top, left = 0, 70  # the face
    return as_batch(pixels[top : top + LARGEST, left : left + LARGEST][None])


def _scores(images: Images, clean: Images) -> dict[str, float | None]:
    tally = Tally()
    tally.add(images, clean)
    found = tally.scores()
    return {"psnr": found.psnr, "ssim": found.ssim}


def _as_one(images: Images) -> np.ndarray:
    """A batch as one image: several lie side by side."""
    pixels = as_array(images.clamp(0, 1), np.uint8)
    if len(pixels) == 1:
        return np.asarray(pixels[0])
    pixels = pixels[: len(pixels) // _ACROSS * _ACROSS]
    return tiled(pixels.reshape(-1, _ACROSS, *pixels.shape[1:]))
