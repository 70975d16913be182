"""Restoring a picture of the gallery, whole and as the command line does, or a quick look at what it will be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restorae.errors import BadPicture, UsageError
from restorae.formats import ARRAY_KINDS, kind_named, open_original, read_still
from restorae.pixels import FULL_RANGE, as_batch
from restorae.restoring import Job as FileJob
from restorae.restoring import (
    Masks,
    ModelRestorer,
    Order,
    Restorer,
    Treatment,
    draw_files,
    restore_files,
)
from restorae.restoring.error_maps import Bounded, error_maps_of
from restorae.restoring.masks import upright
from restorae.restoring.restorers import Change
from restorae.shapes import Images
from restorae.web.catalogue import Catalogue
from restorae.web.gallery import Gallery, Picture, result_name
from restorae.web.jobs import Job, Work
from restorae.web.pyramid import display_range, pyramid_bytes, write_pyramid

PREVIEW = 250_000
"""Pixels of the smaller copy that is restored at once, so that something is seen soon."""


@dataclass(frozen=True)
class Wish:
    """How a picture is to be restored."""

    model: str
    strength: float = 1.0
    masked: bool = False
    """Only where the picture's mask is white."""
    samples: int | None = None
    """Draw so many plausible restorations; the result is their mean, and their spread is shown."""
    error_map: bool = False
    """Show too how far off each pixel may be."""
    views: int = 1
    """Average over so many views of the picture, turned and mirrored."""
    kind: str | None = None
    """The format to write; None keeps the picture's own."""
    quality: int | None = None


class Restoration(Work):
    """A job that restores one picture."""

    kind = "restore"

    def __init__(
        self, picture: Picture, wish: Wish, gallery: Gallery, catalogue: Catalogue, minutes: float
    ) -> None:
        self.picture, self.wish, self.gallery, self.catalogue, self.minutes = (
            picture,
            wish,
            gallery,
            catalogue,
            minutes,
        )

    def about(self) -> dict[str, Any]:
        return {
            "picture": self.picture.id,
            "name": self.picture.name,
            "model": self.wish.model,
            "strength": self.wish.strength,
            "mask": self.wish.masked,
            "samples": self.wish.samples,
            "error_map": self.wish.error_map,
            "views": self.wish.views,
        }

    def run(self, job: Job) -> dict[str, Any]:
        picture, wish = self.picture, self.wish
        restorer = self.catalogue.restorer(wish.model, wish.views)
        restorer = Stoppable(Bounded(restorer) if wish.error_map else restorer, job.check)
        kind = wish.kind or picture.original.kind
        name = result_name(picture.name, kind)
        target = picture.workspace.folder / f"restored-{picture.version + 1}{Path(name).suffix}"
        picture.workspace.claim(_room_for_results(picture))
        order = Order(
            restorer if wish.samples is None else self.catalogue.restorer(wish.model),
            Treatment(strength=wish.strength),
            Masks(picture.mask) if wish.masked and picture.mask else None,
            wish.quality,
            most_pixels=self.gallery.limits.pixels,
        )
        files = [FileJob(picture.file, target, Path(picture.file.name), wish.kind)]
        failures = (
            restore_files(files, order, progress=job)
            if wish.samples is None
            else draw_files(files, order, wish.samples, 0, job)
        )
        if failures:
            raise BadPicture(str(failures[0]))
        job.check()
        result = open_original(target, most_pixels=self.gallery.limits.pixels)
        layers = {"before": picture.layers["before"]}
        same = result.pages[0].dtype == picture.original.pages[0].dtype
        values = picture.values if same else display_range(result, "auto")
        layers["after"] = write_pyramid(
            result,
            values,
            picture.workspace.folder,
            f"after-{picture.version + 1}",
            check=job.check,
        )
        layers |= self._overlays(target, job)
        former = [
            *_files_of_result(picture),
            *(
                path
                for name in picture.layers
                if name != "before"
                for path in _files_of(picture, name)
            ),
        ]
        picture.layers, picture.result, picture.result_name = layers, target, name
        picture.version += 1
        for path in former:
            path.unlink(missing_ok=True)
        return {"name": name, "bytes": target.stat().st_size, "layers": list(layers)}

    def _overlays(self, target: Path, job: Job) -> dict[str, Any]:
        """Further layers that tell of the result: how far plausible restorations spread, or how far off it may be."""
        if kind_named(target) in ARRAY_KINDS:
            return {}  # numbers in their own units, to be downloaded and not to be looked at
        if self.wish.samples is not None:
            name, path = "spread", target.with_name(f"{target.stem}-spread{target.suffix}")
        elif self.wish.error_map:
            name, path = "error", next(path for path in error_maps_of(target) if path.exists())
        else:
            return {}
        number = self.picture.version + 1
        return {
            name: write_pyramid(
                open_original(path),
                FULL_RANGE,
                self.picture.workspace.folder,
                f"{name}-{number}",
                check=job.check,
            )
        }


