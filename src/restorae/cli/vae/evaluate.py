"""`restorae vae evaluate`: the evidence lower bound of a model on images."""

from __future__ import annotations

from typing import Annotated

import typer

from restorae.cli.choices import Precision, Split, use_precision
from restorae.cli.options import DataDir, Device, Import, Json, Seed, import_files
from restorae.cli.sources import mnist_or_digits
from restorae.cli.vae.options import DEFAULT_MODEL, Data, VAEName, load_vae
from restorae.display import counted


def evaluate(
    model: VAEName = DEFAULT_MODEL,
    data: Data = None,
    split: Split = "test",
    importance_samples: Annotated[
        int,
        typer.Option(
            min=0,
            help="Latents drawn per image to estimate its log-likelihood; 0 skips the estimate.",
        ),
    ] = 0,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Number of images, from the first one.")
    ] = None,
    seed: Seed = 0,
    json_wanted: Json = False,
    device: Device = "auto",
    precision: Precision = "auto",
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Measure the evidence lower bound and its terms, in nats per image."""
    import_files(imports)
    use_precision(precision)
    from restorae.cli.console import say, show_json, table, terminal_progress
    from restorae.data import open_images
    from restorae.evaluating import evaluate_latent

    vae, progress = load_vae(model, device), terminal_progress()
    source = data or mnist_or_digits(data_dir, progress)
    images = open_images(source, split, data_dir, progress)
    if limit is not None and limit < len(images):
        images = images.subset(range(limit))
    found = evaluate_latent(vae, images, importance_samples, seed, progress=progress)
    if json_wanted:
        result = found.model_dump(mode="json")
        if found.grey.log_likelihood is None:  # grey images have none under a Bernoulli likelihood
            result["grey"] = {
                name: result["grey"][name] for name in ("elbo", "reconstruction", "kl")
            }
        show_json({"model": model, "data": source, "split": split, "seed": seed, **result})
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
        f"{model} on {counted(found.count, 'image')} of {source} ({split}), nats per image; {found.seconds:.1f} s."
    )
    say(
        f"{found.active_units} of {found.latent_dim} latent dimensions are active. Grey and binarised images are not comparable."
    )
    table("", ("images", "elbo", "reconstruction", "kl", "log-likelihood"), rows)
