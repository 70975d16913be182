"""`restorae restore`: lift the damage off files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restorae.cli.options import Device, Import, ModelName, Overwrite, SkipExisting, import_files


def restore(
    inputs: Annotated[list[Path], typer.Argument(metavar="IN...", help="Pictures (PNG, JPEG), folders, .npy or .npz arrays.")],
    out: Annotated[Path, typer.Option(help="The folder (or for one input the file) to write to.")],
    model: ModelName,
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
    from restorae.restoring import run

    import_files(imports)
    if not jobs:
        say("Nothing to do: every result is there already.")
        return
    restorer = load(model).to(device)
    require_writable(jobs[0].target.parent)
    failures = run(jobs, lambda pixels, _: restorer.restore(pixels), "Restoring", terminal_progress())
    finish("restored", len(jobs), failures, out)
