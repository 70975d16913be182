"""Restoring an image of the gallery, whole and as the command line does, or a quick look at what it will be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import BadImage, UsageError
from restorae.formats import MemoryWriter, open_original, read_still
from restorae.formats.orientation import upright
from restorae.restoring import FileTask, RestoreRequest, restore_files, restore_image
from restorae.restoring.in_memory import ImagesInMemory
from restorae.restoring.masks import laid_out_for
from restorae.restoring.outputs import RestoredOutput
from restorae.value_range import FULL_RANGE
from restorae.web.catalogue import Catalogue
from restorae.web.gallery import Gallery, GalleryImage, result_name
from restorae.web.jobs import Job, Work
from restorae.web.pyramid import display_range, pyramid_bytes, write_pyramid

PREVIEW = 250_000
"""Pixels of the smaller copy that is restored at once, so that something is seen soon."""


class Restoration(Work):
    """A job that restores one image."""

    kind = "restore"

    def __init__(
        self,
        image: GalleryImage,
        *,
        request: RestoreRequest,
        gallery: Gallery,
        catalogue: Catalogue,
        minutes: float,
    ) -> None:
        self.image, self.request, self.gallery, self.catalogue, self.minutes = (
            image,
            request,
            gallery,
            catalogue,
            minutes,
        )

    def about(self) -> dict[str, Any]:
        settings = self.request.to_dict()
        del settings["max_pixels"], settings["keep_times"]
        return {
            "image": self.image.id,
            "name": self.image.name,
            **settings,
            "mask": self.request.mask is not None,
        }

    def run(self, job: Job) -> dict[str, Any]:
        image, request = self.image, self.request
        kind = request.format or image.original.kind
        name = result_name(image.name, kind)
        target = image.workspace.folder / f"restored-{image.version + 1}{Path(name).suffix}"
        image.workspace.claim(_room_for_results(image))
        task = FileTask(
            image.file,
            target,
            name=Path(image.file.name),
            kind=request.format,
            may_replace=True,  # of an attempt that was stopped
            **request.companions(),
        )
        report = restore_files(
            [task],
            replace(request, max_pixels=self.gallery.limits.pixels),
            self.catalogue.restorers(),
            progress=job,
            check=job.check,
        )
        if report.failures:
            reason = report.failures[0].reason
            raise BadImage(
                reason.problem, subject=reason.subject, settings=reason.settings, fix=reason.fixes
            )
        job.check()
        result = open_original(target, most_pixels=self.gallery.limits.pixels)
        layers = {"before": image.layers["before"]}
        same = result.pages[0].dtype == image.original.pages[0].dtype
        values = image.values if same else display_range(result, "auto")
        layers["after"] = write_pyramid(
            result,
            values,
            image.workspace.folder,
            f"after-{image.version + 1}",
            check=job.check,
        )
        layers |= self._overlays(task, job)
        former = [
            *_files_of_result(image),
            *(path for name in image.layers if name != "before" for path in _files_of(image, name)),
        ]
        image.layers, image.result, image.result_name = layers, target, name
        image.version += 1
        for path in former:
            path.unlink(missing_ok=True)
        return {"name": name, "bytes": target.stat().st_size, "layers": list(layers)}

    def _overlays(self, task: FileTask, job: Job) -> dict[str, Any]:
        """Further layers that describe the result: the standard deviation of plausible restorations, or the error bound."""
        if task.is_array:
            return {}  # numbers in their own units, for download, not for display
        if self.request.samples is not None:
            name = "spread"
        elif self.request.error_map:
            name = "error"
        elif self.request.defect_mask:
            name = "defects"
        else:
            return {}
        path = next(path for path in task.map_names(name) if path.exists())
        number = self.image.version + 1
        return {
            name: write_pyramid(
                open_original(path),
                FULL_RANGE,
                self.image.workspace.folder,
                f"{name}-{number}",
                check=job.check,
            )
        }


def check_request(request: RestoreRequest, catalogue: Catalogue) -> None:
    """Find what is wrong with a request before it waits for its turn.

    Raises:
        UsageError, BadModelFile: as their messages say.
    """
    assert request.model is not None
    request.check(catalogue.restorers().get(request.model).capabilities)


def preview(image: GalleryImage, request: RestoreRequest, catalogue: Catalogue) -> np.ndarray:
    """A smaller copy of the image, restored: (height, width, bands) uint8, upright.

    Of a small image it is the image itself. Noise is partly averaged away in a smaller copy: this shows soon what the
    whole will be about, not what it will be to the pixel.
    """
    assert request.model is not None
    restorer = catalogue.restorers().get(request.model)
    if restorer.capabilities.needs_mask:
        raise UsageError(f"{restorer.name} fills what a mask marks; there is no preview of that")
    pyramid = image.layers["before"]
    level = pyramid.smaller_than(PREVIEW)
    stored = np.array(pyramid.stored(level))
    height, width = stored.shape[:2]
    shown = ImagesInMemory.of(stored[None], alpha=0, path=image.file)
    kept = MemoryWriter(shown.pages)
    mask = None
    if request.mask is not None:
        painted = laid_out_for(image.original, read_still(request.mask))
        mask = np.ascontiguousarray(painted[:: 2**level, :: 2**level][:height, :width])
    shown_only = replace(
        request, samples=None, error_map=False, defect_mask=False, values="full-range"
    )
    restore_image(shown, [RestoredOutput(kept)], restorer, shown_only, mask=mask)
    return upright(kept.images[0], image.original.orientation)


def _room_for_results(image: GalleryImage) -> int:
    """Claimed once: a second result takes the place of the first."""
    return 0 if image.result else 3 * image.original.bytes + 2 * pyramid_bytes(image.original)


def _files_of_result(image: GalleryImage) -> list[Path]:
    """The restored file, and what was written beside it."""
    return (
        []
        if image.result is None
        else [image.result, *image.result.parent.glob(f"{image.result.stem}-*")]
    )


def _files_of(image: GalleryImage, layer: str) -> list[Path]:
    pyramid = image.layers.get(layer)
    return [] if pyramid is None else list(pyramid.folder.glob(f"{pyramid.name}-*.pixels"))
