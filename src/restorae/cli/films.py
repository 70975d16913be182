"""`restorae restore` and `restorae degrade` of films."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from restorae.cli.options import import_files, warn_of_self_ensemble
from restorae.display import counted
from restorae.errors import InputError, SettingsConflict
from restorae.files import require_absent
from restorae.film.request import FilmRequest
from restorae.restoring.request import RestoreRequest

if TYPE_CHECKING:
    from restorae.degradations import Degradation
    from restorae.film.report import RestoredFilm


def restore_films(
    inputs: list[Path],
    out: Path,
    request: RestoreRequest,
    film: FilmRequest,
    overwrite: bool,
    skip_existing: bool,
    device: str,
    imports: list[Path] | None,
    cluster: str | None = None,
) -> None:
    """Restore films; exit with status 1 if one failed, or a part of one could not be decoded."""
    film.check(request)
    if cluster is not None:
        from restorae.cluster.libraries import import_ray

        import_ray()  # said before anything is read
    from restorae.film import plan_films
    from restorae.formats.video.library import import_av

    tasks = plan_films(
        inputs,
        out,
        overwrite,
        skip_existing,
        resume=film.resume,
        frame_rate=film.frame_rate is not None,
    )
    from restorae.cli.console import say, terminal_progress
    from restorae.cli.outcome import finish

    if not tasks:
        say("Nothing to do: every result exists already.")
        return
    import_av()
    import_files(imports)
    from restorae.film import restore_films as restore
    from restorae.restoring import FILMS, LOG, RestorerPool

    restorers = RestorerPool(device=device)
    restorer = restorers.get(request.model or FILMS)
    request.check(restorer.capabilities)
    warn_of_self_ensemble(restorer, request.self_ensemble)
    log = out / LOG if tasks[0].target != out else None
    if cluster is None:
        report = restore(tasks, request, film, restorers, log=log, progress=terminal_progress())
    else:
        from restorae.cluster.films import restore_films_on_cluster
        from restorae.cluster.worker import WorkPlan

        plan = WorkPlan.of_workers(request, device)
        report = restore_films_on_cluster(
            tasks, request, film, plan, cluster, log=log, progress=terminal_progress()
        )
    for restored in report.films:
        say(_said(restored))
    if request.model is None and report.films and request.strength:
        say(f"Restored with {FILMS} (the one for films).")
    finish("restored", len(tasks), report.failures, out)
    if any(restored.is_damaged for restored in report.films):
        raise typer.Exit(1)


def preview_films(
    inputs: list[Path],
    out: Path,
    request: RestoreRequest,
    film: FilmRequest,
    count: int,
    overwrite: bool,
    device: str,
    imports: list[Path] | None,
) -> None:
    """Write a sheet for each shot of each film; exit with status 1 if a film failed."""
    film.check(request)
    request.check_combinations(preview=True)
    if out.suffix or out.is_file():
        raise SettingsConflict(
            "{} of films writes a sheet for each shot, so {} must be a folder",
            settings=("preview", "out"),
        )
    from restorae.cli.console import say, terminal_progress
    from restorae.cli.outcome import finish
    from restorae.figures import full_size_sheet, write_figure
    from restorae.film import preview_film
    from restorae.film.tasks import sources_of
    from restorae.formats.video.library import import_av

    sources = sources_of(inputs, frame_rate=film.frame_rate is not None)
    import_av()
    import_files(imports)
    from restorae.restoring import RestorerPool
    from restorae.restoring.files import Failure

    restorers, failures = RestorerPool(device=device), []
    progress = terminal_progress()
    for source, name in sources.items():
        try:
            for shot in preview_film(
                source, request, film, restorers, count=count, progress=progress
            ):
                sheet = out / f"{name}-shot-{shot.number:03}.png"
                require_absent(sheet, overwrite)
                write_figure(full_size_sheet(shot.rows, ("before", "after", "repaired")), sheet)
                progress.say(f"{sheet}: {counted(len(shot.rows), 'frame')}.")
        except InputError as error:
            failures.append(Failure.of(source, error))
    say("No film was written.")
    finish("previewed", len(sources), failures, out)


def _said(restored: RestoredFilm) -> str:
    how = f"{restored.codec}{' without loss' * restored.is_lossless}"
    copied = f"; copied: {', '.join(restored.copied)}" if restored.copied else ""
    return f"{restored.task.target}: {restored.frames:,} frames, {how}{copied}."


def degrade_films(
    inputs: list[Path],
    damage: Degradation,
    out: Path,
    seed: int,
    overwrite: bool,
    skip_existing: bool,
) -> None:
    """Degrade films; exit with status 1 if one failed."""
    from restorae.cli.console import say, terminal_progress
    from restorae.cli.outcome import finish
    from restorae.film import degrade_film, film_seed, plan_films
    from restorae.formats.video.library import import_av
    from restorae.restoring.files import Failure

    import_av()
    tasks = plan_films(inputs, out, overwrite, skip_existing)
    progress, failures = terminal_progress(), []
    for index, task in enumerate(tasks):
        try:
            done = degrade_film(task, damage, film_seed(seed, index), progress=progress)
        except InputError as error:
            failures.append(Failure.of(task.source, error))
            continue
        for notice in done.notices:
            say(f"{task.source}: {notice}.")
        say(f"{done.target}: {done.frames:,} frames; what was drawn is in {done.record}.")
    finish("degraded", len(tasks), failures, out)
