"""Part `imagine`: the lesson's variational auto-encoder on both contestants, and what the bundled ones are worth (`vae_quality.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from contestants import prepare_digits, start_keras, start_restorae, vae_settings
from interleaved_timing import WARM_UP, Spread, in_turns
from settings import BATCH_SIZE, Bench
from writing import table

from lesson import vae_quality

TITLE = "Variational auto-encoders"
TERMS = ("loss", "reconstruction", "kl")
KERAS_EPOCHS = 30
KERAS_MEASURED = {"loss": 147.56, "reconstruction": 141.20, "kl": 6.37}
"""Of the lesson's notebook after so many epochs on all 70,000 digits, measured when this work began."""


def measure(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """An epoch in turn, the manifold in turn; then what takes long and is not timed."""
    digits = prepare_digits(bench)
    with ExitStack() as stack:
        keras = stack.enter_context(start_keras(bench, digits))
        ours = stack.enter_context(start_restorae(bench, digits, "restorae vae"))
        versions = {**ours.hello["versions"], **keras.hello["versions"]}
        facts: dict[str, Any] = {"machine": ours.hello["machine"], "versions": versions}
        epochs = bench.rounds + WARM_UP
        begun = keras.ask("begin vae", seed=bench.seed, epochs=epochs)
        ours.ask(
            "begin", epochs=epochs, **vae_settings(bench, bench.seed, bench.all_draws_like_keras)
        )
        contestants = {"keras": keras, "restorae": ours}
        laps = in_turns(contestants, {"do": "epoch"}, bench.rounds, say)
        keras.ask("finish")
        parameters = {"keras": begun["parameters"], "restorae": ours.ask("finish")["parameters"]}
        model = str((bench.folder / "vae.safetensors").absolute())
        ours.ask("save", path=model)
        # who looks at a manifold has loaded a model and not trained before
        loaded = stack.enter_context(start_restorae(bench, digits, "restorae manifold"))
        loaded.ask("load", model=model)
        grid = {"do": "manifold", "side": bench.manifold_side}
        manifolds = in_turns({"keras": keras, "restorae": loaded}, grid, bench.rounds, say)
        idle = {side.name: side.idle_share for side in (keras, ours, loaded)}
    trainings = _train_to_the_end(bench, say)
    torch.set_num_threads(bench.threads)
    return {
        **facts,
        "digits": bench.all_digits,
        "parameters": parameters,
        "epochs": laps,
        "manifold_side": bench.manifold_side,
        "manifolds": manifolds,
        "idle": idle,
        "vae_epochs": bench.vae_epochs,
        "trainings": trainings,
        "explained": vae_quality.explain(bench, say),
        "restored": vae_quality.restore(bench, say),
    }


def _train_to_the_end(
    bench: Bench, say: Callable[[str], None]
) -> dict[str, list[dict[str, float]]]:
    """The last epoch's running means of each training, Keras's only where they were asked for."""
    ends: dict[str, list[dict[str, float]]] = {"keras": [], "restorae": []}
    for seed in range(bench.seed, bench.seed + bench.keras_vae_seeds):
        with start_keras(bench, bench.folder / "digits") as side:
            means = side.ask("learn vae", seed=seed, epochs=bench.vae_epochs)["means"]
        ends["keras"].append({"seed": seed, **means[-1]})
        say(f"keras, seed {seed}: loss {means[-1]['loss']:.2f} after {bench.vae_epochs} epochs")
    for seed in range(bench.seed, bench.seed + bench.vae_seeds):
        with start_restorae(bench, bench.folder / "digits", "restorae vae") as side:
            means = side.ask(
                "learn", epochs=bench.vae_epochs, **vae_settings(bench, seed, bench.draws_of_a_user)
            )["means"]
        ends["restorae"].append({"seed": seed, **means[-1]})
        say(f"restorae, seed {seed}: loss {means[-1]['loss']:.2f} after {bench.vae_epochs} epochs")
    return ends


def report(record: Mapping[str, Any]) -> str:
    """The section's text."""
    found = record["measured"]
    return "\n\n".join(
        [
            *_report_speed(found, record["machine"]["precision"]),
            *_report_losses(found),
            *vae_quality.report_explaining(found["explained"]),
            *vae_quality.report_restoring(found["restored"]),
        ]
    )


def _report_speed(found: Mapping[str, Any], precision: str) -> list[str]:
    laps, grids, side = found["epochs"], found["manifolds"], found["manifold_side"]

    def row(
        what: str, rounds: list[dict[str, Any]], target: str, key: str = "seconds", digits: int = 2
    ) -> list[str]:
        theirs, ours = (
            [each["keras"]["seconds"] for each in rounds],
            [each["restorae"][key] for each in rounds],
        )
        ratio = Spread.of_ratios(ours, theirs).to_text(digits)
        return [what, Spread.of(theirs).to_text(), Spread.of(ours).to_text(digits), ratio, target]

    rows = [
        row(
            f"an epoch of the tutorial's network, {found['digits']:,} digits",
            laps,
            "0.75, goal 0.4",
            "seconds_of_steps",
        ),
        row(f"a manifold of {side} × {side} digits", grids, "0.02, goal 0.005", digits=4),
    ]
    besides = Spread.of(
        [each["restorae"]["seconds"] - each["restorae"]["seconds_of_steps"] for each in laps]
    )
    parameters = {who: f"{count:,}" for who, count in found["parameters"].items()}
    return [
        table(["", "Keras, s", "restorae, s", "ratio", "target"], rows),
        f"Medians, with the smallest and the largest, of {len(laps)} epochs and {len(grids)} manifolds on each side, after one "
        f"warm-up of each. Ratios compare the same round. An epoch has the same number of steps for both, in batches of {BATCH_SIZE}; "
        f"validation on 5,000 digits after each epoch, which the Keras code does not do, takes restorae {besides.to_text()} s more. "
        "Keras has "
        f"{parameters['keras']} parameters and restorae {parameters['restorae']}. Keras calls `predict` for each of {side * side:,} "
        f"latents, as the tutorial does; restorae decodes them in one call. restorae computes in {precision}, Keras in float32. While "
        f"one side was running, no other process used more than {100 * max(found['idle'].values()):.1f} % of a core.",
    ]


def _report_losses(found: Mapping[str, Any]) -> list[str]:
    trainings, epochs = found["trainings"], found["vae_epochs"]

    def row(name: str, ends: list[dict[str, float]], target: str = "") -> list[str]:
        return [
            name,
            str(len(ends)),
            *(Spread.of([end[term] for end in ends]).to_text() for term in TERMS),
            target,
        ]

    rows = []
    if epochs == KERAS_EPOCHS:
        rows.append(
            [
                "the tutorial in Keras, measured earlier",
                "1",
                *(f"{KERAS_MEASURED[term]:.2f}" for term in TERMS),
                "",
            ]
        )
    if trainings["keras"]:
        rows.append(row("the tutorial in Keras", trainings["keras"]))
    if trainings["restorae"]:
        rows.append(
            row(
                "`restorae vae train --split all`",
                trainings["restorae"],
                "149.04 (within 1 %), goal 146",
            )
        )
    before = (
        ""
        if trainings["keras"]
        else " Keras was not trained that long in this run; its row is from an earlier measurement."
    )
    return [
        table(
            [f"after {epochs} epochs", "trainings", "loss", "reconstruction", "KL", "target"], rows
        ),
        "Means over the last epoch's training, in nats per digit, with sampled latents, as Keras prints them: loss = reconstruction + KL."
        f"{before} Architecture, loss and batches are the same; restorae's learning rate rises to 0.002 and falls along a cosine; "
        "that of Keras's Nadam stays at 0.001. Both train on all digits, including the test digits, as the tutorial does.",
    ]
