"""Restoring an image of the gallery as the command line does, and finding its defects."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from restorae.errors import BadImage
from restorae.files import require_writable, written_whole
from restorae.formats import open_original
from restorae.restoring import FileTask, RestoreRequest, restore_files
from restorae.value_range import FULL_RANGE
from restorae.web.catalogue import Catalogue
from restorae.web.gallery import Gallery
from restorae.web.gallery_image import RESULTS_KEPT, GalleryImage, Result
from restorae.web.names import result_name, unused_name, written_kind
from restorae.web.pyramid import pyramid_bytes
from restorae.web.work import Job, Work


class Restoration(Work):
    """A job that restores one image.

    Args:
        image: which.
        request: how.
        automatic: whether its model was chosen for the image: an image without damage is then left as it is.
        gallery: holds the image.
        catalogue: has the models.
        minutes: time limit.
        out: folder in which a copy of each result is saved, by the folders of what was dropped.
    """

    kind = "restore"

    def __init__(
        self,
        image: GalleryImage,
        *,
        request: RestoreRequest,
        automatic: bool,
        gallery: Gallery,
        catalogue: Catalogue,
        minutes: float,
        out: Path | None = None,
    ) -> None:
        self.image, self.request, self.gallery = image, request, gallery
        self.automatic = automatic
        self.catalogue, self.minutes, self.out = catalogue, minutes, out

    def about(self) -> dict[str, Any]:
        return {
            "image": self.image.id,
            "name": self.image.name,
            **_settings(self.request),
        }

    def run(self, job: Job) -> dict[str, Any]:
        image, request = self.image, self.request
        name = result_name(image.name, written_kind(image.original, request.format))
        number = image.version + 1
        image.workspace.claim(_room_for_result(image, _settings(request)))
        try:
            result = self._made(job, name, number)
        except BaseException:
            _drop(image.workspace.folder, number)
            image.workspace.settle()
            raise
        former = [
            each
            for each in image.results
            if each.settings == result.settings and each.unchanged == result.unchanged
        ]
        former = former or image.results[: max(0, len(image.results) + 1 - RESULTS_KEPT)]
        kept = [each for each in image.results if each not in former]
        image.results = [*kept, result]
        image.version = number
        for each in former:
            _remove(each)
        image.workspace.settle()
        self.gallery.changed(image)
        return {
            "name": name,
            "bytes": result.path.stat().st_size,
            "layers": ["before", *result.layers],
            "saved": result.saved,
        }

    def _made(self, job: Job, name: str, number: int) -> Result:
        """The restored file, what is shown of it, and its copy in the folder for results."""
        image, request = self.image, self.request
        kind = written_kind(image.original, request.format)
        if kind != image.original.kind:
            request = replace(request, format=cast("Any", kind))
        task, unchanged = _restored(
            image,
            image.workspace.folder / f"restored-{number}{Path(name).suffix}",
            request=replace(request, model=None) if self.automatic else request,
            gallery=self.gallery,
            catalogue=self.catalogue,
            job=job,
        )
        result = Result(
            number=number,
            settings=_settings(self.request),
            path=task.target,
            name=name,
            layers={},
            unchanged=unchanged,
        )
        restored = open_original(task.target, most_pixels=self.gallery.limits.pixels)
        result.layers["after"] = image.write_layer(
            restored, image.values_of(restored), f"after-{number}", job.check
        )
        if (found := _map_of(task, request)) is not None:
            what, result.maps[found[0]] = found[0], found[1]
            result.layers[what] = image.write_layer(
                open_original(found[1]), FULL_RANGE, f"{what}-{number}", job.check
            )
        job.check()
        if self.out is not None:
            result.saved = self._save(result)
        return result

    def _save(self, result: Result) -> str:
        """Copy a result into the folder for results; its path there. Files of others are never replaced."""
        assert self.out is not None
        folder = self.out / self.image.folder
        earlier = {each.saved for each in self.image.results}
        require_writable(folder)
        within = Path(self.image.folder)
        present = {
            path.name for path in folder.iterdir() if (within / path.name).as_posix() not in earlier
        }
        target = folder / unused_name(result.name, present)
        with written_whole(target) as path:
            shutil.copyfile(result.path, path)
        return target.relative_to(self.out).as_posix()


class DefectSearch(Work):
    """A job that finds defects of an image and makes them its mask, to be edited; nothing is restored by it."""

    kind = "find-defects"

    def __init__(
        self,
        image: GalleryImage,
        *,
        request: RestoreRequest,
        gallery: Gallery,
        catalogue: Catalogue,
        minutes: float,
    ) -> None:
        self.image, self.request, self.gallery = image, request, gallery
        self.catalogue, self.minutes = catalogue, minutes

    def about(self) -> dict[str, Any]:
        return {"image": self.image.id, "name": self.image.name, "model": self.request.model}

    def run(self, job: Job) -> dict[str, Any]:
        workspace = self.gallery.store.workspace()
        try:
            workspace.claim(2 * self.image.original.bytes)
            target = workspace.folder / f"found{self.image.file.suffix}"
            task, _ = _restored(
                self.image,
                target,
                request=self.request,
                gallery=self.gallery,
                catalogue=self.catalogue,
                job=job,
            )
            found = _map_of(task, self.request)
            if found is None:
                raise BadImage("has no defects that can be shown as an image")
            self.gallery.take_mask(self.image, found[1])
        finally:
            workspace.remove()
        return {"mask": self.image.mask is not None}


def check_request(request: RestoreRequest, catalogue: Catalogue) -> None:
    """Find what is wrong with a request before it waits for its turn.

    Raises:
        UsageError, BadModelFile: as their messages say.
    """
    assert request.model is not None
    request.check(catalogue.restorers().get(request.model).capabilities)


def _restored(
    image: GalleryImage,
    target: Path,
    *,
    request: RestoreRequest,
    gallery: Gallery,
    catalogue: Catalogue,
    job: Job,
) -> tuple[FileTask, bool]:
    """Restore an image's file to `target`: the task, which says what was written beside it, and whether nothing was changed."""
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
        replace(request, max_pixels=gallery.limits.pixels),
        catalogue.restorers(),
        progress=job,
        check=job.check,
    )
    if report.failures:
        raise report.failures[0].as_error()
    job.check()
    return task, bool(report.unchanged)


