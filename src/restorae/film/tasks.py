"""Which films are read and which files are written: decided before anything is touched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from restorae.errors import BadImage, Fix, UsageError
from restorae.file_attributes import SourceFile
from restorae.file_locks import remove_left_over
from restorae.files import require_writable
from restorae.formats.video.names import CONTAINERS, names_video
from restorae.formats.video.numbered_frames import FramePattern, NumberedFrames
from restorae.names import FRAME_SUFFIXES, names_frames
from restorae.restoring.collisions import check_collisions
from restorae.restoring.sources import check_exists
from restorae.restoring.tasks import FileTask, is_folder

_DEFAULT_SUFFIX = ".mkv"
_ANOTHER_PLACE = Fix("out", action="change")


def plan_films(
    inputs: Sequence[Path],
    out: Path,
    overwrite: bool = False,
    skip_existing: bool = False,
    *,
    resume: bool = False,
    frame_rate: bool = False,
) -> list[FileTask]:
    """One task for each film, by the rules of images: a single film becomes the file `out`; else all go into the folder `out`.

    In a folder a film keeps its name, with .mkv as its suffix where its own container cannot be written. Numbered frames are a
    film too, named by a pattern such as frames/%05d.png; in a folder they keep their names.

    Args:
        inputs: files of films, patterns of numbered frames, or their folders.
        out: where results go.
        overwrite: results may replace files that are there.
        skip_existing: leave out films whose result is there.
        resume: go on where a stopped run left off.
        frame_rate: whether a frame rate was said, so that folders hold numbered frames.

    Raises:
        UsageError: a result would replace an input or a file that is there, two would become one, `out` is of no kind that
            can be written, or a stopped run left pieces.
        OutputError: there is no place to write to.
        BadImage: an input does not exist, or is not a film by its name.
    """
    sources = [_source(given, frame_rate) for given in inputs]
    tasks = [
        FileTask(
            source,
            _target(source, out, alone=len(sources) == 1),
            name=Path(source.name),
            may_replace=overwrite,
            skip_existing=skip_existing,
        )
        for source in sources
    ]
    for task in tasks:
        _check_apart(task)
    check_collisions(tasks, may_exist=overwrite or skip_existing, overwrite=False)
    tasks = [task for task in tasks if not (skip_existing and _is_there(task.target))]
    for task in tasks:
        _check_absent(task, overwrite)
        if pieces_of(task).exists() and not (overwrite or resume):
            raise UsageError(
                "holds the pieces of a run that was stopped",
                subject=pieces_of(task),
                fix=(Fix("resume"), Fix("overwrite")),
            )
        require_writable(pieces_of(task).parent)
        remove_left_over(pieces_of(task).parent)
    return tasks


def sources_of(inputs: Sequence[Path], *, frame_rate: bool) -> dict[Path, str]:
    """The file or pattern of each film, with a short name for it.

    Raises:
        BadImage: an input does not exist, or is not a film by its name.
    """
    sources = [_source(given, frame_rate) for given in inputs]
    return {
        source: source.parent.resolve().name if names_frames(source) else source.stem
        for source in sources
    }


def is_film(given: Path, *, frame_rate: bool) -> bool:
    """Whether an input is a film by its name: a file, a pattern of numbered frames, or with a frame rate their folder."""
    if given.is_dir():
        return frame_rate
    return names_video(given) or names_frames(given)


def pieces_of(task: FileTask) -> Path:
    """The folder of a film's pieces while it is restored: beside the film, or beside the folder of numbered frames."""
    target = task.target
    place = target.parent.resolve() if names_frames(target) else target
    return place.with_name(f"{place.name}.pieces")


def lock_of(task: FileTask) -> Path:
    """A file that is locked while a process restores this film."""
    folder = pieces_of(task)
    return folder.with_name(f".{folder.name.lstrip('.')}.lock")


def opened_source(task: FileTask, keep_times: bool) -> SourceFile:
    """The source as it is now; of numbered frames the first. What is written gets its rights and times.

    Raises:
        BadImage: it cannot be inspected, or there are no such frames.
    """
    if not names_frames(task.source):
        return task.opened_source(keep_times)
    first = NumberedFrames.find(task.source).file(0)
    new = None if task.may_replace else task.target
    return SourceFile.of(first, keep_times=keep_times, new=new)


def _source(given: Path, frame_rate: bool) -> Path:
    """The file of a film, or the pattern of numbered frames."""
    check_exists(given)
    if names_frames(given):
        return given
    if given.is_dir() and frame_rate:
        return FramePattern.of_folder(given).template
    if not names_video(given) or given.is_dir():
        raise BadImage(
            "is not a film by its name. Restore films and images in separate runs",
            subject=given,
        )
    return given


def _target(source: Path, out: Path, *, alone: bool) -> Path:
    """The file of the restored film, or the pattern of its frames."""
    if names_frames(out) and not alone:
        raise UsageError(
            "is a name for one film, and there are several", subject=out, fix=_ANOTHER_PLACE
        )
    if names_frames(out) or (alone and not is_folder(out)):
        target = out
    elif names_frames(source):
        target = (out if alone else out / source.parent.name) / source.name
    else:
        suffix = source.suffix if source.suffix.lower() in CONTAINERS else _DEFAULT_SUFFIX
        target = out / source.with_suffix(suffix).name
    if target.suffix.lower() not in CONTAINERS and not names_frames(target):
        frames = ", ".join(FRAME_SUFFIXES)
        raise UsageError(
            f"is not a name for a film. Expected one that ends in {', '.join(CONTAINERS)}, or numbered frames as %05d.png "
            f"({frames})",
            subject=target,
            fix=_ANOTHER_PLACE,
        )
    return target


def _is_there(target: Path) -> bool:
    """Whether a film, or any frame of a pattern, exists."""
    if not names_frames(target):
        return target.exists()
    return target.parent.is_dir() and bool(FramePattern(target).found())


def _check_apart(task: FileTask) -> None:
    """Refuse to write into the folder of the frames that are read."""
    source, target = task.source.parent.resolve(), task.target.parent.resolve()
    if names_frames(task.source) and target.is_relative_to(source):
        raise UsageError(
            "lies in the folder of the frames that are read",
            subject=task.target,
            fix=_ANOTHER_PLACE,
        )


def _check_absent(task: FileTask, overwrite: bool) -> None:
    """Refuse to write among frames that are there."""
    target = task.target
    if names_frames(target) and _is_there(target) and not overwrite:
        raise UsageError(
            "exists already: there are frames of such names",
            subject=target,
            fix=(Fix("overwrite"), Fix("skip_existing"), _ANOTHER_PLACE),
        )
