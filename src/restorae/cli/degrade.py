"""`restorae degrade`: add synthetic damage to images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorae.cli.films import degrade_films
from restorae.cli.options import DataDir, Import, Overwrite, Seed, SkipExisting, With, import_files
from restorae.errors import Fix, UsageError

if TYPE_CHECKING:
    from restorae.degradations import Degradation


def degrade(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="IN", help="Images, folders, arrays, films, or a data set's name."),
    ] = None,
    spec: With = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; for one image or film, the file.")
    ] = None,
    seed: Seed = 0,
    show: Annotated[
        bool,
        typer.Option("--show", help="Also write OUT-sheet.png, clean and degraded side by side."),
    ] = False,
    list_kinds: Annotated[
        bool,
        typer.Option("--list", help="List the kinds of damage, with their settings, and stop."),
    ] = False,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Add synthetic damage (noise, blur, scratches, or a chain) to images and films; reproducible for a given seed."""
    from restorae.cli.listing import list_family
    from restorae.degradations import Degradation

    import_files(imports)
    if list_kinds:
        list_family(Degradation)
        return
    if not inputs or spec is None or out is None:
        raise UsageError(
            "Inputs, damage and output are required: restorae degrade IN... --with SPEC --out DIR. "
            "For the kinds of damage run restorae degrade --list."
        )
    _degrade(inputs, Degradation.of(spec), out, seed, show, overwrite, skip_existing, data_dir)


def _degrade(
    inputs: list[str],
    damage: Degradation,
    out: Path,
    seed: int,
    show: bool,
    overwrite: bool,
    skip_existing: bool,
    data_dir: Path | None,
) -> None:
    from restorae.film.tasks import is_film

    if all(is_film(Path(name), frame_rate=False) for name in inputs):
        if show:
            raise UsageError("{} is for images", settings=("show",), fix=Fix("show", action="omit"))
        degrade_films(list(map(Path, inputs)), damage, out, seed, overwrite, skip_existing)
        return
    from restorae.cli.console import say, terminal_progress
    from restorae.cli.outcome import finish
    from restorae.data import is_named, open_images
    from restorae.files import require_absent
    from restorae.formats import write_array
    from restorae.pixels import as_array
    from restorae.randomness import generator
    from restorae.restoring import degrade_files, plan_tasks

    progress = terminal_progress()
    named = [name for name in inputs if is_named(name)]
    for name in named:
        images = open_images(name, "all", data_dir, progress)
        clean = images.batch(range(len(images)))
        target = out / f"{name}.npy"
        require_absent(target, overwrite)
        write_array(target, as_array(damage.draw(generator(seed), len(clean)).apply(clean)))
        say(f"{target}: {len(clean):,} degraded images, float32, not clipped.")
    rest = [Path(given) for given in inputs if given not in named]
    if not rest:
        return
    tasks = plan_tasks(rest, out, overwrite, skip_existing)
    for notice in tasks.passed_over:
        progress.say(notice)
    report = degrade_files(tasks, damage, seed, progress)
    for told in report.notices:
        progress.say(told)
    if show and report.examples:
        from restorae.figures import comparison_sheet, write_figure

        # beside the results, not among them, so that the folder can be used for training
        sheet = out.with_name(f"{out.stem if out.is_file() else out.name}-sheet.png")
        write_figure(comparison_sheet(report.examples, ("clean", "degraded")), sheet)
        say(f"{sheet}: clean and degraded.")
    finish("degraded", len(tasks), report.failures, out)
