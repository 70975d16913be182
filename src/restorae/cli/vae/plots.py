"""`restorae vae manifold | clusters`: plots of latent space."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restorae.cli.choices import Precision, Spacing, Split, use_precision
from restorae.cli.options import DataDir, Device, Import, Overwrite, import_files, ready_for
from restorae.cli.sources import mnist_or_digits
from restorae.cli.vae.options import (
    DEFAULT_MODEL,
    Data,
    Out,
    VAEName,
    check_one_size,
    load_vae,
    numbers,
)
from restorae.display import counted
from restorae.errors import Fix, ShapeMismatch, UsageError


def manifold(
    model: VAEName = DEFAULT_MODEL,
    out: Out = Path("manifold.png"),
    n: Annotated[int, typer.Option("--n", help="Images along each axis.")] = 30,
    extent: Annotated[
        float,
        typer.Option("--range", help="Both dimensions run from minus this value to this value."),
    ] = 1.0,
    spacing: Spacing = "linear",
    dimensions: Annotated[
        str, typer.Option(help="The two latent dimensions to vary, to the right and upwards.")
    ] = "0,1",
    overwrite: Overwrite = False,
    device: Device = "auto",
    precision: Precision = "auto",
    imports: Import = None,
) -> None:
    """Plot the decoded images of a grid of latents; .npy saves the images themselves, (n, n, height, width)."""
    import_files(imports)
    use_precision(precision)
    ready_for(out, (".png", ".npy"), overwrite)
    chosen = numbers(dimensions)
    if len(chosen) != 2 or any(value != int(value) for value in chosen):
        raise UsageError(
            f"expected two whole numbers, got {dimensions!r}",
            subject="--dimensions",
            fix=Fix("dimensions", "0,1"),
        )
    from restorae.cli.console import say
    from restorae.figures import write_figure
    from restorae.formats import write_array
    from restorae.latent import manifold as decode_grid

    vae = load_vae(model, device, plain_too=True)
    found = decode_grid(vae, n, extent, spacing, (int(chosen[0]), int(chosen[1])))
    right, up = found.dimensions
    if out.suffix.lower() == ".npy":
        write_array(out, found.images)
    else:
        write_figure(found.figure(), out, dpi=100)
    say(
        f"{out}: {n} × {n} images, z[{right}] to the right and z[{up}] upwards from {-extent:g} to {extent:g}."
    )


def clusters(
    model: VAEName = DEFAULT_MODEL,
    data: Data = None,
    out: Out = Path("clusters.png"),
    split: Split = "train",
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Labels of your own data: .npy, .npz or idx."),
    ] = None,
    colour_bar: Annotated[
        bool,
        typer.Option("--colour-bar", help="Show labels by a colour bar instead of a legend."),
    ] = False,
    overwrite: Overwrite = False,
    device: Device = "auto",
    precision: Precision = "auto",
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Plot the latent means of images, coloured by label."""
    import_files(imports)
    use_precision(precision)
    ready_for(out, (".png",), overwrite)
    from restorae.cli.console import say, terminal_progress
    from restorae.data import open_labelled, read_labels
    from restorae.figures import clusters_figure, write_figure
    from restorae.latent import project

    vae, progress = load_vae(model, device, plain_too=True), terminal_progress()
    source = data or mnist_or_digits(data_dir, progress)
    images, known = open_labelled(source, split, data_dir, progress)
    if labels is not None:
        known = read_labels(labels)
    if known is None:
        raise UsageError(
            "has no labels to colour by. Sort the images into one folder per label, or give labels as .npy, .npz or idx",
            subject=source,
            fix=Fix("labels", "FILE"),
        )
    if len(known) != len(images):
        raise ShapeMismatch(
            f"expected one label per image, got {counted(len(known), 'label')} for {counted(len(images), 'image')}",
            subject=source,
        )
    check_one_size(vae.network, images)
    plane = project(vae.encode(images.batch(range(len(images)))).mean)
    write_figure(clusters_figure(plane.points, known, plane.axes, plane.note, colour_bar), out)
    say(
        f"{out}: {counted(len(images), 'image')} of {source}{f', {plane.note}' if plane.note else ''}."
    )
