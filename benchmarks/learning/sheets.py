"""Section `sheets` of the part `learning`: real images before and after, pixel for pixel, to be looked at.

No figure says whether skin looks like plastic or a stroke was invented. The sheets stay below build/: nobody may hand the
images on.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lesson.vae_quality import load_or_none
from settings import Bench

from learning.data import place_of
from learning.training import train, working_folder
from restorae.data import ImageSet, open_images, open_noisy
from restorae.display import counted
from restorae.figures import full_size_sheet, write_figure
from restorae.model import SUFFIX, Model
from restorae.shapes import Image

MINUTES = 2.0
RECIPE: Mapping[str, object] = {
    "network": "unet(residual=true)",
    "loss": "neighbours",
    "learning_rate": 0.001,
    "batch_size": 16,
    "augment": True,
    "ema": 0.999,
}
"""How a micrograph is learned from by itself."""
RESTORER, CLEANER = "photo-restorer", "page-cleaner"
_ENLARGED, _FRAMES = 6, 4
_HELD_OUT: Mapping[str, float] = {"fei-sem-rbc.tif": 0, "calcium_imaging.tif": 0.02}
"""Of one image nothing can be held out, and of a thousand some are enough."""


def measure(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """Draw every sheet whose images and models are there."""
    folder = sheets_folder(bench)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    drawn, absent = [], []
    models = {Path(name).stem: load_or_none(name) for name in (bench.denoiser, RESTORER)}
    absent += [name for name, model in models.items() if model is None]
    for name, images, restorers in _subjects(
        bench, {name: model for name, model in models.items() if model is not None}, absent
    ):
        sheet = folder / f"{name}.png"
        write_figure(
            full_size_sheet(_restored(images, list(restorers.values())), ("before", *restorers)),
            sheet,
        )
        drawn.append(sheet.name)
        say(f"{sheet.name}: {counted(len(images), 'image')}, {', '.join(restorers)}")
    return {"drawn": drawn, "absent": absent}


def sheets_folder(bench: Bench) -> Path:
    """Where the sheets lie."""
    return bench.folder / "sheets"


def _subjects(
    bench: Bench, models: Mapping[str, Model], absent: list[str]
) -> Iterator[tuple[str, Sequence[tuple[str, Image]], Mapping[str, Model]]]:
    """A sheet's name, its images and who restores them; what is not there is added to `absent`."""
    for kind in ("old", "old_w_scratch"):
        if models:
            for named in _listed(
                open_images(place_of(bench, "old-photos", kind)), bench.test_photos
            ):
                yield f"{kind.replace('_', '-')}-{Path(named[0]).stem}", [named], models
    trained_here = working_folder(bench) / f"pages{SUFFIX}"
    cleaners = {"trained in this benchmark": str(trained_here), CLEANER: CLEANER}
    pages = {
        told: model for told, name in cleaners.items() if (model := load_or_none(name)) is not None
    }
    absent += [
        told if told == CLEANER else "a model of the section `pages`"
        for told in cleaners
        if told not in pages
    ]
    if pages:
        for named in _listed(
            open_images(place_of(bench, "dirty-documents", "test")), bench.test_photos
        ):
            yield f"page-{Path(named[0]).stem}", [named], pages
    for file, every in (("fei-sem-rbc.tif", None), ("calcium_imaging.tif", _FRAMES)):
        source = place_of(bench, "microscopy", "imageio-samples", file)
        itself = train(
            bench,
            Path(file).stem,
            {**RECIPE, "validation": _HELD_OUT[file]},
            MINUTES,
            {"noisy": source},
        )
        images = open_noisy(source)
        shown = _listed(
            images.subset(range(0, len(images), len(images) // every)) if every else images
        )
        yield Path(file).stem, shown, {"learned from itself alone": itself.model, **models}


def _listed(images: ImageSet, most: int | None = None) -> list[tuple[str, Image]]:
    return [(images.names[place], images[place]) for place in range(len(images))][:most]


def _restored(
    images: Sequence[tuple[str, Image]], models: Sequence[Model]
) -> list[tuple[str, list[Image]]]:
    """Each image and what every model makes of it; tiny ones are enlarged, every pixel to a square."""
    lines = []
    for name, image in images:
        versions = [image, *(model.restore_images(image[None])[0] for model in models)]
        lines.append((name, [_enlarged(version) for version in versions]))
    return lines


def _enlarged(image: Image) -> Image:
    if max(image.shape[1:]) > 64:
        return image
    return torch.repeat_interleave(torch.repeat_interleave(image, _ENLARGED, 1), _ENLARGED, 2)


def goals(found: Mapping[str, Any]) -> list[list[str]]:
    """None: a sheet is looked at."""
    return []


def report(found: Mapping[str, Any]) -> list[str]:
    """Which sheets were drawn, and for want of what others were not."""
    said = (
        f"{len(found['drawn'])} sheets were drawn into `build/benchmarks/sheets/`, before and after at full resolution: old photos by "
        "the "
        "photo models, dirty pages without a clean version, an image of an electron microscope and frames of calcium imaging, the "
        "last two also by a network trained on them only. They are for visual inspection and are not part of restorae."
    )
    if found["absent"]:
        said += f" Not there: {', '.join(found['absent'])}."
    return [said]
