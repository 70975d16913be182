"""`restorae restore`: lift the damage off files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restorae.cli.options import (
    PRECISIONS,
    Device,
    Import,
    Overwrite,
    Precision,
    Seed,
    SkipExisting,
    Views,
    import_files,
    one_of,
    tell_of_views,
)
from restorae.errors import UsageError

if TYPE_CHECKING:
    from restorae.restoring import Job, Order

_VALUES = ("auto", "full-range", "own-range")


def restore(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="IN...",
            help="Pictures, stacks, folders (their tree is kept), .npy or .npz arrays.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder (or for one input the file) to write to.")],
    model: Annotated[
        str | None,
        typer.Option(
            help="A model file, a bundled model's name (restorae models list), or a classical method such as classical:nlm; by default "
            "a bundled model that suits the pictures, which is told."
        ),
    ] = None,
    strength: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="How far towards the restored picture: 0 leaves it, 1 is all the way.",
        ),
    ] = 1.0,
    mask: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE_OR_DIR",
            help="White where the picture is damaged: only there it is changed.",
        ),
    ] = None,
    preview: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Only show before and after of N pictures: --out is the sheet, a .png.",
        ),
    ] = None,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format", help="png, jpeg, tiff, webp or avif; by default each picture keeps its own."
        ),
    ] = None,
    quality: Annotated[
        int | None, typer.Option(min=1, max=100, help="Of JPEG (95), WebP (90), AVIF (80).")
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Draw so many plausible restorations: OUT holds their mean, NAME-samples them, NAME-spread their spread.",
        ),
    ] = None,
    error_map: Annotated[
        bool,
        typer.Option(
            "--error-map",
            help="Also write how far off each pixel may be: NAME-error.png, of an array NAME-error.npy.",
        ),
    ] = False,
    views: Views = 1,
    tile: Annotated[
        int | None,
        typer.Option(
            min=1, help="Side of a tile in pixels; by default what fits the memory at hand."
        ),
    ] = None,
    values: Annotated[
        str | None,
        typer.Option(
            help="How values map to 0..1: auto, full-range (of their type) or own-range (of the picture)."
        ),
    ] = None,
    axes: Annotated[
        str | None,
        typer.Option(
            help="What the sides of an array or stack are, such as ZYX or TCYX, where a file does not say."
        ),
    ] = None,
    together: Annotated[
        bool,
        typer.Option(
            "--together", help="Restore the channels of a stack together, not one by one."
        ),
    ] = False,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            min=1, help="Refuse pictures that declare more pixels than this (1,073,741,824)."
        ),
    ] = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
    device: Device = "auto",
    precision: Precision = "auto",
    imports: Import = None,
) -> None:
    """Restore pictures, stacks, folders and arrays with a trained model or a classical method (classical:nlm, …)."""
    from restorae.restoring import plan

    if values not in (None, *_VALUES):
        raise UsageError(f"There is no --values {values}. Choose {', '.join(_VALUES)}.")
    if error_map and (preview or samples is not None):
        raise UsageError(
            "--error-map goes neither with --preview nor with --samples, which tells how far its samples spread."
        )
    mapping: Any = values
    arithmetic = one_of("precision", precision, PRECISIONS)
    # whatever is wrong with the request is found before the network is even read
    jobs = plan(
        inputs,
        out.parent / "preview" if preview else out,
        overwrite or bool(preview),
        skip_existing,
        output_format,
    )
    from restorae.cli.console import say
    from restorae.formats import MOST_PIXELS
    from restorae.restoring import Masks, Order, Treatment, refuse_losses, restorer_named
    from restorae.restoring.error_maps import Bounded, error_maps_of

    import_files(imports)
    if not jobs:
        say("Nothing to do: every result is there already.")
        return
    if mask is not None and not mask.exists():
        raise UsageError(f"There is no mask {mask}: no file or folder of that name.")
    if error_map:
        refuse_losses(jobs, overwrite or skip_existing, error_maps_of)
    model = model or _chosen(jobs, mask)
    restorer = restorer_named(model, device, arithmetic, views)
    tell_of_views(restorer, views)
    if error_map:
        restorer = Bounded(restorer)
    order = Order(
        restorer,
        Treatment(strength=strength, tile=tile, values=mapping, together=together),
        None if mask is None else Masks(mask),
        quality,
        axes,
        max_pixels or MOST_PIXELS,
        _facts(model, views),
    )
    if preview:
        _preview(jobs, order, preview, out, seed, overwrite)
    elif samples is not None:
        _draw(jobs, order, samples, seed, out, overwrite or skip_existing)
    else:
        _restore(jobs, order, out)


def _chosen(jobs: list[Job], mask: Path | None) -> str:
    """What restores where no model is named; the person is told."""
    from restorae.cli.console import say
    from restorae.restoring import choose_for_files

    name, reason = choose_for_files(jobs, with_mask=mask is not None)
    say(f"Restoring with {name}: {reason}. Another: --model, from restorae models list.")
    return name


def _facts(model: str, views: int) -> dict[str, Any]:
    """What the log says of the model beside its name."""
    from restorae.model import find
    from restorae.restoring import PREFIX, file_digest

    return (
        {}
        if model.startswith(PREFIX)
        else {"model_sha256": file_digest(find(model)), "views": views}
    )


def _restore(jobs: list[Job], order: Order, out: Path) -> None:
    from restorae.cli.console import terminal_progress
    from restorae.cli.outcome import finish
    from restorae.files import require_writable
    from restorae.restoring import LOG, restore_files

    require_writable(jobs[0].target.parent)
    into_folder = jobs[0].target != out
    failures = restore_files(jobs, order, out / LOG if into_folder else None, terminal_progress())
    finish("restored", len(jobs), failures, out)


def _preview(
    jobs: list[Job], order: Order, count: int, sheet: Path, seed: int, overwrite: bool
) -> None:
    from restorae.cli.console import say, terminal_progress
    from restorae.cli.outcome import finish
    from restorae.figures import full_size_sheet, write_figure
    from restorae.restoring import preview

    if sheet.suffix.lower() != ".png":
        raise UsageError(
            f"A preview is one picture: give --out a name that ends in .png, not {sheet}."
        )
    if sheet.exists() and not overwrite:
        raise UsageError(f"{sheet} is there already. Use --overwrite or another --out.")
    shown, failures = preview(jobs, order, count, seed, terminal_progress())
    if shown:
        write_figure(full_size_sheet(shown, ("before", "after")), sheet)
        say(
            f"{sheet}: the middle of {len(shown)} picture(s) at full resolution, before and after. Nothing else was written."
        )
    finish("previewed", len(shown) + len(failures), failures, sheet)


def _draw(
    jobs: list[Job], order: Order, samples: int, seed: int, out: Path, may_exist: bool
) -> None:
    from restorae.cli.console import terminal_progress
    from restorae.cli.outcome import finish
    from restorae.files import require_writable
    from restorae.restoring import draw_files, refuse_losses

    require_writable(jobs[0].target.parent)
    refuse_losses(jobs, may_exist)
    finish("restored", len(jobs), draw_files(jobs, order, samples, seed, terminal_progress()), out)
