"""`restorae vae manifold | clusters | sample | interpolate | reconstruct`: what a latent space holds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorae.cli.options import DataDir, Device, Import, Seed, Split, import_files, ready_for
from restorae.cli.sources import check_split, mnist_or_digits, one_picture
from restorae.cli.vae.options import DEFAULT_MODEL, Data, Out, Overwrite, VAEName, Zoom, load_vae
from restorae.errors import ShapeMismatch, UsageError

if TYPE_CHECKING:
    import numpy as np

_PICTURES = (".png", ".jpg", ".npy")
_COLUMNS = 8


def manifold(
    model: VAEName = DEFAULT_MODEL,
    out: Out = Path("manifold.png"),
    n: Annotated[int, typer.Option("--n", help="Pictures along each side.")] = 30,
    extent: Annotated[
        float, typer.Option("--range", help="Both dimensions run from minus this to this.")
    ] = 1.0,
    spacing: Annotated[
        str, typer.Option(help="linear, or quantile: equally likely steps.")
    ] = "linear",
    dimensions: Annotated[
        str, typer.Option(help="The two latent dimensions to walk along, right and up.")
    ] = "0,1",
    overwrite: Overwrite = False,
    device: Device = "auto",
    imports: Import = None,
) -> None:
    """Plot what the decoder makes of a grid of latents; .npy gives the pictures themselves, (n, n, height, width)."""
    import_files(imports)
    ready_for(out, (".png", ".npy"), overwrite)
    if spacing not in ("linear", "quantile"):
        raise UsageError(f"There is no spacing {spacing!r}. Choose linear or quantile.")
    chosen = _numbers(dimensions, "--dimensions takes two whole numbers, such as 0,1")
    if len(chosen) != 2 or any(value != int(value) for value in chosen):
        raise UsageError(f"--dimensions takes two whole numbers, such as 0,1; {dimensions!r} came.")
    from restorae.cli.console import say
    from restorae.figures import manifold_figure, write_figure
    from restorae.formats import write_array
    from restorae.latent import manifold as decode_grid

    vae = load_vae(model, device)
    found = decode_grid(vae, n, extent, spacing, (int(chosen[0]), int(chosen[1])))  # type: ignore[arg-type]
    right, up = found.dimensions
    if out.suffix.lower() == ".npy":
        write_array(out, found.images)
    else:
        write_figure(
            manifold_figure(found.canvas, found.values.tolist(), (f"z[{right}]", f"z[{up}]")),
            out,
            dpi=100,
        )
    say(
        f"{out}: {n} × {n} pictures, z[{right}] to the right and z[{up}] upwards from {-extent:g} to {extent:g}."
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
    overwrite: Overwrite = False,
    device: Device = "auto",
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Plot where pictures lie in latent space (their z_mean), coloured by label."""
    import_files(imports)
    ready_for(out, (".png",), overwrite)
    from restorae.cli.console import say, terminal_progress
    from restorae.data import open_labelled, read_labels
    from restorae.figures import clusters_figure, write_figure
    from restorae.latent import project

    vae, progress = load_vae(model, device), terminal_progress()
    source = data or mnist_or_digits(data_dir, progress)
    pictures, known = open_labelled(source, check_split(split), data_dir, progress)
    if labels is not None:
        known = read_labels(labels)
    if known is None:
        raise UsageError(
            f"{source} has no labels to colour by. Give them with --labels FILE (.npy, .npz or idx, one for each picture), or sort the "
            "pictures into one folder for each label."
        )
    if len(known) != len(pictures):
        raise ShapeMismatch(
            f"{len(known):,} labels came for {len(pictures):,} pictures of {source}. Expected one for each picture."
        )
    _same_size(vae.network, pictures)
    plane = project(vae.encode(pictures.batch(range(len(pictures)))).mean)
    write_figure(clusters_figure(plane.points, known, plane.axes, plane.note), out)
    say(f"{out}: {len(pictures):,} pictures of {source}{f', {plane.note}' if plane.note else ''}.")


def sample(
    model: VAEName = DEFAULT_MODEL,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y", help="The latent to decode: as many coordinates as it has dimensions."
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(min=1, help="How many to draw from the prior (64 if nothing is said)."),
    ] = None,
    out: Out = Path("samples.png"),
    zoom: Zoom = 4,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    device: Device = "auto",
    imports: Import = None,
) -> None:
    """Make pictures: at a chosen latent, or at latents drawn from the prior. .npy gives an array."""
    import_files(imports)
    ready_for(out, _PICTURES, overwrite)
    if at is not None and count is not None:
        raise UsageError("Give either --at, one latent to decode, or --count, how many to draw.")
    import numpy as np

    from restorae.cli.console import say

    vae = load_vae(model, device)
    latent_dim: int = vae.network.latent_dim  # type: ignore[attr-defined]
    if at is not None:
        place = _numbers(
            at,
            f"--at takes {latent_dim} number(s) with commas between, such as {','.join(['0.5'] * latent_dim)}",
        )
        if len(place) != latent_dim:
            raise UsageError(
                f"--at takes {latent_dim} coordinate(s), since the latent of {model} has so many; {at!r} has {len(place)}."
            )
        pictures, told = (
            vae.decode(np.asarray([place], np.float32)),
            f"the picture at ({', '.join(f'{each:g}' for each in place)})",
        )
    else:
        pictures = vae.sample(count or 64, seed)
        told = f"{len(pictures)} new pictures, drawn with seed {seed}"
    _write(out, pictures, zoom)
    say(f"{out}: {told}.")


