"""Films by the workers of a cluster: each makes some of the pieces; the plain run plans before and joins after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from restorae import machine
from restorae.cluster.engine import Cluster, connected, run_on_cluster
from restorae.cluster.tasks import ClusterTask
from restorae.cluster.worker import WorkPlan
from restorae.errors import OutputError, SettingsConflict
from restorae.film import FilmReport, FilmRequest, restore_films
from restorae.film.plan import FRAMES
from restorae.progress import SILENT, Progress
from restorae.restoring import RestoreRequest, RestorerPool
from restorae.restoring.tasks import FileTask

_PARTS = 4
"""Parts of a film for each worker: more of them end together, but each begins by decoding all frames before it."""


def restore_films_on_cluster(
    tasks: Sequence[FileTask],
    request: RestoreRequest,
    film: FilmRequest,
    plan: WorkPlan,
    address: str,
    *,
    log: Path | None = None,
    progress: Progress = SILENT,
) -> FilmReport:
    """As `restore_films`, one film after the other, the pieces of each restored by workers.

    A worker that is killed loses the piece that it was at. What workers could not do is done here at the end.

    Args:
        tasks: what to read and write, in folders that all workers see.
        request: how frames are restored.
        film: how films are read and written.
        plan: device of the workers.
        address: `auto` or `ray://HOST:PORT`.
        log: a file to which a line of JSON is added for each film.
        progress: hears of parts that are done, then of frames.

    Raises:
        SettingsConflict: colours are asked for, which are carried from frame to frame.
        ClusterError, OutputError: as `restore_on_cluster`.
    """
    if request.references:
        raise SettingsConflict(
            "{} is not supported for workers: colours are carried along the film",
            settings=("references",),
        )
    with connected(address) as cluster:
        plan = replace(plan, film=film, memory=cluster.memory)

        def make_pieces(task: FileTask, frames: int) -> None:
            _make_pieces(task, math.ceil(frames / FRAMES), plan, cluster, progress)

        machine.assume_free_memory(cluster.memory)  # the tile must fit in the workers' memory
        try:
            return restore_films(
                tasks,
                request,
                film,
                RestorerPool(device=plan.device),
                log=log,
                progress=progress,
                make_pieces=make_pieces,
            )
        finally:
            machine.assume_free_memory(None)


def _make_pieces(
    task: FileTask, pieces: int, plan: WorkPlan, cluster: Cluster, progress: Progress
) -> None:
    """Let workers restore the pieces of one film."""
    each = math.ceil(pieces / (_PARTS * cluster.workers))
    whole = ClusterTask.of(task)
    parts = [
        replace(whole, pieces=(first, min(first + each, pieces)))
        for first in range(0, pieces, each)
    ]
    progress.begin("Restoring by workers", len(parts), "parts")
    try:
        for outcome in run_on_cluster(parts, plan, cluster):
            if outcome.stop is not None:
                raise OutputError.of(outcome.stop)
            if outcome.failure is not None:
                progress.warn(outcome.failure)
            progress.advance(1)
    finally:
        progress.end()
