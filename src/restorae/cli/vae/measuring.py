"""`restorae vae encode | evaluate`: latents as numbers, and how good a model is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated

import typer

from restorae.cli.options import DataDir, Device, Import, Json, Seed, Split, import_files, ready_for
from restorae.cli.sources import check_split, mnist_or_digits
from restorae.cli.vae.options import DEFAULT_MODEL, Data, Out, Overwrite, VAEName, load_vae


def encode(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[IN...]", help="Picture files, in place of --data."),
    ] = None,
    model: VAEName = DEFAULT_MODEL,
    data: Data = None,
    out: Out = Path("latents.npz"),
    split: Split = "test",
    overwrite: Overwrite = False,
    device: Device = "auto",
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Write each picture's latent: arrays mean and log_var (n, latent_dim), names, and labels where there are any."""
    import_files(imports)
    ready_for(out, (".npz",), overwrite)
    import numpy as np
    import torch

    from restorae.cli.console import say, terminal_progress
    from restorae.data import open_labelled
    from restorae.errors import UsageError
    from restorae.files import write_bytes
    from restorae.formats import read_still
    from restorae.posterior import join

    if inputs and data is not None:
        raise UsageError("Give either picture files or --data, not both.")
    vae, progress, labels = load_vae(model, device), terminal_progress(), None
    if inputs:
        posterior, names = (
            join([vae.encode(read_still(path)) for path in inputs]),
            [str(path) for path in inputs],
        )
    else:
        source = data or mnist_or_digits(data_dir, progress)
        pictures, labels = open_labelled(source, check_split(split), data_dir, progress)
        if pictures.common_size is None:
            posterior = join([vae.encode(pictures[index][None]) for index in range(len(pictures))])
        else:
            posterior = vae.encode(pictures.batch(range(len(pictures))))
        names = list(pictures.names)
    arrays = {
        "mean": posterior.mean.numpy(),
        "log_var": posterior.log_var.numpy(),
        "names": np.asarray(names),
    }
    held = io.BytesIO()
    np.savez_compressed(held, **arrays, **({} if labels is None else {"labels": labels}))  # type: ignore[arg-type]
    write_bytes(out, held.getvalue())
    mean = torch.tensor(posterior.mean.shape).tolist()
    say(f"{out}: latents of {mean[0]:,} pictures, {mean[1]} dimension(s) each.")


def evaluate(
    model: VAEName = DEFAULT_MODEL,
    data: Data = None,
    split: Split = "test",
    importance_samples: Annotated[
        int,
        typer.Option(
            min=0,
            help="Latents drawn for each picture to estimate its log-likelihood; 0 leaves that out.",
        ),
    ] = 0,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only so many pictures, from the beginning.")
    ] = None,
    seed: Seed = 0,
    json_wanted: Json = False,
    device: Device = "auto",
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Measure the bound and its parts, in nats per picture; grey and binarised pictures are not comparable."""
    import_files(imports)
    from restorae.cli.console import say, show_json, table, terminal_progress
    from restorae.data import open_pictures
    from restorae.evaluating import evaluate_latent

    vae, progress = load_vae(model, device), terminal_progress()
    source = data or mnist_or_digits(data_dir, progress)
    pictures = open_pictures(source, check_split(split), data_dir, progress)
    if limit is not None and limit < len(pictures):
        pictures = pictures.subset(range(limit))
    found = evaluate_latent(vae, pictures, importance_samples, seed, progress=progress)
    if json_wanted:
        told = found.model_dump(mode="json")
        if (
            found.grey.log_likelihood is None
        ):  # grey pictures have none under a Bernoulli likelihood
            told["grey"] = {name: told["grey"][name] for name in ("elbo", "reconstruction", "kl")}
        show_json({"model": model, "data": source, "split": split, "seed": seed, **told})
        return
    rows = []
    for name, bound in (("grey", found.grey), ("binarised", found.binarised)):
        if bound is not None:
            likelihood = (
                "–"
                if bound.log_likelihood is None
                else f"{bound.log_likelihood:.2f} ({bound.importance_samples} samples)"
            )
            rows.append(
                (
                    name,
                    f"{bound.elbo:.2f}",
                    f"{bound.reconstruction:.2f}",
                    f"{bound.kl:.2f}",
                    likelihood,
                )
            )
    say(
        f"{model} on {found.count:,} pictures of {source} ({split}), nats per picture; {found.seconds:.1f} s."
    )
    say(
        f"{found.active_units} of {found.latent_dim} latent dimensions in use. Grey and binarised pictures are not comparable."
    )
    table("", ("pictures", "elbo", "reconstruction", "kl", "log-likelihood"), rows)
