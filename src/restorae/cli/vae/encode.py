"""`restorae vae encode`: the latents of images, as arrays."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated

import typer

from restorae.cli.choices import Precision, Split, use_precision
from restorae.cli.options import DataDir, Device, Import, Overwrite, import_files, ready_for
from restorae.cli.sources import mnist_or_digits
from restorae.cli.vae.options import DEFAULT_MODEL, Data, Out, VAEName, load_vae
from restorae.display import counted
from restorae.errors import SettingsConflict


def encode(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="IN", help="Image files, instead of --data."),
    ] = None,
    model: VAEName = DEFAULT_MODEL,
    data: Data = None,
    out: Out = Path("latents.npz"),
    split: Split = "test",
    overwrite: Overwrite = False,
    device: Device = "auto",
    precision: Precision = "auto",
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Save the latents of images: arrays mean and log_var (n, latent_dim), names, and labels if known."""
    import_files(imports)
    use_precision(precision)
    ready_for(out, (".npz",), overwrite)
    import numpy as np

    from restorae.cli.console import say, terminal_progress
    from restorae.data import open_labelled
    from restorae.files import write_bytes
    from restorae.formats import read_still
    from restorae.posterior import join

    if inputs and data is not None:
        raise SettingsConflict("image files cannot be combined with {}", settings=("data",))
    vae, progress, labels = load_vae(model, device, plain_too=True), terminal_progress(), None
    if inputs:
        posterior, names = (
            join([vae.encode(read_still(path)) for path in inputs]),
            [str(path) for path in inputs],
        )
    else:
        source = data or mnist_or_digits(data_dir, progress)
        images, labels = open_labelled(source, split, data_dir, progress)
        if images.common_size is None:
            posterior = join([vae.encode(images[index][None]) for index in range(len(images))])
        else:
            posterior = vae.encode(images.batch(range(len(images))))
        names = list(images.names)
    arrays = {
        "mean": posterior.mean.numpy(),
        "log_var": posterior.log_var.numpy(),
        "names": np.asarray(names),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays, **({} if labels is None else {"labels": labels}))  # type: ignore[arg-type]
    write_bytes(out, buffer.getvalue())
    say(
        f"{out}: latents of {counted(len(posterior), 'image')}, {counted(posterior.mean.shape[1], 'dimension')} each."
    )
