"""Which file is read and which files are written: decided before anything is touched."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from restorae.errors import BadImage, Fix, Message, SettingsConflict, UsageError, nearest
from restorae.file_attributes import SourceFile
from restorae.files import write_failure
from restorae.formats import (
    FORMATS,
    SUFFIX_OF,
    WRITTEN,
    find_images,
    format_named,
    identify,
    kind_named,
)
from restorae.names import NamesOnDisk
from restorae.restoring.collisions import check_collisions
from restorae.restoring.passing_over import no_images, writable_images
from restorae.restoring.sources import check_exists

LOG = "restored.jsonl"
"""The log of a run, in the folder of its results; by it such a folder is recognised."""
_ANOTHER_PLACE = Fix("out", action="change")


@dataclass(frozen=True)
class FileTask:
    """One file to read and the files that are written for it."""

    source: Path
    target: Path
    """The restored file."""
    _: KW_ONLY
    name: Path = Path()
    """Where the source lies below what the person named: partners such as masks go by it."""
    kind: str | None = None
    """The format to write; None keeps the source's."""
    with_samples: bool = False
    """Whether samples and their spread are written too."""
    with_error_map: bool = False
    """Whether an error map is written too."""
    with_defect_mask: bool = False
    """Whether a mask of the defects is written too."""
    may_replace: bool = False
    """Whether the restored file may replace one that is there by then."""
    skip_existing: bool = False
    """Whether a restored file that is there by then is enough."""

    def opened_source(self, keep_times: bool) -> SourceFile:
        """The source as it is now, from which all that the task writes gets its rights and times.

        Raises:
            BadImage: it cannot be inspected.
        """
        new = None if self.may_replace else self.target
        return SourceFile.of(self.source, keep_times=keep_times, new=new)

    @property
    def is_array(self) -> bool:
        """Whether an array file is written."""
        return names_array(self.target)

    @property
    def samples(self) -> Path:
        """The folder of the samples; of an array the file that holds all of them."""
        return self.target.with_name(
            f"{self.target.stem}-samples{self.target.suffix if self.is_array else ''}"
        )

    def map_names(self, what: str) -> tuple[Path, ...]:
        """The files that a map (`error`, `spread`, `defects`) may become: a PNG, a TIFF where a PNG cannot hold it, of an array a .npy."""
        suffixes = (".npy",) if self.is_array else (".png", ".tif")
        return tuple(
            self.target.with_name(f"{self.target.stem}-{what}{suffix}") for suffix in suffixes
        )

    @property
    def companions(self) -> tuple[Path, ...]:
        """All that may be written beside the restored file."""
        return (
            *((self.samples, *self.map_names("spread")) if self.with_samples else ()),
            *(self.map_names("error") if self.with_error_map else ()),
            *(self.map_names("defects") if self.with_defect_mask else ()),
        )


class TaskList(list[FileTask]):
    """The tasks of a run."""

    def __init__(self, tasks: Iterable[FileTask] = (), passed_over: Sequence[Message] = ()) -> None:
        super().__init__(tasks)
        self.passed_over = list(passed_over)
        """What was passed over in folders, a line for each."""

    @classmethod
    def joined(cls, lists: Iterable[TaskList]) -> TaskList:
        """Several lists as one."""
        listed = list(lists)
        return cls(
            [task for each in listed for task in each],
            [notice for each in listed for notice in each.passed_over],
        )

    def remaining(self, skip_existing: bool) -> TaskList:
        """The tasks without those whose result is there, if they are to be skipped."""
        kept = [task for task in self if not (skip_existing and task.target.exists())]
        return TaskList(kept, self.passed_over)


