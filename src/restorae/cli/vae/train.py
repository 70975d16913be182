"""`restorae vae train`: train a variational auto-encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restorae.cli.options import DataDir, Device, Import, Seed, import_files, network_from
from restorae.cli.sources import check_split, mnist_or_digits
from restorae.cli.vae.options import Data
from restorae.errors import Fix, UsageError


def train(
    data: Data = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The model's file (.safetensors).")
    ] = Path("vae.safetensors"),
    latent_dim: Annotated[int | None, typer.Option(help="Numbers in the latent.")] = None,
    epochs: Annotated[float, typer.Option(help="Passes over the data.")] = 30,
    batch_size: Annotated[int, typer.Option(help="Pictures per step.")] = 128,
    beta: Annotated[float, typer.Option(help="Weight of the KL divergence.")] = 1.0,
    binarise: Annotated[
        bool,
        typer.Option(
            "--binarise", help="Draw each pixel black or white, its value the probability."
        ),
    ] = False,
    split: Annotated[
        str,
        typer.Option(
            help="Which part of a named data set; all includes the test pictures, as in the lesson."
        ),
    ] = "train",
    network: Annotated[
        str | None,
        typer.Option(
            help='Such as conv-vae (if nothing is said), residual-vae, "conv-vae(hidden=64)" or mine.py:Mine.'
        ),
    ] = None,
    likelihood: Annotated[str | None, typer.Option(help="bernoulli or gaussian.")] = None,
    kl_warmup: Annotated[
        int, typer.Option(help="Steps over which the KL divergence comes to count.")
    ] = 0,
    free_bits: Annotated[
        float, typer.Option(help="Nats that each latent dimension may cost for nothing.")
    ] = 0.0,
    learning_rate: Annotated[float, typer.Option(help="Largest step size.")] = 2e-3,
    start_from: Annotated[
        str | None,
        typer.Option("--from", metavar="MODEL", help="A model whose weights to start from."),
    ] = None,
    seed: Seed = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint beside --out.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model that is there already.")
    ] = False,
    device: Device = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            min=0, help="Threads that read pictures (cores - 1; none where they are in memory)."
        ),
    ] = None,
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Train a variational auto-encoder: loss = reconstruction + beta · KL, in nats per picture."""
    from restorae.cli.console import say, terminal_progress
    from restorae.losses import NegativeELBO
    from restorae.model import find, read_card, with_suffix
    from restorae.networks import VAE, Network
    from restorae.training import NOTHING, Machinery, Recipe
    from restorae.training import train as run

    import_files(imports)
    settings = {
        name: value
        for name, value in (("latent_dim", latent_dim), ("likelihood", likelihood))
        if value is not None
    }
    if start_from not in (None, NOTHING) and network is None:
        chosen = Network.from_dict(read_card(find(str(start_from))).network)
    else:
        chosen = network_from(network or "conv-vae")
    if not isinstance(chosen, VAE):
        raise UsageError(
            f"{chosen.kind} is not a variational auto-encoder. Choose conv-vae, residual-vae or one of your own",
            fix=Fix("start_from" if network is None else "network", action="change"),
        )
    chosen = type(chosen)(
        **{**{name: getattr(chosen, name) for name in chosen.model_fields_set}, **settings}
    )
    loss = NegativeELBO(beta=beta, kl_warmup=kl_warmup, free_bits=free_bits)
    target = with_suffix(out)
    if target.exists() and not overwrite and not resume:
        raise UsageError(
            "exists already",
            subject=target,
            fix=(Fix("overwrite"), Fix("out", action="change")),
        )
    progress = terminal_progress()
    name = data or mnist_or_digits(data_dir, progress)
    recipe = Recipe(
        clean=name,
        split=check_split(split),
        # everything is learned from, as in the lesson: nothing is left to check on, and the model's card says so
        validation=0 if split == "all" else 0.1,
        network=chosen,
        start_from=start_from or NOTHING,
        loss=loss,
        binarise=binarise,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
    )
    machinery = Machinery(device=device, workers=workers, data_dir=data_dir)
    model = run(recipe, target, resume=resume, machinery=machinery, progress=progress)
    card = model.card
    say(
        f"{target}: {card.parameters:,} parameters, {card.steps:,} steps in {card.seconds:,.0f} s on {card.data}."
    )
    say(f"Look at it: restorae vae manifold --model {target}")
