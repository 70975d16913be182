"""`restorae restore`: lift the damage off files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorae.cli.options import Device, Import, ModelName, Overwrite, Seed, SkipExisting, import_files

if TYPE_CHECKING:
    import numpy as np


def restore(
    inputs: Annotated[list[Path], typer.Argument(metavar="IN...", help="Pictures (PNG, JPEG), folders, .npy or .npz arrays.")],
    out: Annotated[Path, typer.Option(help="The folder (or for one input the file) to write to.")],
    model: ModelName,
    samples: Annotated[
        int | None,
        typer.Option(min=2, help="Draw so many plausible restorations: OUT holds their mean, NAME-samples them, NAME-spread their spread."),
    ] = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
    device: Device = "auto",
    imports: Import = None,
) -> None:
    """Restore pictures, folders (their tree is kept) and arrays with a trained model."""
    from restorae.restoring import plan

    # whatever is wrong with the request is found before the network is even read
    jobs = plan(inputs, out, overwrite, skip_existing)
    from restorae.cli.console import say, terminal_progress
    from restorae.cli.outcome import finish
    from restorae.files import require_writable
    from restorae.model import load
    from restorae.restoring import as_float, refuse_losses, run, write_samples

    import_files(imports)
    if not jobs:
        say("Nothing to do: every result is there already.")
        return
    restorer = load(model).to(device)
    restorer.check_restores()
    require_writable(jobs[0].target.parent)
    if samples is not None:
        refuse_losses(jobs, overwrite or skip_existing)

    def change(pixels: np.ndarray, place: int) -> np.ndarray:
        if samples is None:
            return restorer.restore(pixels)
        return write_samples(jobs[place], restorer.restorations(as_float(pixels), samples, seed), pixels)

    failures = run(jobs, change, "Restoring", terminal_progress())
    finish("restored", len(jobs), failures, out)
