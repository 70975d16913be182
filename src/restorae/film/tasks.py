"""Which films are read and which files are written: decided before anything is touched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from restorae.errors import BadImage, Fix, UsageError
from restorae.files import require_writable
from restorae.formats.video.names import CONTAINERS, names_video
from restorae.restoring.collisions import check_collisions
from restorae.restoring.sources import check_exists
from restorae.restoring.tasks import FileTask, is_folder

_DEFAULT_SUFFIX = ".mkv"


def plan_films(
    inputs: Sequence[Path],
    out: Path,
    overwrite: bool = False,
    skip_existing: bool = False,
    *,
    resume: bool = False,
) -> list[FileTask]:
    """One task for each film, by the rules of images: a single film becomes the file `out`; else all go into the folder `out`.

    In a folder a film keeps its name, with .mkv as its suffix where its own container cannot be written.

    Args:
        inputs: files of films.
        out: where results go.
        overwrite: results may replace files that are there.
        skip_existing: leave out films whose result is there.
        resume: go on where a stopped run left off.

    Raises:
        UsageError: a result would replace an input or a file that is there, two would become one, `out` is of no kind that
            can be written, or a stopped run left pieces.
        OutputError: there is no place to write to.
        BadImage: an input does not exist, or is not a film by its name.
    """
    tasks = []
    for given in inputs:
        check_exists(given)
        if not names_video(given) or given.is_dir():
            raise BadImage(
                "is not a film by its name. Restore films and images in separate runs",
                subject=given,
            )
        if len(inputs) > 1 or is_folder(out):
            suffix = given.suffix if given.suffix.lower() in CONTAINERS else _DEFAULT_SUFFIX
            target = out / given.with_suffix(suffix).name
        else:
            target = out
        if target.suffix.lower() not in CONTAINERS:
            raise UsageError(
                f"is not a name for a film. Expected one that ends in {', '.join(CONTAINERS)}",
                subject=target,
                fix=Fix("out", action="change"),
            )
        tasks.append(
            FileTask(
                given,
                target,
                name=Path(given.name),
                may_replace=overwrite,
                skip_existing=skip_existing,
            )
        )
    check_collisions(tasks, may_exist=overwrite or skip_existing, overwrite=False)
    tasks = [task for task in tasks if not (skip_existing and task.target.exists())]
    for task in tasks:
        if pieces_of(task).exists() and not (overwrite or resume):
            raise UsageError(
                "holds the pieces of a run that was stopped",
                subject=pieces_of(task),
                fix=(Fix("resume"), Fix("overwrite")),
            )
        require_writable(task.target.parent)
    return tasks


def pieces_of(task: FileTask) -> Path:
    """The folder of a film's pieces while it is restored."""
    return task.target.with_name(f"{task.target.name}.pieces")
