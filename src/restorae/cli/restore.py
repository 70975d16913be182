"""`restorae restore`: restore files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorae.cli.cluster import concerns_cluster, restore_far_files
from restorae.cli.films import preview_films, restore_films
from restorae.cli.generated import with_request_options
from restorae.cli.options import (
    Device,
    Import,
    Overwrite,
    SkipExisting,
    import_files,
    warn_of_self_ensemble,
)
from restorae.cli.wording import COMMAND_LINE
from restorae.display import counted
from restorae.errors import Fix, SettingsConflict, UsageError, in_words
from restorae.film.request import FilmRequest
from restorae.restoring.request import RestoreRequest
from restorae.restoring.sources import check_exists

if TYPE_CHECKING:
    from restorae.restoring import FileTask, RestorerPool
    from restorae.restoring.batch_report import BatchReport
    from restorae.restoring.tasks import TaskList


@with_request_options
def restore(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="IN",
            help="Images, stacks, folders, films, .npy or .npz arrays; s3:// addresses.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write to; for one input, the file.")],
    request: RestoreRequest,
    film: FilmRequest,
    preview: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Only draw before and after of N images (--out is a .png), or of the worst N frames of each shot (--out is a folder).",
        ),
    ] = None,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
    device: Device = "auto",
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Restore by the workers of a Ray cluster: ray://HOST:PORT, or auto for one on this machine.",
            rich_help_panel="Computing",
        ),
    ] = None,
    imports: Import = None,
) -> None:
    """Denoise, repair or inpaint images and films with a pretrained model, your own model, or a classical method."""
    # a misspelt name is answered before NumPy is imported
    for given in inputs:
        check_exists(given)
    from restorae.film.tasks import is_film

    if cluster is not None and preview is not None:
        raise SettingsConflict("{} cannot be combined with {}", settings=("cluster", "preview"))
    if any(is_film(given, frame_rate=film.frame_rate is not None) for given in inputs):
        if preview is not None:
            preview_films(inputs, out, request, film, preview, overwrite, device, imports)
            return
        restore_films(
            inputs, out, request, film, overwrite, skip_existing, device, imports, cluster
        )
        return
    film.check_unused()
    if concerns_cluster(inputs, out, cluster):
        if preview is not None:
            raise UsageError("previews are made of files on this machine")
        import_files(imports)
        restore_far_files(
            inputs,
            out,
            request,
            cluster=cluster,
            overwrite=overwrite,
            skip_existing=skip_existing,
            device=device,
        )
        return
    from restorae.restoring.tasks import plan_tasks

    # whatever is wrong with the request is found before torch is even imported
    request.check_combinations(preview=preview is not None)
    if preview is not None:
        _check_sheet(out, overwrite)
    tasks = plan_tasks(
        inputs,
        out.parent / "preview" if preview else out,
        overwrite or preview is not None,
        skip_existing,
        request.format,
        **request.companions(),
    )
    from restorae.cli.console import say

    if not tasks:
        for notice in tasks.passed_over:
            say(in_words(notice, COMMAND_LINE))
        say("Nothing to do: every result exists already.")
        return
    if request.mask is not None and not request.mask.exists():
        raise UsageError("no such file or folder", subject=request.mask)
    import_files(imports)
    from restorae.restoring import PHOTOS, RestorerPool
    from restorae.restoring.model_choice import FILL

    restorers = RestorerPool(device=device)
    # without a model most files get the one for photographs: what it cannot do is refused at once
    usual = request.model or (PHOTOS if request.mask is None else FILL)
    restorer = restorers.get(usual)
    request.check(restorer.capabilities, preview=preview is not None)
    warn_of_self_ensemble(restorer, request.self_ensemble)
    if preview is not None:
        _preview(tasks, request, restorers, preview, out)
    else:
        _restore(tasks, request, restorers, out)


def _restore(tasks: TaskList, request: RestoreRequest, restorers: RestorerPool, out: Path) -> None:
    from restorae.cli.console import say, terminal_progress
    from restorae.cli.outcome import finish
    from restorae.files import require_writable
    from restorae.restoring import LOG
    from restorae.restoring.colouring import restore_and_colour

    require_writable(tasks[0].target.parent)
    into_folder = tasks[0].target != out
    report = restore_and_colour(
        tasks,
        request,
        restorers,
        log=out / LOG if into_folder else None,
        progress=terminal_progress(),
        passed_over=tasks.passed_over,
    )
    say_choice(report)
    if report.skipped:
        say(f"{report.skipped:,} of these were restored by another run meanwhile.")
    finish("restored", len(tasks), report.failures, out)


def say_choice(report: BatchReport) -> None:
    """Which models were chosen, and why; where they were named nothing is said."""
    from restorae.cli.console import say
    from restorae.restoring.model_choice import OLD_PRINTS, PAGES, PHOTOS, WHITENED
    from restorae.restoring.unneeded import RESTORE_ANYWAY, UNCHANGED

    if report.unchanged:
        count = "" if report.restored == 1 else f" in {report.unchanged:,} of {report.restored:,}"
        say(f"{UNCHANGED.capitalize()}{count}.")
        say(RESTORE_ANYWAY)
    if not report.chosen:
        return
    if report.restored == 1:
        ((name, (reason,)),) = report.chosen.items()
        say(f"Restored with {name} ({reason}).")
    else:
        ordered = sorted(report.chosen.items(), key=lambda item: -len(item[1]))
        groups = []
        for name, reasons in ordered:
            why = ", ".join(reason for reason, _ in Counter(reasons).most_common())
            groups.append(f"{len(reasons):,} with {name} ({why})")
        say(f"Restored {', '.join(groups)}.")
    if report.measurements:
        say(
            "Micrographs and other grey images of more than 8 bits are restored best by a model that has learned from them:"
            " restorae train --noisy FOLDER --out own.safetensors"
        )
    elif PHOTOS in report.chosen and not report.unchanged:
        say(OLD_PRINTS)
    if PAGES in report.chosen:
        say(WHITENED)


def _check_sheet(sheet: Path, overwrite: bool) -> None:
    if sheet.suffix.lower() != ".png":
        raise SettingsConflict(
            "{} writes one image, so {} must end in .png", settings=("preview", "out")
        )
    if sheet.exists() and not overwrite:
        raise UsageError(
            "exists already",
            subject=sheet,
            fix=(Fix("overwrite"), Fix("out", action="change")),
        )


def _preview(
    tasks: list[FileTask],
    request: RestoreRequest,
    restorers: RestorerPool,
    count: int,
    sheet: Path,
) -> None:
    from restorae.cli.console import say, terminal_progress
    from restorae.cli.outcome import finish
    from restorae.figures import full_size_sheet, write_figure
    from restorae.restoring import preview_files

    shown, failures = preview_files(
        tasks, request, restorers, count=count, progress=terminal_progress()
    )
    if shown:
        write_figure(full_size_sheet(shown, ("before", "after")), sheet)
        say(
            f"{sheet}: the middle of {counted(len(shown), 'image')} at full resolution, before and after. Nothing else was written."
        )
    finish("previewed", len(shown) + len(failures), failures, sheet)
