"""`restore`: files and images in memory in one call."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, overload

from restorae.errors import BadImage, Fix, InputError, SettingsConflict, UsageError
from restorae.layout import Layout, kind_of
from restorae.machine import Precision
from restorae.model import Model, bundled
from restorae.model import load as load_model
from restorae.model.in_memory import refuse_numbers
from restorae.progress import SILENT, Progress
from restorae.restoring.batch import restore_files
from restorae.restoring.classical import Classical
from restorae.restoring.classical_model import ClassicalModel
from restorae.restoring.loading import load
from restorae.restoring.model_choice import FILL, choose_for_set
from restorae.restoring.model_restorer import ModelRestorer
from restorae.restoring.opening import PREFIX, ClassicalRestorer, RestorerPool
from restorae.restoring.request import RestoreRequest
from restorae.restoring.tasks import plan_tasks

A = TypeVar("A")
Named: TypeAlias = str | os.PathLike[str] | Model | ClassicalModel
"""A model, a classical method, or the name or path of one."""
_LOOKED_AT = 12
"""Images of a batch that a model is chosen by."""


@overload
def restore(
    images: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    model: Named | None = None,
    mask: Any = None,
    strength: float = 1.0,
    self_ensemble: Literal[1, 2, 4, 8] = 1,
    axes: str | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    overwrite: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> Path: ...
@overload
def restore(  # type: ignore[overload-cannot-match, unused-ignore]
    images: A,
    out: str | os.PathLike[str] | None = None,
    *,
    model: Named | None = None,
    mask: Any = None,
    strength: float = 1.0,
    self_ensemble: Literal[1, 2, 4, 8] = 1,
    axes: str | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    overwrite: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> A: ...


def restore(
    images: Any,
    out: str | os.PathLike[str] | None = None,
    *,
    model: Named | None = None,
    mask: Any = None,
    strength: float = 1.0,
    self_ensemble: Literal[1, 2, 4, 8] = 1,
    axes: str | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    overwrite: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> Any:
    """Restore images: files into files, and images in memory into the same form.

    A path gives the path that was written, a list of paths a list of them. An array, a tensor, a PIL image, or a list of these
    gives the same kind, shape and type.

    Args:
        images: a path (also of a folder), an array, a tensor, a PIL image, or a list of one of these.
        out: for paths: the file or folder to write to. Default: beside the original, with `-restored` added to its name.
        model: a model, its name or path, or a classical method such as `classical:nlm`. Default: a bundled model that suits
            the image.
        mask: where images may change; for paths a path, else as `Model.restore` says. Without a model, what it marks is filled.
        strength: how far towards the restored image: 0 keeps the original, 1 is all the way.
        self_ensemble: 2, 4 or 8 averages over rotations and flips: slightly better, that many times slower.
        axes: one letter for each axis of an array, where its shape can mean several things.
        device: where a model is computed that is given by name: `cpu`, `cuda`, `auto`.
        precision: of the arithmetic.
        overwrite: replace files that are there.
        progress: hears which model was chosen, and of each file.
        settings: further fields of `RestoreRequest`, for files.

    Raises:
        BadImage, ShapeMismatch: an image cannot be used.
        UsageError: settings exclude each other, a file is there already, or there is no such model.
        InputError: some of many files failed; the others are written.
    """
    given = _with_paths(images)
    if given is not None:
        if isinstance(mask, str | os.PathLike):
            mask = Path(mask)
        elif mask is not None:
            raise SettingsConflict(
                "for files, {} is a path: an image, or a folder with one for each",
                settings=("mask",),
            )
        request = RestoreRequest(
            model=_name(model),
            mask=mask,
            strength=strength,
            self_ensemble=self_ensemble,
            axes=axes,
            precision=precision,
            **settings,
        )
        return _restore_paths(
            images, given, out, request, _pool(model, device), overwrite, progress
        )
    if out is not None or settings or overwrite:
        name = "out" if out is not None else next(iter(settings), "overwrite")
        raise SettingsConflict(
            "{} is for files, and images in memory were given",
            settings=(name,),
            fix=Fix(name, action="omit"),
        )
    if isinstance(images, list | tuple):
        refuse_numbers(images)
        masks = mask if isinstance(mask, list | tuple) else [mask] * len(images)
        if len(masks) != len(images):
            raise BadImage(f"got {len(images)} images and {len(masks)} masks")
        found = (
            restore(
                image, model=model, mask=its_mask, strength=strength, self_ensemble=self_ensemble,
                axes=axes, device=device, precision=precision, progress=progress,
            )
            for image, its_mask in zip(images, masks, strict=True)
        )  # fmt: skip
        return tuple(found) if isinstance(images, tuple) else list(found)
    kind_of(images)
    chosen = _opened(model, device) or _chosen(images, axes, mask is not None, device, progress)
    if isinstance(chosen, ClassicalModel):
        if self_ensemble != 1:
            raise UsageError(
                f"{chosen.method.kind} is no network: averaging over rotations does not improve it",
                fix=Fix("self_ensemble", action="omit"),
            )
        return chosen.restore(images, mask=mask, strength=strength, axes=axes)
    return chosen.restore(
        images, self_ensemble, mask=mask, strength=strength, axes=axes, precision=precision
    )


def _with_paths(images: Any) -> list[Path] | None:
    """The paths that were given, or None where images in memory were.

    Raises:
        BadImage: a list that mixes them.
    """
    if isinstance(images, str | os.PathLike):
        return [Path(images)]
    if not isinstance(images, list | tuple) or not images:
        return None
    paths = [isinstance(image, str | os.PathLike) for image in images]
    if any(paths) and not all(paths):
        raise BadImage(
            "got a list that mixes paths and images in memory. Restore them in two calls"
        )
    return [Path(image) for image in images] if all(paths) else None


def _restore_paths(
    images: Any,
    given: Sequence[Path],
    out: str | os.PathLike[str] | None,
    request: RestoreRequest,
    restorers: RestorerPool,
    overwrite: bool,
    progress: Progress,
) -> Any:
    options: dict[str, Any] = {
        "kind": request.format,
        "with_samples": request.samples is not None,
        "with_error_map": request.error_map,
    }
    if out is None:
        tasks = [
            task
            for path in given
            for task in plan_tasks([path], _beside(path, request), overwrite, **options)
        ]
    else:
        tasks = plan_tasks(given, Path(out), overwrite, **options)
    report = restore_files(tasks, request, restorers, progress=progress)
    for name, reasons in report.chosen.items():
        progress.say(f"Restored with {name} ({reasons[0]}).")
    if report.failures:
        first = report.failures[0].reason
        if len(tasks) == 1:
            raise InputError(
                first.problem, subject=first.subject, settings=first.settings, fix=first.fixes
            )
        raise InputError(
            f"{len(report.failures)} of {len(tasks)} files failed; the first is {first.render()}"
        )
    if isinstance(images, list | tuple):
        return [task.target for task in tasks]
    return tasks[0].target if given[0].is_file() else Path(out or _beside(given[0], request))


def _beside(path: Path, request: RestoreRequest) -> Path:
    suffix = path.suffix if request.format is None else f".{request.format}"
    return path.with_name(f"{path.stem}-restored{'' if path.is_dir() else suffix}")


def _name(model: Named | None) -> str | None:
    if isinstance(model, Model):
        return model.card.name
    if isinstance(model, ClassicalModel):
        return f"{PREFIX}{model.method}"
    return None if model is None else str(model)


def _pool(model: Named | None, device: str) -> RestorerPool:
    if isinstance(model, Model):
        return RestorerPool.of(ModelRestorer(model))
    if isinstance(model, ClassicalModel):
        return RestorerPool.of(ClassicalRestorer(model.method))
    return RestorerPool(device=device)


def _opened(model: Named | None, device: str) -> Model | ClassicalModel | None:
    if model is None or isinstance(model, Model | ClassicalModel):
        return model
    return _bundled(str(model), device) if str(model) in bundled() else load(model, device=device)


@functools.lru_cache(maxsize=4)
def _bundled(name: str, device: str) -> Model:
    """A bundled model, kept for the next call."""
    return load_model(name).to(device)


def _chosen(
    images: Any, axes: str | None, with_mask: bool, device: str, progress: Progress
) -> Model | ClassicalModel:
    """What suits images in memory: as for files, one choice for images that come in one array."""
    if with_mask:
        return ClassicalModel(Classical.of(FILL.removeprefix(PREFIX)))
    layout = Layout.of(images, axes=axes)
    choice = choose_for_set(layout.read(images)[:_LOOKED_AT])
    progress.say(f"Restoring with {choice.name} ({choice.reason}).")
    return _bundled(choice.name, device)
