"""Part `speed`: seconds per epoch of the same network on both contestants, and of restoring the test digits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from contestants import prepare_digits, recipe_settings, start_keras, start_restorae
from interleaved_timing import WARM_UP, Contestant, Spread, in_turns
from settings import BATCH_SIZE, Bench
from writing import table

TITLE = "Speed"


def measure(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """Train on all contestants, an epoch in turn, then restore the test digits in turn."""
    digits = prepare_digits(bench)
    with ExitStack() as stack:
        keras = stack.enter_context(start_keras(bench, digits))
        contestants = {
            name: stack.enter_context(start_restorae(bench, digits, f"restorae {name}"))
            for name in ("conv", "unet")
        }
        machine = contestants["conv"].hello["machine"]
        if machine["precision"] != "float32":
            contestants["conv float32"] = stack.enter_context(
                start_restorae(bench, digits, "restorae conv float32")
            )
        facts: dict[str, Any] = {
            "machine": machine,
            "versions": {**contestants["conv"].hello["versions"], **keras.hello["versions"]},
        }
        everyone = {"keras": keras, **contestants}
        _begin(bench, keras, contestants)
        epochs = in_turns(everyone, {"do": "epoch"}, bench.rounds, say)
        finished = {name: side.ask("finish") for name, side in contestants.items()}
        keras.ask("finish")
        model = str((bench.folder / "conv.safetensors").absolute())
        contestants["conv"].ask("save", path=model)
        # a process that has trained has set up its memory for that; who restores has only loaded a model
        loaded = stack.enter_context(start_restorae(bench, digits, "restorae restoring"))
        loaded.ask("load", model=model)
        predictions = in_turns(
            {"keras": keras, "conv": loaded}, {"do": "predict"}, 2 * bench.rounds + 1, say
        )
        idle = {side.name: side.idle_share for side in (*everyone.values(), loaded)}
    counts = {"train": bench.train_digits, "test": bench.test_digits}
    return {
        **facts,
        "digits": counts,
        "epochs": epochs,
        "finished": finished,
        "predictions": predictions,
        "idle": idle,
    }


def _begin(bench: Bench, keras: Contestant, contestants: Mapping[str, Contestant]) -> None:
    epochs = bench.rounds + WARM_UP
    keras.ask("begin", output="linear", seed=bench.seed, epochs=epochs)
    for name, side in contestants.items():
        network, _, precision = name.partition(" ")
        settings = recipe_settings(bench, network, bench.seed, bench.draws_like_keras)
        side.ask("begin", epochs=epochs, precision=precision or "auto", **settings)


def report(record: Mapping[str, Any]) -> str:
    """The section's text."""
    found = record["measured"]
    epochs, predictions, precision = (
        found["epochs"],
        found["predictions"],
        record["machine"]["precision"],
    )
    train, test = found["digits"]["train"], found["digits"]["test"]

    def row(
        what: str, laps: list[dict[str, Any]], name: str, target: str, key: str = "seconds"
    ) -> list[str]:
        theirs, ours = [lap["keras"]["seconds"] for lap in laps], [lap[name][key] for lap in laps]
        return [
            what,
            Spread.of(theirs).to_text(),
            Spread.of(ours).to_text(),
            Spread.of_ratios(ours, theirs).to_text(),
            target,
        ]

    rows = [
        row(f"an epoch of `conv`, {train:,} digits", epochs, "conv", "0.7, goal 0.4"),
        row(
            "– the training steps only, without validation, which the Keras code does not do",
            epochs,
            "conv",
            "",
            "seconds_of_steps",
        ),
    ]
    if "conv float32" in epochs[0]:
        rows.append(row("– the same epoch in float32", epochs, "conv float32", ""))
    rows.append(
        row("an epoch of `unet`, against Keras's epoch of `conv`", epochs, "unet", "1.3, goal 0.8")
    )
    rows.append(
        row(f"{test:,} test digits restored by `conv`", predictions, "conv", "0.6, goal 0.25")
    )
    idle = max(found["idle"].values())
    return "\n\n".join(
        [
            table(["", "Keras, s", "restorae, s", "ratio", "target"], rows),
            f"Medians, with the smallest and the largest, of {len(epochs)} epochs and {len(predictions)} restorings on each side, "
            f"after one warm-up of each. Ratios compare the same round. restorae computes in {precision} here unless a row "
            f"says otherwise; Keras in float32. Batches of {BATCH_SIZE}. While one side was running, no other process used more than "
            f"{100 * idle:.1f} % of a core.",
        ]
    )
