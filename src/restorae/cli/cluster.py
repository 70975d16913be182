"""`restorae restore` for files in object stores, and by the workers of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from restorae.cli.wording import COMMAND_LINE
from restorae.errors import SettingsConflict, UsageError, in_words
from restorae.restoring.request import RestoreRequest
from restorae.restoring.sources import remote_uri


def concerns_cluster(inputs: Sequence[Path], out: Path, cluster: str | None) -> bool:
    """Whether workers restore, or files do not lie on this machine."""
    return cluster is not None or any(remote_uri(path) for path in (*inputs, out))


def restore_far_files(
    inputs: Sequence[Path],
    out: Path,
    request: RestoreRequest,
    *,
    cluster: str | None,
    overwrite: bool,
    skip_existing: bool,
    device: str,
) -> None:
    """Restore images by workers, or in this process from and to object stores."""
    request.check_combinations()
    if request.references:
        raise SettingsConflict(
            "{} is not supported for workers and object stores", settings=("references",)
        )
    if request.mask is not None and not request.mask.exists():
        raise UsageError("no such file or folder", subject=request.mask)
    from restorae.cli.console import say, terminal_progress
    from restorae.cli.outcome import finish
    from restorae.cli.restore import say_choice
    from restorae.cluster.running import require_place, restore_on_cluster
    from restorae.cluster.tasks import plan_cluster_tasks
    from restorae.restoring.tasks import LOG

    if cluster is not None:
        from restorae.cluster.libraries import import_ray

        import_ray()  # said before files are listed
    planned = plan_cluster_tasks(
        inputs, out, overwrite, skip_existing, request.format, **request.companions()
    )
    for notice in planned.passed_over:
        say(in_words(notice, COMMAND_LINE))
    if not planned.tasks:
        say("Nothing to do: every result exists already.")
        return
    place = remote_uri(out) or str(out.absolute())
    is_file = planned.tasks[0].target == place
    require_place(place, is_file=is_file)
    report = restore_on_cluster(
        planned.tasks,
        request,
        cluster,
        device=device,
        log=None if is_file else f"{place.rstrip('/')}/{LOG}",
        progress=terminal_progress(),
    )
    say_choice(report)
    finish("restored", len(planned.tasks), report.failures, remote_uri(out) or out)
