"""`restore`: files and images in memory in one call."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Unpack, overload

from restorae.errors import BadImage, Fix, InputError, SettingsConflict
from restorae.layout import kind_of
from restorae.machine import Precision
from restorae.model import Model, bundled
from restorae.model import load as load_model
from restorae.model.checks import require_no_table
from restorae.progress import SILENT, Progress
from restorae.restoring.classical_model import ClassicalModel
from restorae.restoring.collisions import check_collisions
from restorae.restoring.colouring import restore_and_colour
from restorae.restoring.in_memory import restore_as_files
from restorae.restoring.keywords import Named, RequestKeywords, RestoreKeywords
from restorae.restoring.model_restorer import ModelRestorer
from restorae.restoring.opening import PREFIX, ClassicalRestorer, RestorerPool
from restorae.restoring.request import RestoreRequest
from restorae.restoring.tasks import TaskList, list_tasks

A = TypeVar("A")


@overload
def restore(
    images: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    **settings: Unpack[RestoreKeywords],
) -> Path: ...
@overload
def restore(
    images: list[str] | list[Path] | tuple[str, ...] | tuple[Path, ...],
    out: str | os.PathLike[str] | None = None,
    **settings: Unpack[RestoreKeywords],
) -> list[Path]: ...
@overload
def restore(  # type: ignore[overload-cannot-match, unused-ignore]
    images: A,
    out: str | os.PathLike[str] | None = None,
    **settings: Unpack[RestoreKeywords],
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
    skip_existing: bool = False,
    progress: Progress = SILENT,
    **settings: Unpack[RequestKeywords],
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
        skip_existing: leave out files whose result is there; their paths are given back all the same.
        progress: hears which model was chosen, and of each file.
        settings: further fields of `RestoreRequest`: `repair`, `tone`, `grain`, `values`; for files also `format`, `samples`, …

    Raises:
        BadImage, ShapeMismatch: an image cannot be used.
        UsageError: settings exclude each other, a file is there already, or there is no such model.
        InputError: some of many files failed; the others are written.
    """
    given = _with_paths(images)
    in_memory = given is None
    if given is None:
        kind_of(images)
        if isinstance(model, Model):
            require_no_table(images, model.network, axes)
        for_files = {"out": out is not None, "overwrite": overwrite, "skip_existing": skip_existing}
        if name := next((name for name, is_given in for_files.items() if is_given), None):
            raise SettingsConflict(
                "{} is for files, and images in memory were given",
                settings=(name,),
                fix=Fix(name, action="omit"),
            )
    elif mask is not None and not isinstance(mask, str | os.PathLike):
        raise SettingsConflict(
            "for files, {} is a path: an image, or a folder with one for each", settings=("mask",)
        )
    request = RestoreRequest(
        model=_name(model),
        mask=None if in_memory or mask is None else Path(mask),
        strength=strength,
        self_ensemble=self_ensemble,
        axes=axes,
        precision=precision,
        **settings,
    )
    restorers = _pool(model, device)
    if given is not None:
        tasks = _plan(given, out, request, overwrite, skip_existing)
        _restore_tasks(
            tasks.remaining(skip_existing),
            request,
            restorers,
            progress,
        )
        if isinstance(images, list | tuple):
            return [task.target for task in tasks]
        return tasks[0].target if given[0].is_file() else Path(out or _beside(given[0], request))
    return restore_as_files(
        images,
        request,
        restorers.get,
        mask=mask,
        chosen=lambda choice: progress.say(f"Restoring with {choice.name} ({choice.reason})."),
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


def _plan(
    given: Sequence[Path],
    out: str | os.PathLike[str] | None,
    request: RestoreRequest,
    overwrite: bool,
    skip_existing: bool,
) -> TaskList:
    """All files to read and to write, also those whose result is there and stays."""
    options: dict[str, Any] = {"kind": request.format, **request.companions()}
    targets = [([path], _beside(path, request)) for path in given] if out is None else []
    targets = targets or [(list(given), Path(out or ""))]
    tasks = TaskList.joined(
        list_tasks(paths, target, overwrite, skip_existing, **options) for paths, target in targets
    )
    if out is None:
        check_collisions(tasks, may_exist=overwrite or skip_existing, overwrite=overwrite)
    return tasks


def _restore_tasks(
    tasks: TaskList, request: RestoreRequest, restorers: RestorerPool, progress: Progress
) -> None:
    report = restore_and_colour(
        tasks, request, restorers, progress=progress, passed_over=tasks.passed_over
    )
    for name, reasons in report.chosen.items():
        progress.say(f"Restored with {name} ({reasons[0]}).")
    if not report.failures:
        return
    first = report.failures[0]
    if len(tasks) == 1:
        raise first.as_error(InputError)
    raise InputError(f"{len(report.failures)} of {len(tasks)} files failed; the first is {first}")


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
    return RestorerPool(lambda name: _opened(name, device))


def _opened(name: str, device: str) -> Model:
    return _bundled(name, device) if name in bundled() else load_model(name).to(device)


@functools.lru_cache(maxsize=4)
def _bundled(name: str, device: str) -> Model:
    """A bundled model, kept for the next call."""
    return load_model(name).to(device)