def _map_of(task: FileTask, request: RestoreRequest) -> tuple[str, Path] | None:
    """Name and file of a map that describes the result: standard deviation of samples, error bound, or defects."""
    if task.is_array:
        return None  # numbers in their own units, for download, not for display
    if request.samples is not None:
        name = "spread"
    elif request.error_map:
        name = "error"
    elif request.defect_mask:
        name = "defects"
    else:
        return None
    return name, next(path for path in task.map_names(name) if path.exists())


def _settings(request: RestoreRequest) -> dict[str, Any]:
    settings = request.to_dict()
    del settings["max_pixels"], settings["keep_times"]
    return {**settings, "mask": request.mask is not None}


def _room_for_result(image: GalleryImage, settings: dict[str, Any]) -> int:
    """Claimed unless the result takes the place of another."""
    same = any(each.settings == settings for each in image.results)
    if same or len(image.results) >= RESULTS_KEPT:
        return 0
    return 3 * image.original.bytes + 2 * pyramid_bytes(image.original)


def _remove(result: Result) -> None:
    """Remove a result's files, and what was written beside them."""
    for pyramid in result.layers.values():
        for path in pyramid.folder.glob(f"{pyramid.name}-*.pixels"):
            path.unlink(missing_ok=True)
    for path in [result.path, *result.path.parent.glob(f"{result.path.stem}-*")]:
        path.unlink(missing_ok=True)


def _drop(folder: Path, number: int) -> None:
    """Remove what is there of a result that was not finished."""
    for pattern in (f"restored-{number}[.-]*", f"*-{number}-*.pixels"):
        for path in folder.glob(pattern):
            if path.is_file():
                path.unlink(missing_ok=True)