class Stoppable(Restorer):
    """A restorer that can be stopped between two tiles."""

    def __init__(self, restorer: Restorer, check: Callable[[], None]) -> None:
        self.restorer, self.check = restorer, check
        self.name, self.halo, self.multiple_of = restorer.name, restorer.halo, restorer.multiple_of
        self.needs_mask, self.device, self.values = (
            restorer.needs_mask,
            restorer.device,
            restorer.values,
        )
        self.tells_bounds = restorer.tells_bounds

    def bytes_per_pixel(self, channels: int) -> float:
        return self.restorer.bytes_per_pixel(channels)

    def settled(self, size: tuple[int, int], sample: Callable[[], Images]) -> Change:
        change = self.restorer.settled(size, sample)

        def checked(images: Images) -> Images:
            self.check()
            return change(images)

        return checked

    def restore_images(self, images: Images) -> Images:
        self.check()
        return self.restorer.restore_images(images)


def check_wish(picture: Picture, wish: Wish, catalogue: Catalogue) -> None:
    """Find what is wrong with a wish before it waits for its turn.

    Raises:
        UsageError, BadModelFile: as their messages say.
    """
    restorer = catalogue.restorer(wish.model, wish.views)
    if restorer.needs_mask and not (wish.masked and picture.mask):
        raise UsageError(
            f"{restorer.name} fills what a mask marks. Paint one on the picture first."
        )
    if wish.masked and picture.mask is None:
        raise UsageError("There is no mask on this picture yet. Paint one, or restore all of it.")
    if wish.error_map:
        if not _tells_bounds(restorer):
            raise UsageError(
                f"{restorer.name} was calibrated on nothing, so nobody knows how far off it may be."
            )
        if wish.strength != 1 or wish.samples is not None:
            raise UsageError(
                "How far off a result may be is known of one restoration at full strength."
            )
    if wish.samples is not None:
        if wish.masked or wish.strength != 1 or wish.views != 1:
            raise UsageError(
                "Several plausible restorations go neither with a mask, nor with a strength below 1, nor with several views."
            )
        if not isinstance(restorer, ModelRestorer) or not catalogue.card(wish.model).latent:
            raise UsageError(f"{restorer.name} gives one answer for each picture.")


def _tells_bounds(restorer: Restorer) -> bool:
    """Whether it was calibrated, and so knows how far off it may be."""
    return isinstance(restorer, ModelRestorer) and bool(restorer.model.card.error_bounds)


def preview(picture: Picture, wish: Wish, catalogue: Catalogue) -> np.ndarray:
    """A smaller copy of the picture, restored: (height, width, bands) uint8, upright.

    Of a small picture it is the picture itself. Noise is partly averaged away in a smaller copy: this shows soon what the
    whole will be about, not what it will be to the pixel.
    """
    restorer = catalogue.restorer(wish.model)
    if restorer.needs_mask:
        raise UsageError(f"{restorer.name} fills what a mask marks; there is no preview of that.")
    pyramid = picture.layers["before"]
    level = pyramid.smaller_than(PREVIEW)
    images = as_batch(np.array(pyramid.stored(level))[None])
    change = restorer.settled(pyramid.sizes[level], lambda: images)
    with torch.inference_mode():
        after = change(images)
    mixed = (images + wish.strength * (after - images)).clamp(0, 1).mul(255).round()
    shown = upright(
        mixed[0].permute(1, 2, 0).numpy().astype(np.uint8), picture.original.orientation
    )
    if wish.masked and picture.mask is not None:
        mask = read_still(picture.mask)[:: 2**level, :: 2**level]
        shown = np.where(mask[..., None] > 0, shown, pyramid.level(level))
    return shown


def _room_for_results(picture: Picture) -> int:
    """Claimed once: a second result takes the place of the first."""
    return 0 if picture.result else 3 * picture.original.bytes + 2 * pyramid_bytes(picture.original)


def _files_of_result(picture: Picture) -> list[Path]:
    """The restored file, and what was written beside it."""
    return (
        []
        if picture.result is None
        else [picture.result, *picture.result.parent.glob(f"{picture.result.stem}-*")]
    )


def _files_of(picture: Picture, layer: str) -> list[Path]:
    pyramid = picture.layers.get(layer)
    return [] if pyramid is None else list(pyramid.folder.glob(f"{pyramid.name}-*.pixels"))
