"""Which file each worker reads and writes, by path or address: decided before anything is touched."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from restorae.cluster.storage import Store
from restorae.errors import BadImage, Fix, Message, UsageError
from restorae.formats import find_images, format_named, kind_named
from restorae.restoring.passing_over import writable_images
from restorae.restoring.sources import check_exists, remote_uri
from restorae.restoring.tasks import FileTask, plan_tasks, renamed

_ANOTHER_PLACE = Fix("out", action="change")


@dataclass(frozen=True, kw_only=True)
class ClusterTask:
    """One file to restore, wherever it lies: a `FileTask` as plain text, to be sent to a worker."""

    source: str
    """A path that all workers see, or an address."""
    target: str
    """Likewise, of the restored file."""
    name: str
    """Where the source lies below what the person named."""
    kind: str | None = None
    """The format to write; None keeps the source's."""
    may_replace: bool = False
    """Whether the restored file may replace one that is there."""
    with_samples: bool = False
    with_error_map: bool = False
    with_defect_mask: bool = False
    pieces: tuple[int, int] | None = None
    """Of a film: the first piece to make, and the one behind the last."""

    @classmethod
    def of(cls, task: FileTask) -> ClusterTask:
        """The task of local files, or of files in a folder that all workers see."""
        return cls(
            source=str(task.source.absolute()),
            target=str(task.target.absolute()),
            name=str(task.name),
            kind=task.kind,
            may_replace=task.may_replace,
            with_samples=task.with_samples,
            with_error_map=task.with_error_map,
            with_defect_mask=task.with_defect_mask,
        )

    def on_this_machine(self, source: Path, target: Path) -> FileTask:
        """The task of a worker that has the source here and writes here; what is there already is done."""
        return FileTask(
            source,
            target,
            name=Path(self.name),
            kind=self.kind,
            may_replace=self.may_replace,
            skip_existing=not self.may_replace,
            with_samples=self.with_samples,
            with_error_map=self.with_error_map,
            with_defect_mask=self.with_defect_mask,
        )


@dataclass(frozen=True, kw_only=True)
class ClusterTasks:
    """The tasks of a run that remain to be done."""

    tasks: list[ClusterTask]
    passed_over: list[Message]
    """What was passed over in folders, a line for each."""


def plan_cluster_tasks(
    inputs: Sequence[Path],
    out: Path,
    overwrite: bool = False,
    skip_existing: bool = False,
    kind: str | None = None,
    **companions: bool,
) -> ClusterTasks:
    """As `plan_tasks`, also for files in object stores and on web servers.

    Raises:
        UsageError: results would go into the folder that is read, or replace files that are there.
        BadImage, OutputError: a place cannot be read or listed.
        MissingExtra: a library is not installed.
    """
    _check_apart(inputs, out)
    if remote_uri(out) is None and not any(map(remote_uri, inputs)):
        tasks = plan_tasks(inputs, out, overwrite, skip_existing, kind, **companions)
        return ClusterTasks(
            tasks=[ClusterTask.of(task) for task in tasks], passed_over=tasks.passed_over
        )
    found: list[tuple[str, PurePosixPath]] = []
    notices: list[Message] = []
    for given in inputs:
        found += _found(given, kind, notices)
    place = remote_uri(out) or str(out.absolute())
    single = len(found) == 1 and kind_named(Path(place)) is not None
    planned: list[ClusterTask] = []
    for source, name in found:
        path, _, written = renamed(Path(name), Path(name), kind, Path(name))
        planned.append(
            ClusterTask(
                source=source,
                target=place if single else f"{place.rstrip('/')}/{path.as_posix()}",
                name=str(name),
                kind=kind_named(Path(place)) if single else written,
                may_replace=overwrite,
                with_samples=companions.get("with_samples", False),
                with_error_map=companions.get("with_error_map", False),
                with_defect_mask=companions.get("with_defect_mask", False),
            )
        )
    return ClusterTasks(
        tasks=_remaining(planned, place, overwrite, skip_existing), passed_over=notices
    )


def _found(
    given: Path, kind: str | None, notices: list[Message]
) -> list[tuple[str, PurePosixPath]]:
    """The images at a path or an address, with their names below it."""
    uri = remote_uri(given)
    if uri is None:
        check_exists(given)
        if not given.is_dir():
            return [(str(given.absolute()), PurePosixPath(given.name))]
        images, said = writable_images(find_images(given), kind)
        notices += said
        return [
            (str(path.absolute()), PurePosixPath(path.relative_to(given).as_posix()))
            for path in images
        ]
    listed = Store.of(uri).files()
    if listed == [uri]:
        return [(uri, PurePosixPath(uri.partition("?")[0].rpartition("/")[2]))]
    base = uri.rstrip("/") + "/"
    below = [(each, PurePosixPath(each[len(base) :])) for each in listed]
    readable = [(each, name) for each, name in below if _is_image(name, kind)]
    if not readable:
        raise BadImage("holds no images", subject=uri)
    others = len(below) - len(readable)
    if others:
        notices.append(Message(f"passed over {others:,} other files", subject=uri))
    return readable


def _is_image(name: PurePosixPath, kind: str | None) -> bool:
    """Whether a name is an image's that can be read and written; its content is not fetched for that."""
    known = format_named(Path(name))
    hidden = any(part.startswith(".") for part in name.parts)
    return known is not None and not hidden and (known.can_write or kind is not None)


def _remaining(
    tasks: list[ClusterTask], place: str, overwrite: bool, skip_existing: bool
) -> list[ClusterTask]:
    """The tasks that are still to be done, by the rules of `plan_tasks`."""
    targets = [task.target for task in tasks]
    if len(set(targets)) < len(targets):
        twice = next(target for target in targets if targets.count(target) > 1)
        raise UsageError("two results would have this name", subject=twice, fix=_ANOTHER_PLACE)
    if overwrite:
        return tasks
    is_local = remote_uri(place) is None
    there = set(filter(os.path.lexists, targets)) if is_local else Store.of(place).existing()
    if not skip_existing and there & set(targets):
        raise UsageError(
            "exists already",
            subject=min(there & set(targets)),
            fix=(Fix("skip_existing"), Fix("overwrite"), _ANOTHER_PLACE),
        )
    return [task for task in tasks if task.target not in there]


def _check_apart(inputs: Sequence[Path], out: Path) -> None:
    """Results in a folder that is read would be restored again by a repeated run, and a repeated task would restore itself."""
    place = _address(out)
    for given in inputs:
        source = _address(given)
        if f"{place}/".startswith(f"{source}/"):
            raise UsageError(
                "results would go into the folder that is read", subject=place, fix=_ANOTHER_PLACE
            )


def _address(path: Path) -> str:
    return (remote_uri(path) or os.path.realpath(path)).rstrip("/")
