"""`restorae train`: learn from examples what is wrong with images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from restorae.cli.options import DataDir, Device, Import, With, import_files, network_from
from restorae.errors import Fix, UsageError

_INPUT, _MODEL, _TRAINING, _OUTPUT, _COMPUTING = (
    "Input",
    "Model",
    "Training",
    "Output",
    "Computing",
)


def train(
    clean: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Clean images: a data set's name, a folder, .npy, .npz or idx file.",
            rich_help_panel=_INPUT,
        ),
    ] = None,
    spec: With = None,
    degraded: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Degraded versions of the clean images, with the same names.",
            rich_help_panel=_INPUT,
        ),
    ] = None,
    noisy: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Noisy images, to learn to denoise without clean ones.",
            rich_help_panel=_INPUT,
        ),
    ] = None,
    autoencode: Annotated[
        bool,
        typer.Option(
            "--autoencode",
            help="Learn the clean images themselves, the same image in and out: an auto-encoder.",
            rich_help_panel=_INPUT,
        ),
    ] = False,
    split: Annotated[
        Literal["train", "test", "all"] | None,
        typer.Option(help="Part of a named data set. Default: train.", rich_help_panel=_INPUT),
    ] = None,
    validation: Annotated[
        float | None,
        typer.Option(
            help="Share of the images to hold out for validation, chosen by their content. Default: 0.1.",
            rich_help_panel=_INPUT,
        ),
    ] = None,
    data_dir: DataDir = None,
    recipe_file: Annotated[
        Path | None,
        typer.Option(
            "--recipe",
            metavar="FILE.toml",
            help="Read the settings from this recipe; options override it.",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Fine-tune this model; `nothing` trains from scratch. Default: a suitable pretrained model if there is one.",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            help='Architecture: unet, conv, dense, "unet(patch=1)" or mine.py:Mine.',
            rich_help_panel=_MODEL,
        ),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            help="Training loss, such as mse or l1; list them with --list.",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    imports: Import = None,
    epochs: Annotated[
        float | None,
        typer.Option(
            help="Length in passes over the data. Default: 3, or 2,000 steps of patches.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Length of the training in steps (weight updates).", rich_help_panel=_TRAINING
        ),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Length in minutes.", rich_help_panel=_TRAINING)
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="Examples per step. Default: 128, of patches 8.", rich_help_panel=_TRAINING
        ),
    ] = None,
    patch: Annotated[
        int | None,
        typer.Option(
            help="Side of the patches to train on, in pixels; 0 takes whole images. Default: whole up to 64 px, else 96.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    augment: Annotated[
        bool | None,
        typer.Option(
            "--augment/--no-augment",
            help="Random data augmentation: elastic deformation of small images, rotations and flips of patches.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    optimiser: Annotated[
        Literal["nadam", "adamw", "adam", "sgd"] | None,
        typer.Option(help="Optimiser. Default: nadam.", rich_help_panel=_TRAINING),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Peak learning rate. Default: 0.002, for patches 0.001.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    warmup: Annotated[
        int | None,
        typer.Option(
            help="Steps over which the learning rate rises. Default: 100.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    ema: Annotated[
        float | None,
        typer.Option(
            help="Decay of a moving average of the weights; 0 for none. Default: 0, for patches 0.995.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    keep: Annotated[
        Literal["best", "last"] | None,
        typer.Option(
            help="Weights to keep: last, or best on held-out images. Default: best for pairs, else last.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            help="Early stopping: number of validations without improvement.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Random seed. Default: 0.", rich_help_panel=_TRAINING),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The model's file (.safetensors).", rich_help_panel=_OUTPUT
        ),
    ] = None,
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
    print_recipe: Annotated[
        bool,
        typer.Option(
            "--print-recipe",
            help="Print all settings of this training as TOML, with every choice made, and stop.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    list_kinds: Annotated[
        bool,
        typer.Option(
            "--list",
            help="List networks and losses, with their settings, and stop.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    device: Device = "auto",
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        typer.Option(
            help="Number format to compute in; auto is bfloat16 where the device computes it natively.",
            rich_help_panel=_COMPUTING,
        ),
    ] = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Threads that read images. Default: cores - 1; none for images in memory.",
            rich_help_panel=_COMPUTING,
        ),
    ] = None,
) -> None:
    """Train a network on pairs (--degraded, --clean), clean images and a degradation (--clean, --with), noisy images (--noisy), or as
    an auto-encoder (--clean, --autoencode).
    """
    import_files(imports)
    if list_kinds:
        from restorae.cli.listing import list_family
        from restorae.losses import Loss
        from restorae.networks import Network

        list_family(Network)
        list_family(Loss)
        return
    flags: dict[str, Any] = {
        "clean": clean, "degradation": spec, "degraded": degraded, "noisy": noisy, "start_from": start_from,
        "loss": loss, "optimiser": optimiser, "learning_rate": learning_rate, "epochs": epochs, "steps": steps,
        "minutes": minutes, "batch_size": batch_size, "patch": patch, "augment": augment, "ema": ema, "warmup": warmup,
        "validation": validation, "split": split, "seed": seed, "keep": keep, "patience": patience,
        "autoencode": autoencode or None,
        "network": None if network is None else network_from(network),
    }  # fmt: skip
    from restorae.training import Machinery, Recipe, prepare, read_toml, require_data
    from restorae.training.processes import is_first

    settings = read_toml(recipe_file) if recipe_file else {}
    given = {name: value for name, value in flags.items() if value is not None}
    lengths = ("epochs", "steps", "minutes")
    if given.keys() & lengths:
        settings = {name: value for name, value in settings.items() if name not in lengths}
    recipe = Recipe(**{**settings, **given})
    if recipe_file is not None:
        require_data(
            recipe_file, {name: value for name, value in settings.items() if name not in given}
        )
    from restorae.cli.console import show, terminal_progress
    from restorae.cli.training_run import train_and_report
    from restorae.model import with_suffix

    machinery = Machinery(device=device, precision=precision, workers=workers, data_dir=data_dir)
    progress = terminal_progress(is_first())
    if print_recipe:
        show(prepare(recipe, machinery=machinery, progress=progress).recipe.to_toml().rstrip())
        return
    if out is None:
        raise UsageError("Training needs a file for the model", fix=Fix("out", "FILE.safetensors"))
    target = with_suffix(out)
    if target.exists() and not overwrite and not resume:
        raise UsageError(
            "exists already",
            subject=target,
            fix=(Fix("overwrite"), Fix("out", action="change")),
        )
    train_and_report(recipe, target, resume, machinery=machinery, progress=progress)