def plan_tasks(
    inputs: Sequence[Path],
    out: Path,
    overwrite: bool = False,
    skip_existing: bool = False,
    kind: str | None = None,
    *,
    with_samples: bool = False,
    with_error_map: bool = False,
    with_defect_mask: bool = False,
) -> TaskList:
    """One task for each image or array that remains to be restored; below a folder the tree is kept.

    A single file becomes the file `out`, in the format that its suffix says, or goes into the folder `out` if that is one,
    is written `out/` or has no suffix; everything else goes into the folder `out`.

    Args:
        inputs: files and folders.
        out: where results go.
        overwrite: results may replace files that are there, and each its own source.
        skip_existing: leave out tasks whose result is there.
        kind: write all images in this format.
        with_samples: samples and their spread are written too.
        with_error_map: an error map is written too.
        with_defect_mask: a mask of the defects is written too.

    Raises:
        OutputError: `out` cannot be the name of a file.
        BadImage: an input does not exist, is of no format that is read, or is a folder without images.
        UsageError: a result would replace an input or a file that is there, or two would become one; or there is no such
            format to write.
    """
    tasks = list_tasks(
        inputs,
        out,
        overwrite,
        skip_existing,
        kind,
        with_samples=with_samples,
        with_error_map=with_error_map,
        with_defect_mask=with_defect_mask,
    )
    return tasks.remaining(skip_existing)


def list_tasks(
    inputs: Sequence[Path],
    out: Path,
    overwrite: bool = False,
    skip_existing: bool = False,
    kind: str | None = None,
    **companions: bool,
) -> TaskList:
    """As `plan_tasks`, with those whose result is there already."""
    if kind is not None and kind not in WRITTEN:
        raise UsageError(f"There is no format {kind!r} to write. {nearest(kind, WRITTEN)}")
    _check_name(out)
    tasks = TaskList()
    on_disk = NamesOnDisk()

    def add(source: Path, target: Path, name: Path, written: str | None) -> None:
        tasks.append(
            FileTask(
                source,
                on_disk.find(target),
                name=name,
                kind=written,
                **companions,
                may_replace=overwrite,
                skip_existing=skip_existing,
            )
        )

    for given in map(on_disk.find, inputs):
        check_exists(given)
        if given.is_dir():
            searched = find_images(given)
            writable, notices = writable_images(searched, kind)
            found = _without_results(writable, given, out)
            tasks.passed_over += notices
            if not found:
                raise no_images(given, notices)
            for path in found:
                name = path.relative_to(given)
                add(path, *renamed(path, out / name, kind, name))
            continue
        _check_kind(given)
        name = Path(given.name)
        if len(inputs) > 1 or is_folder(out):
            add(given, *renamed(given, out / name, kind, name))
        else:
            named = kind_named(out)
            if kind is not None and named is not None and named != kind:
                raise SettingsConflict(
                    f"{{}} {out.name} is a name for {named}, and {{}} is {kind}",
                    settings=("out", "format"),
                    fix=(Fix("format", action="omit"), _ANOTHER_PLACE),
                )
            add(given, out, name, kind or (named if named and FORMATS[named].can_write else None))
    check_collisions(tasks, may_exist=overwrite or skip_existing, overwrite=overwrite)
    return tasks


def renamed(
    source: Path, target: Path, kind: str | None, name: Path
) -> tuple[Path, Path, str | None]:
    """Target, name and format of a file that goes into a folder."""
    if names_array(source):
        return target, name, None
    if kind is not None and kind_named(target) != kind:
        target = target.with_suffix(SUFFIX_OF[kind])
    return target, name, kind


def names_array(path: Path) -> bool:
    """Whether a file's name promises an array."""
    found = format_named(path)
    return found is not None and found.is_array


def _check_name(out: Path) -> None:
    try:
        out.is_dir()
    except OSError as error:
        raise write_failure(out, error) from None


def _without_results(found: list[Path], given: Path, out: Path) -> list[Path]:
    """Leave out what an earlier run wrote into a folder below its own input: restoring it twice does not improve it."""
    inside = os.path.realpath(out)
    if not (out / LOG).is_file() or inside == os.path.realpath(given):
        return found
    return [
        path
        for path in found
        if os.path.commonpath([inside, os.path.realpath(path.parent)]) != inside
    ]


def _check_kind(given: Path) -> None:
    if format_named(given) is not None:
        return  # if it is broken, the run says so
    with contextlib.suppress(OSError):
        if identify(given) is not None:
            return  # a kind that is known and not read is refused by its name
    suffixes = sorted(suffix for each in FORMATS.values() for suffix in each.suffixes)
    raise BadImage(
        f"is of no format that is read. Expected {', '.join(suffixes)}",
        subject=given,
    )


def is_folder(out: Path) -> bool:
    """Whether `out` names a folder: one that is there, a name that ends in a slash, or one without a suffix."""
    return out.is_dir() or str(out).endswith(os.sep) or not out.suffix
