"""`restorae train`: learn a damage from pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from restorae.cli.options import (
    PRECISIONS,
    DataDir,
    Device,
    Import,
    Precision,
    With,
    import_files,
    network_from,
    one_of,
)
from restorae.errors import UsageError

_NOTHING = "nothing"
"""What --from says to start from no model."""


def train(
    clean: Annotated[
        str | None,
        typer.Option(
            metavar="DATA", help="Clean pictures: a data set's name, a folder, .npy, .npz or idx."
        ),
    ] = None,
    spec: With = None,
    degraded: Annotated[
        str | None,
        typer.Option(metavar="DATA", help="Degraded partners of the clean pictures, same names."),
    ] = None,
    noisy: Annotated[
        str | None,
        typer.Option(
            metavar="DATA", help="Noisy pictures to learn from alone: a folder, a stack, an array."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The model's file (.safetensors).")
    ] = None,
    recipe_file: Annotated[
        Path | None,
        typer.Option("--recipe", metavar="FILE.toml", help="A recipe; flags beside it win."),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="A model whose weights to start from; for pairs of photographs or pages by default a bundled one. nothing starts anew.",
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            help='Such as unet, conv, dense, "unet(patch=1)" or mine.py:Mine; kinds: restorae train --list.'
        ),
    ] = None,
    loss: Annotated[
        str | None, typer.Option(help="Such as mse, l1; kinds: restorae train --list.")
    ] = None,
    optimiser: Annotated[str | None, typer.Option(help="nadam or adamw.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Largest step size.")] = None,
    epochs: Annotated[
        float | None, typer.Option(help="Passes over the data (3 if nothing is said).")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Updates of the weights.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Time to train.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples per step.")] = None,
    patch: Annotated[
        int | None, typer.Option(help="Side of the regions that are trained on, in pixels.")
    ] = None,
    augment: Annotated[
        bool | None,
        typer.Option("--augment/--no-augment", help="Bend, turn or mirror the examples."),
    ] = None,
    ema: Annotated[
        float | None, typer.Option(help="Decay of a moving average of the weights; 0 for none.")
    ] = None,
    warmup: Annotated[
        int | None, typer.Option(help="Steps over which the step size rises.")
    ] = None,
    validation: Annotated[
        float | None, typer.Option(help="Share of the pictures that is kept to check on.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Which part of a named data set: train, test or all.")
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            help="Weights to keep: last, or best on held-out pictures (pairs: best, else last)."
        ),
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="End after so many validations that found nothing better.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Where all chance comes from.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint beside --out.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model that is there already.")
    ] = False,
    print_recipe: Annotated[
        bool, typer.Option("--print-recipe", help="Print what would be trained, as TOML, and stop.")
    ] = False,
    list_kinds: Annotated[
        bool,
        typer.Option("--list", help="Print the kinds of networks and losses and their settings."),
    ] = False,
    device: Device = "auto",
    precision: Precision = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            min=0, help="Threads that read pictures (cores - 1; none where they are in memory)."
        ),
    ] = None,
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Train a network on pairs (--degraded, --clean), clean pictures and a damage (--clean, --with), or noisy ones alone (--noisy)."""
    import_files(imports)
    if list_kinds:
        from restorae.cli.listing import list_family
        from restorae.losses import Loss
        from restorae.networks import Network

        list_family(Network)
        list_family(Loss)
        return
    if start_from not in (None, _NOTHING) and network is not None:
        raise UsageError("--from brings its own network: leave --network away.")
    flags: dict[str, Any] = {
        "clean": clean, "degradation": spec, "degraded": degraded, "noisy": noisy, "loss": loss, "optimiser": optimiser,
        "learning_rate": learning_rate,
        "epochs": epochs, "steps": steps, "minutes": minutes, "batch_size": batch_size, "patch": patch, "augment": augment, "ema": ema,
        "warmup": warmup, "validation": validation, "split": split, "seed": seed, "keep": keep, "patience": patience,
        "network": None if network is None else network_from(network),
    }  # fmt: skip
    from restorae.training import SUITABLE, Machinery, Recipe, read_toml, require_data
    from restorae.training import train as run

    settings = read_toml(recipe_file) if recipe_file else {}
    given = {name: value for name, value in flags.items() if value is not None}
    if {"epochs", "steps", "minutes"} & given.keys():
        settings = {
            name: value
            for name, value in settings.items()
            if name not in ("epochs", "steps", "minutes")
        }
    recipe = Recipe(**{**settings, **given})
    if print_recipe:
        from restorae.cli.console import show

        show(recipe.to_toml().rstrip())
        return
    if out is None:
        raise UsageError("Say where the model goes: --out FILE.safetensors.")
    arithmetic = one_of("precision", precision, PRECISIONS)
    from restorae.model import with_suffix

    target = with_suffix(out)
    if target.exists() and not overwrite and not resume:
        raise UsageError(f"{target} is there already. Use --overwrite or another --out.")
    if recipe_file is not None:
        require_data(
            recipe_file, {name: value for name, value in settings.items() if name not in given}
        )
    from restorae.cli.console import say, terminal_progress

    machinery = Machinery(device=device, precision=arithmetic, workers=workers, data_dir=data_dir)
    start = {None: SUITABLE, _NOTHING: None}.get(start_from, start_from)
    model = run(
        recipe,
        target,
        start_from=start,
        resume=resume,
        machinery=machinery,
        progress=terminal_progress(),
    )
    scores = model.card.scores["validation"]
    say(
        f"{target}: {model.card.parameters:,} parameters, {model.card.steps:,} steps in {model.card.seconds:,.0f} s."
    )
    if "taken_off" in scores:
        say(
            f"It takes off noise of {scores['taken_off']:.4f} (standard deviation on the [0, 1] scale); what is right is not known here."
        )
    if "degraded" in scores:
        before, after = (
            scores["degraded"]["psnr_pooled"] or 0,
            scores["restored"]["psnr_pooled"] or 0,
        )
        say(f"Validation PSNR {before:.2f} dB degraded, {after:.2f} dB restored (pooled).")