def interpolate(
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="IMAGE",
            help="A picture file, or one of a set by its place, such as mnist:7.",
        ),
    ],
    end: Annotated[str, typer.Option("--to", metavar="IMAGE", help="Likewise.")],
    model: VAEName = DEFAULT_MODEL,
    steps: Annotated[int, typer.Option(help="Pictures on the way, both ends included.")] = 16,
    out: Out = Path("interpolation.gif"),
    split: Split = "test",
    zoom: Zoom = 4,
    overwrite: Overwrite = False,
    device: Device = "auto",
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Walk from one picture to another through latent space: .gif moves there and back, .png lays the pictures out."""
    import_files(imports)
    ready_for(out, (".gif", *_PICTURES), overwrite)
    import numpy as np

    from restorae.cli.console import say, terminal_progress
    from restorae.formats import write_gif
    from restorae.latent import interpolate as walk
    from restorae.pixels import stored_values

    vae, progress = load_vae(model, device), terminal_progress()
    first, last = (one_picture(each, split, data_dir, progress) for each in (start, end))
    pictures, _ = walk(vae, first, last, steps)
    if out.suffix.lower() == ".gif":
        there_and_back = np.concatenate([pictures, pictures[-2:0:-1]])
        write_gif(out, stored_values(_zoomed(there_and_back, zoom), np.dtype(np.uint8)))
    else:
        _write(out, pictures, zoom)
    say(f"{out}: {steps} pictures from {start} to {end}.")


def reconstruct(
    model: VAEName = DEFAULT_MODEL,
    data: Data = None,
    out: Out = Path("reconstructions.png"),
    count: Annotated[int, typer.Option(min=1, help="How many, from the beginning.")] = 10,
    split: Split = "test",
    overwrite: Overwrite = False,
    device: Device = "auto",
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Show pictures and what comes back of them through the latent; .npy gives all that came back."""
    import_files(imports)
    ready_for(out, (".png", ".npy"), overwrite)
    from restorae.cli.console import say, terminal_progress
    from restorae.data import open_pictures
    from restorae.figures import digit_sheets, write_figure
    from restorae.formats import write_array
    from restorae.pixels import as_array

    vae, progress = load_vae(model, device), terminal_progress()
    source = data or mnist_or_digits(data_dir, progress)
    pictures = open_pictures(source, check_split(split), data_dir, progress)
    _same_size(vae.network, pictures)
    images = pictures.batch(range(min(count, len(pictures))))
    reconstructed = vae.reconstruct(images)
    if out.suffix.lower() == ".npy":
        write_array(out, as_array(reconstructed))
    else:
        write_figure(digit_sheets({"Original": images, "Reconstructed": reconstructed}), out)
    say(f"{out}: {len(images)} pictures of {source} and their reconstructions.")


def _numbers(text: str, expected: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = [math.nan]
    if not all(map(math.isfinite, found)):
        raise UsageError(f"{expected}; {text!r} came.")
    return found


def _same_size(network: object, pictures: object) -> None:
    from restorae.data import Pictures
    from restorae.networks import Network

    assert isinstance(network, Network)
    assert isinstance(pictures, Pictures)
    network.check_channels(pictures.channels)
    if pictures.common_size is None:
        raise ShapeMismatch(
            "These pictures differ in size; a variational auto-encoder takes pictures of the one size that it learned from."
        )
    network.check_size(*pictures.common_size)


def _zoomed(pictures: np.ndarray, zoom: int) -> np.ndarray:
    return pictures.repeat(zoom, 1).repeat(zoom, 2)


def _write(out: Path, pictures: np.ndarray, zoom: int) -> None:
    """Pictures (n, height, width[, 3]) as an array, or laid out in one picture."""
    import numpy as np

    from restorae.formats import write_array, write_still
    from restorae.latent import tiled
    from restorae.pixels import stored_values

    if out.suffix.lower() == ".npy":
        write_array(out, pictures)
        return
    columns = min(_COLUMNS, len(pictures))
    missing = -len(pictures) % columns
    whole = np.concatenate([pictures, np.zeros((missing, *pictures.shape[1:]), pictures.dtype)])
    grid = _zoomed(whole, zoom).reshape(
        -1, columns, whole.shape[1] * zoom, whole.shape[2] * zoom, *whole.shape[3:]
    )
    write_still(out, stored_values(tiled(grid), np.dtype(np.uint8)))
