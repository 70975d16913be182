"""`restorae vae sample | interpolate | reconstruct`: images decoded from latents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorae.cli.choices import Precision, Split, use_precision
from restorae.cli.options import DataDir, Device, Import, Overwrite, Seed, import_files, ready_for
from restorae.cli.sources import mnist_or_digits, one_image
from restorae.cli.vae.options import (
    DEFAULT_MODEL,
    Data,
    Out,
    VAEName,
    Zoom,
    check_one_size,
    load_vae,
    numbers,
)
from restorae.display import counted
from restorae.errors import Fix, SettingsConflict, UsageError

if TYPE_CHECKING:
    import numpy as np

_FORMATS = (".png", ".jpg", ".npy")
_COLUMNS = 8


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
        typer.Option(min=1, help="Number of images to draw from the prior (64)."),
    ] = None,
    out: Out = Path("samples.png"),
    zoom: Zoom = 4,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    device: Device = "auto",
    precision: Precision = "auto",
    imports: Import = None,
) -> None:
    """Decode images from a given latent, or from latents drawn from the prior; .npy saves an array."""
    import_files(imports)
    use_precision(precision)
    ready_for(out, _FORMATS, overwrite)
    if at is not None and count is not None:
        raise SettingsConflict("{} cannot be combined with {}", settings=("at", "count"))
    import numpy as np

    from restorae.cli.console import say

    vae = load_vae(model, device)
    latent_dim: int = vae.network.latent_dim  # type: ignore[attr-defined]
    if at is not None:
        latent = numbers(at)
        if len(latent) != latent_dim:
            raise UsageError(
                f"the latent of {model} has {counted(latent_dim, 'dimension')}, expected as many finite numbers, got {at!r}",
                subject="--at",
                fix=Fix("at", ",".join(["0.5"] * latent_dim)),
            )
        images = vae.decode(np.asarray([latent], np.float32))
        content = f"the image at ({', '.join(f'{each:g}' for each in latent)})"
    else:
        images = vae.sample(count or 64, seed)
        content = f"{len(images)} new images, drawn with seed {seed}"
    _write(out, images, zoom)
    say(f"{out}: {content}.")


def interpolate(
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="IMAGE",
            help="An image file, or an image of a data set by its index, such as mnist:7.",
        ),
    ],
    end: Annotated[
        str, typer.Option("--to", metavar="IMAGE", help="The last image, in the same form.")
    ],
    model: VAEName = DEFAULT_MODEL,
    steps: Annotated[int, typer.Option(help="Number of images, both ends included.")] = 16,
    out: Out = Path("interpolation.gif"),
    split: Split = "test",
    zoom: Zoom = 4,
    overwrite: Overwrite = False,
    device: Device = "auto",
    precision: Precision = "auto",
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Interpolate between two images in latent space: .gif plays forth and back, .png shows all images."""
    import_files(imports)
    use_precision(precision)
    ready_for(out, (".gif", *_FORMATS), overwrite)
    import numpy as np

    from restorae.cli.console import say, terminal_progress
    from restorae.formats import write_gif
    from restorae.latent import interpolate as decode_line
    from restorae.pixels import stored_values

    vae, progress = load_vae(model, device, plain_too=True), terminal_progress()
    first, last = (one_image(each, split, data_dir, progress) for each in (start, end))
    images, _ = decode_line(vae, first, last, steps)
    if out.suffix.lower() == ".gif":
        there_and_back = np.concatenate([images, images[-2:0:-1]])
        write_gif(out, stored_values(_zoomed(there_and_back, zoom), np.dtype(np.uint8)))
    else:
        _write(out, images, zoom)
    say(f"{out}: {steps} images from {start} to {end}.")


def reconstruct(
    model: VAEName = DEFAULT_MODEL,
    data: Data = None,
    out: Out = Path("reconstructions.png"),
    count: Annotated[int, typer.Option(min=1, help="Number of images, from the first one.")] = 10,
    split: Split = "test",
    overwrite: Overwrite = False,
    device: Device = "auto",
    precision: Precision = "auto",
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Show images and their reconstructions; .npy saves all reconstructions."""
    import_files(imports)
    use_precision(precision)
    ready_for(out, (".png", ".npy"), overwrite)
    from restorae.cli.console import say, terminal_progress
    from restorae.data import open_images
    from restorae.figures import digit_sheets, write_figure
    from restorae.formats import write_array
    from restorae.pixels import as_array

    vae, progress = load_vae(model, device, plain_too=True), terminal_progress()
    source = data or mnist_or_digits(data_dir, progress)
    image_set = open_images(source, split, data_dir, progress)
    check_one_size(vae.network, image_set)
    images = image_set.batch(range(min(count, len(image_set))))
    reconstructed = vae.reconstruct(images)
    if out.suffix.lower() == ".npy":
        write_array(out, as_array(reconstructed))
    else:
        write_figure(digit_sheets({"Original": images, "Reconstructed": reconstructed}), out)
    say(f"{out}: {counted(len(images), 'image')} of {source} and what was reconstructed from them.")


def _zoomed(images: np.ndarray, zoom: int) -> np.ndarray:
    return images.repeat(zoom, 1).repeat(zoom, 2)


def _write(out: Path, images: np.ndarray, zoom: int) -> None:
    """Write images (n, height, width[, 3]) as an array, or as a grid in one image."""
    import numpy as np

    from restorae.formats import write_array, write_still
    from restorae.latent import tiled
    from restorae.pixels import stored_values

    if out.suffix.lower() == ".npy":
        write_array(out, images)
        return
    columns = min(_COLUMNS, len(images))
    missing = -len(images) % columns
    padded = np.concatenate([images, np.zeros((missing, *images.shape[1:]), images.dtype)])
    grid = _zoomed(padded, zoom).reshape(
        -1, columns, padded.shape[1] * zoom, padded.shape[2] * zoom, *padded.shape[3:]
    )
    write_still(out, stored_values(tiled(grid), np.dtype(np.uint8)))
