"""`restorae models`: list models, show their cards, calibrate their error bounds, share them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorae.cli.choices import Precision, Split, use_precision
from restorae.cli.groups import GroupedCommand
from restorae.cli.options import (
    DataDir,
    Device,
    Import,
    Json,
    Overwrite,
    Seed,
    With,
    import_files,
)
from restorae.cli.sources import check_damage, test_set_from
from restorae.display import counted

if TYPE_CHECKING:
    from restorae.model import Card

_FEW = 20

models = typer.Typer(
    help="List models, show a model's card, calibrate its error bounds, or share it.",
    no_args_is_help=True,
)


@models.command("list", cls=GroupedCommand)
def list_models(
    folder: Annotated[
        Path | None, typer.Argument(help="Also list the models in this folder.")
    ] = None,
    json_wanted: Json = False,
) -> None:
    """List the bundled models, and those in a folder."""
    from restorae.cli.console import say, show_json, table
    from restorae.errors import BadModelFile
    from restorae.model import SUFFIX, bundled, read_card

    found = {name: (path, "bundled") for name, path in bundled().items()}
    if folder is not None:
        found |= {str(path): (path, "file") for path in sorted(folder.glob(f"*{SUFFIX}"))}
    cards = {}
    for name, (path, where) in found.items():
        try:
            cards[name] = (read_card(path), where)
        except BadModelFile as error:
            say(error.message)
    if json_wanted:
        show_json({name: card.model_dump(mode="json") for name, (card, _) in cards.items()})
        return
    table("Models", ("name", "where", "network", "parameters", "about"), [
        (name, where, card.network["kind"], f"{card.parameters:,}", card.about) for name, (card, where) in cards.items()
    ])  # fmt: skip


@models.command("show", cls=GroupedCommand)
def show_model(
    name: Annotated[
        str, typer.Argument(metavar="NAME_OR_FILE", help="A bundled model's name or a model file.")
    ],
    layers: Annotated[
        bool,
        typer.Option(
            "--layers", help="Also print the layers: output shape and parameters of each."
        ),
    ] = False,
    json_wanted: Json = False,
    imports: Import = None,
) -> None:
    """Show a model's card, and with --layers its layers."""
    from restorae.cli.console import show, show_json, table
    from restorae.model import find, load, read_card

    import_files(imports)
    card = read_card(find(name))
    if json_wanted:
        show_json(card.model_dump(mode="json"))
        return
    table(card.name, ("", ""), _card_rows(card))
    if layers:
        from restorae.networks.summary import layer_table

        network = load(name)
        size = tuple(max(28 // step, 1) * step for step in network.network.multiple_of)
        found = layer_table(network.module, network.network.channels, size)
        rows = [
            (row.name, row.layer, "×".join(map(str, row.shape)), f"{row.parameters:,}")
            for row in found
        ]
        show("")
        table(
            f"Layers, for an image of {size[0]} × {size[1]} px",
            ("name", "layer", "output shape", "parameters"),
            rows,
        )


@models.command("calibrate", cls=GroupedCommand)
def calibrate_model(
    name: Annotated[
        str, typer.Argument(metavar="MODEL", help="A bundled model's name or a model file.")
    ],
    clean: Annotated[
        str,
        typer.Option(
            metavar="DATA",
            help="Clean images that it was not trained on: a folder, .npy, .npz, a data set's name.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The calibrated model's file (.safetensors).")
    ],
    spec: With = None,
    degraded: Annotated[
        str | None,
        typer.Option(metavar="DATA", help="Degraded partners of the clean images, same names."),
    ] = None,
    split: Split = "test",
    seed: Seed = 0,
    overwrite: Overwrite = False,
    device: Device = "auto",
    precision: Precision = "auto",
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Measure the errors of a model's results and save the model with error bounds, for restore --error-map."""
    from restorae.cli.console import say, terminal_progress
    from restorae.evaluating import calibrate
    from restorae.files import require_absent, require_writable
    from restorae.model import FORMAT_VERSION, Model, load, with_suffix
    from restorae.model.checks import require_restorer, shown_at_once

    import_files(imports)
    check_damage(spec, degraded)
    use_precision(precision)
    target = with_suffix(out)
    require_absent(target, overwrite)
    require_writable(target.parent)
    model = load(name).to(device)
    require_restorer(model)
    progress = terminal_progress()
    test_set = test_set_from(clean, degraded, spec, split, seed, data_dir, progress)
    bound = calibrate(model.restore_images, test_set, on=clean, seed=seed, progress=progress)
    bounds = {**model.card.error_bounds, shown_at_once(model, test_set.clean.channels): bound}
    card = model.card.model_copy(update={"format_version": FORMAT_VERSION, "error_bounds": bounds})
    weights = [
        weight for weight in model.module.state_dict().values() if weight.is_floating_point()
    ]
    was_half = all(bool((weight.half() == weight).all()) for weight in weights)
    Model(model.network, model.module, card=card).save(target, half=was_half, overwrite=True)
    say(f"{target}: {bound}.")
    if bound.images < _FEW:
        say(
            f"Measured on only {counted(bound.images, 'image')}: the bound is reliable with {_FEW} or more."
        )


@models.command("push", cls=GroupedCommand)
def push_model(
    name: Annotated[
        str, typer.Argument(metavar="MODEL", help="A bundled model's name or a model file.")
    ],
    address: Annotated[
        str, typer.Argument(metavar="HUB", help="Where to: hf://OWNER/NAME[@BRANCH].")
    ],
    private: Annotated[
        bool, typer.Option("--private", help="Make a new repository private.")
    ] = False,
    json_wanted: Json = False,
) -> None:
    """Share a model on the Hugging Face Hub: its file, and its card as README.md. Log in with `hf auth login` before."""
    from restorae.cli.console import say, show_json
    from restorae.model.hub_push import push

    pushed = push(name, address, private=private)
    if json_wanted:
        show_json({"address": str(pushed.address), "sha256": pushed.sha256})
    else:
        say(f"{pushed}.")


def _lineage(card: Card) -> list[tuple[str, str]]:
    """The models that it was fine-tuned from, the last one first; what nobody recorded is left out."""
    rows: list[tuple[str, str]] = []
    for stage in card.started_from.split("; which started from ") if card.started_from else []:
        name, _, facts = stage.partition(": ")
        cost, _, data = facts.partition(" on ")
        known = [each for each in cost.split(", ") if not each.startswith("0 ")]
        words = ", ".join(each.removesuffix(" on") for each in known)
        rows.append(
            (
                "and that from" if rows else "started from",
                f"{name}: {words}{f' on {data}' if data else ''}",
            )
        )
    return rows


def _card_rows(card: Card) -> list[tuple[str, str]]:
    from restorae.degradations import Degradation
    from restorae.errors import RestoraeError
    from restorae.networks import Network
    from restorae.parts import Part

    def in_words(family: type[Part], saved: dict[str, object] | None) -> str:
        try:
            return str(family.of(saved)) if saved else "–"
        except RestoraeError:
            return str(saved)

    rows = [
        ("about", card.about or "–"),
        ("network", f"{in_words(Network, card.network)}, {card.parameters:,} parameters"),
        ("undoes", in_words(Degradation, card.undoes)),
        (
            "trained on",
            f"{card.data}, {card.steps:,} steps, {card.epochs:g} epochs, {card.seconds:,.0f} s on {card.trained_on}",
        ),
        *_lineage(card),
        ("context", "the whole image" if card.halo is None else f"{card.halo} px on each side"),
        ("licence", card.licence),
        ("written", f"{card.created} by restorae {card.made_with}, format {card.format_version}"),
    ]
    for channels, bound in card.error_bounds.items():
        rows.insert(
            -2,
            (
                f"error bound, {'grey' if channels == 1 else 'colour' if channels == 3 else channels}",
                str(bound),
            ),
        )
    if card.latent:
        shape = "×".join(
            "any" if length is None else str(length) for length in card.latent["shape"]
        )
        rows.insert(
            2,
            (
                "latent",
                f"{shape}, prior: {card.latent['prior']}, likelihood: {card.latent['likelihood']}",
            ),
        )
    if not card.restores:
        rows[rows.index(("undoes", "–"))] = (
            "undoes",
            "nothing: it learned from clean images alone and generates similar ones"
            if card.latent
            else "nothing: it chooses colours for films",
        )
    for name, score in card.scores.items():
        for what in ("restored", "grey", "binarised"):
            found = score.get(what) or {}
            figures = ", ".join(
                f"{key.replace('_', ' ')} {value:.4f}"
                for key, value in found.items()
                if isinstance(value, float)
            )
            if figures:
                rows.append(
                    (
                        f"scores: {name}",
                        f"{figures}{'' if what == 'restored' else f' ({what}, nats per image)'} on {score.get('on', '?')}",
                    )
                )
    return rows
