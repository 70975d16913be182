"""Whether anything that a run writes would replace an input, another result, or a file that is there."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from restorae.errors import Fix, UsageError
from restorae.names import folded, tells_names_apart

if TYPE_CHECKING:
    from restorae.restoring.tasks import FileTask

_ANOTHER_PLACE = Fix("out", action="change")


def check_collisions(tasks: Sequence[FileTask], *, may_exist: bool, overwrite: bool) -> None:
    """Refuse to replace an input, another result, or a file that is there.

    Names that differ only in case or in how accents are written are one file where the file system says so.

    Raises:
        UsageError: something would be replaced.
    """
    # a link in the folder of the results may lead to another result
    places = [os.path.realpath(task.target) for task in tasks]
    _check_twice(tasks, places)
    _check_sources(tasks, places, overwrite)
    written = {task.target for task in tasks}
    sources_read = {os.path.realpath(task.source) for task in tasks}
    files = Counter(path for task in tasks for path in task.companions if path.suffix)
    for task in tasks:
        for path in task.companions:
            if path in written or files[path] > 1 or os.path.realpath(path) in sources_read:
                raise UsageError(
                    f"would be written twice, once beside {task.target.name}. Rename that or restore it in a run of its own",
                    subject=path,
                )
    _check_absent((path for task in tasks for path in (task.target, *task.companions)), may_exist)


def _check_twice(tasks: Sequence[FileTask], places: Sequence[str]) -> None:
    alike: dict[str, list[int]] = {}
    for index, place in enumerate(places):
        alike.setdefault(folded(place), []).append(index)
    for indices in alike.values():
        same = {places[index] for index in indices}
        if len(indices) == 1 or (len(same) == len(indices) and tells_names_apart(same)):
            continue
        sources = " and ".join(str(tasks[index].source) for index in indices)
        raise UsageError(
            f"would be written twice, from {sources}. Rename one of them or restore them in separate runs",
            subject=tasks[indices[0]].target,
            fix=_ANOTHER_PLACE,
        )


def _check_sources(tasks: Sequence[FileTask], places: Sequence[str], overwrite: bool) -> None:
    # pathlib's `resolve` raises where links form a circle
    sources_read = {folded(os.path.realpath(task.source)): task.source for task in tasks}
    for task, place in zip(tasks, places, strict=True):
        source = sources_read.get(folded(place))
        if source is None or not _is_same(place, source):
            continue
        if not (overwrite and _is_same(place, task.source)):
            raise UsageError(
                "is an input, and its result would replace it",
                subject=task.target,
                fix=(_ANOTHER_PLACE, Fix("overwrite")),
            )


def _is_same(place: str, source: Path) -> bool:
    """Whether two paths that differ at most in case and accents lead to one file."""
    if place == os.path.realpath(source):
        return True
    with contextlib.suppress(OSError):
        return folded(place) == folded(os.path.realpath(source)) and (
            Path(place).samefile(source) and not tells_names_apart({place, str(source)})
        )
    return False


def _check_absent(paths: Iterable[Path], may_exist: bool) -> None:
    # a link that leads nowhere is something too
    there = [] if may_exist else [path for path in paths if os.path.lexists(path)]
    if there:
        more = f" (and {len(there) - 1:,} more)" if len(there) > 1 else ""
        raise UsageError(
            f"exists already{more}",
            subject=there[0],
            fix=(Fix("overwrite"), Fix("skip_existing"), _ANOTHER_PLACE),
        )
