"""Part `quality`: how well test digits are restored after three epochs, and the seconds those took."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from contestants import prepare_digits, recipe_settings, start_keras, start_restorae
from interleaved_timing import Contestant, ContestantFailed, Spread
from settings import EPOCHS, Bench
from writing import table

from restorae.display import counted
from restorae.model import bundled

TITLE = "Quality for time"
BUNDLED = "digits-denoiser"
TARGETS = {"conv": "19.5 for every seed", "unet": "22.8, goal 23.3", BUNDLED: "23.3, goal 24"}
KERAS = ("keras sigmoid", "keras linear")


@dataclass(frozen=True)
class Training:
    """One training of three epochs: whose, and what it is told to begin with."""

    who: str
    side: Contestant
    settings: Mapping[str, object]


def measure(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """Train everyone from every seed, in heats whose members take turns after each epoch."""
    digits = prepare_digits(bench)
    with ExitStack() as stack:
        keras = stack.enter_context(start_keras(bench, digits))
        conv, unet = (
            stack.enter_context(start_restorae(bench, digits, f"restorae {name}"))
            for name in ("conv", "unet")
        )
        lanes = [
            [
                Training(who, keras, {"output": who.split()[1], "seed": bench.seed + index})
                for index in range(bench.keras_seeds)
                for who in KERAS
            ],
            [_ours(bench, conv, "conv", index) for index in range(bench.conv_seeds)],
            [_ours(bench, unet, "unet", index) for index in range(bench.unet_seeds)],
        ]
        runs = []
        for heat, members in enumerate(zip_longest(*lanes)):
            for run in _race([member for member in members if member is not None]):
                runs.append({**run, "heat": heat})
                say(f"heat {heat}: {_in_words(run)}")
        ready_made = None
        if BUNDLED in bundled():
            ready_made = {"card": conv.ask("load", model=BUNDLED)["card"], **conv.ask("score")}
        versions = {**conv.hello["versions"], **keras.hello["versions"]}
        idle = {side.name: side.idle_share for side in (keras, conv, unet)}
        return {
            "machine": conv.hello["machine"],
            "versions": versions,
            "runs": runs,
            "bundled": ready_made,
            "idle": idle,
        }


def _ours(bench: Bench, side: Contestant, network: str, index: int) -> Training:
    return Training(
        network, side, recipe_settings(bench, network, bench.seed + index, bench.draws_of_a_user)
    )


def _race(members: list[Training]) -> list[dict[str, Any]]:
    """Train the members together, an epoch of each in turn, and score what comes of it."""
    runs: list[dict[str, Any]] = [
        {"who": each.who, "seed": each.settings["seed"], "laps": []} for each in members
    ]
    for each, run in zip(members, runs, strict=True):
        run["digits_per_epoch"] = each.side.ask("begin", epochs=EPOCHS, **each.settings)[
            "digits_per_epoch"
        ]
    for _ in range(EPOCHS):
        for each, run in zip(members, runs, strict=True):
            run["laps"].append(each.side.ask("epoch"))
    for each, run in zip(members, runs, strict=True):
        run["seconds"] = sum(lap["seconds"] for lap in run["laps"])
        try:
            run["finished"] = each.side.ask("finish")
            run |= each.side.ask("score")
        except ContestantFailed as refusal:
            # a network that collapsed is a result; anything else is not
            if refusal.kind != "TrainingCollapsed":
                raise
            run["failed"] = str(refusal)
    return runs


def _in_words(run: Mapping[str, Any]) -> str:
    outcome = run["failed"] if "failed" in run else f"{run['psnr_pooled']:.2f} dB"
    return f"{run['who']}, seed {run['seed']}: {run['seconds']:.1f} s, {outcome}"


def report(record: Mapping[str, Any]) -> str:
    """The section's text."""
    found = record["measured"]
    runs = found["runs"]
    names = {
        KERAS[0]: "Keras `conv`, the lesson's recipe (sigmoid)",
        KERAS[1]: "Keras `conv`, linear output",
        "conv": "restorae `conv`",
        "unet": "restorae `unet`, the default",
    }
    rows = [
        _row(name, [run for run in runs if run["who"] == who], runs, TARGETS.get(who, ""))
        for who, name in names.items()
    ]
    ready_made = found["bundled"]
    if ready_made:
        score = f"{ready_made['psnr_pooled']:.2f}"
        rows.append([f"restorae `{BUNDLED}`, bundled", "", "", "", score, TARGETS[BUNDLED]])
    damaged = next(run["psnr_pooled_degraded"] for run in runs if "psnr_pooled_degraded" in run)
    paragraphs = [
        table(
            ["", "trainings", "three epochs, s", "ratio to Keras", "`psnr_pooled`, dB", "target"],
            [row for row in rows if row],
        ),
        f"Medians, with the smallest and the largest. The PSNR of the noisy test digits is {damaged:.2f} dB. A ratio compares "
        "trainings that ran in turn, epoch by epoch (target for `unet`: 1.3, goal 0.8).",
        _beside_the_epochs(runs),
    ]
    failures = [run["failed"] for run in runs if "failed" in run]
    if failures:
        paragraphs.append(
            f"{counted(len(failures), 'training')} ended without a model and a score: {failures[0]}"
        )
    if ready_made:
        card = ready_made["card"]
        paragraphs.append(
            f"`{BUNDLED}` was trained for {card['epochs']:g} epochs ({card['seconds']:,.0f} s) on {card['data']}; it is not trained here."
        )
    return "\n\n".join(paragraphs)


def _row(
    name: str, runs: list[dict[str, Any]], everyone: list[dict[str, Any]], target: str
) -> list[str]:
    if not runs:
        return []
    rivals = {run["heat"]: run["seconds"] for run in everyone if run["who"] in KERAS}
    paired = [run for run in runs if run["heat"] in rivals]
    ratio = (
        Spread.of_ratios(
            [run["seconds"] for run in paired], [rivals[run["heat"]] for run in paired]
        ).to_text()
        if paired
        else ""
    )
    scores = [run["psnr_pooled"] for run in runs if "psnr_pooled" in run]
    score = Spread.of(scores).to_text() if scores else "none"
    seconds = Spread.of([run["seconds"] for run in runs]).to_text(1)
    return [name, str(len(runs)), seconds, "1" if runs[0]["who"] in KERAS else ratio, score, target]


def _beside_the_epochs(runs: list[dict[str, Any]]) -> str:
    """What the epochs' ratios do not say: how much each side sees in one, and what a whole call takes besides."""
    theirs = [run["digits_per_epoch"] for run in runs if run["who"] in KERAS]
    ours = [run for run in runs if run["who"] not in KERAS]
    seen = ours[0]["digits_per_epoch"] if ours else 0
    finished = [run["finished"]["seconds"] - run["seconds"] for run in ours if "finished" in run]
    said = (
        f"An epoch is {theirs[0]:,} digits for Keras and {seen:,} for restorae, which holds out 5,000 for validation and skips an "
        f"incomplete last batch; per digit, its ratios are {theirs[0] / seen:.2f} times as large."
        if theirs and ours
        else "Keras and restorae were not both trained in this run, so there are no ratios."
    )
    if finished:
        said += (
            " Opening the data before the first epoch and the last validation with SSIM add "
            f"{Spread.of(finished).to_text(1)} s to a whole call of `restorae.train`."
        )
    return said
