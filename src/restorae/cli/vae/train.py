"""`restorae vae train`: train a variational auto-encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from restorae.cli.choices import Split
from restorae.cli.options import DataDir, Device, Import, import_files, network_from
from restorae.cli.sources import mnist_or_digits
from restorae.cli.vae.options import Data
from restorae.errors import Fix, UsageError

_INPUT, _MODEL, _TRAINING, _OUTPUT, _COMPUTING = (
    "Input",
    "Model",
    "Training",
    "Output",
    "Computing",
)


def train(
    data: Data = None,
    split: Split = "train",
    binarise: Annotated[
        bool,
        typer.Option(
            "--binarise",
            help="Draw each pixel black or white, with its value as the probability.",
            rich_help_panel=_INPUT,
        ),
    ] = False,
    data_dir: DataDir = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Fine-tune this pretrained model. Default: train from scratch.",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            help='Architecture, such as residual-vae, "conv-vae(hidden=64)" or mine.py:Mine. Default: conv-vae.',
            rich_help_panel=_MODEL,
        ),
    ] = None,
    latent_dim: Annotated[
        int | None,
        typer.Option(help="Dimensions of the latent space.", rich_help_panel=_MODEL),
    ] = None,
    likelihood: Annotated[
        Literal["bernoulli", "gaussian"] | None,
        typer.Option(help="Distribution of a pixel given the latent.", rich_help_panel=_MODEL),
    ] = None,
    imports: Import = None,
    epochs: Annotated[
        float, typer.Option(help="Passes over the data.", rich_help_panel=_TRAINING)
    ] = 30,
    batch_size: Annotated[
        int, typer.Option(help="Images per step.", rich_help_panel=_TRAINING)
    ] = 128,
    learning_rate: Annotated[
        float, typer.Option(help="Peak learning rate.", rich_help_panel=_TRAINING)
    ] = 2e-3,
    beta: Annotated[
        float, typer.Option(help="Weight of the KL divergence.", rich_help_panel=_TRAINING)
    ] = 1.0,
    kl_warmup: Annotated[
        int,
        typer.Option(
            help="Steps over which the KL weight rises from 0 to beta.",
            rich_help_panel=_TRAINING,
        ),
    ] = 0,
    free_bits: Annotated[
        float,
        typer.Option(
            help="KL per latent dimension, in nats, that is not penalised.",
            rich_help_panel=_TRAINING,
        ),
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.", rich_help_panel=_TRAINING)] = 0,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="The model's file (.safetensors).", rich_help_panel=_OUTPUT
        ),
    ] = Path("vae.safetensors"),
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on from the checkpoint beside --out.", rich_help_panel=_OUTPUT
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace an existing model.", rich_help_panel=_OUTPUT),
    ] = False,
    device: Device = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Threads that read images. Default: cores - 1; none for images in memory.",
            rich_help_panel=_COMPUTING,
        ),
    ] = None,
) -> None:
    """Train a variational auto-encoder: loss = reconstruction + beta · KL, in nats per image."""
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
        split=split,
        # `all` trains on the whole set, as in the digits exercise: there is no validation, and the model's card says so
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
    model = run(
        recipe, target, resume=resume, overwrite=True, machinery=machinery, progress=progress
    )
    card = model.card
    say(
        f"{target}: {card.parameters:,} parameters, {card.steps:,} steps in {card.seconds:,.0f} s on {card.data}."
    )
    say(f"To see its latent space: restorae vae manifold --model {target}")
