"""Training inside the part `learning`: the command as a person types it, in a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contestants import threads_of
from memory_watch import watch
from settings import Bench

from restorae.model import SUFFIX, Model, load

FROM_NOTHING = "nothing"
"""To start from, where a training is to start from random weights whatever the images are."""


@dataclass(frozen=True)
class Trained:
    """A model that was trained here, and what the command took."""

    model: Model
    path: Path
    seconds: float
    """Of the whole command; the card has those of the training alone."""

    @property
    def facts(self) -> dict[str, object]:
        """What the record keeps of it."""
        card = self.model.card
        return {
            "parameters": card.parameters,
            "steps": card.steps,
            "seconds": card.seconds,
            "seconds_of_command": round(self.seconds, 1),
            "network": str(self.model.network),
            "started_from": card.started_from.partition(":")[0],
        }


def train(
    bench: Bench,
    name: str,
    recipe: Mapping[str, object],
    minutes: float,
    data: Mapping[str, Path],
    start: str = FROM_NOTHING,
) -> Trained:
    """`restorae train` by a recipe for some minutes.

    Args:
        bench: its seed, threads and `minutes_scale`.
        name: of the model, the recipe and the log.
        recipe: settings that stand in the recipe's file.
        minutes: how long, before `minutes_scale` shortens it.
        data: `degraded`, `clean` or `noisy`, and where they lie.
        start: a model whose weights to start from; "" leaves that to the command.

    Raises:
        ContestantFailed: the command failed; the message has its last words.
    """
    folder = working_folder(bench)
    written = folder / f"{name}.toml"
    # what is plain in JSON is the same in TOML
    written.write_text(
        "".join(
            f"{key} = {json.dumps(value)}\n" for key, value in {"name": name, **recipe}.items()
        ),
        encoding="utf-8",
    )
    out = folder / f"{name}{SUFFIX}"
    command = [
        str(Path(sys.executable).parent / "restorae"),
        "train",
        "--recipe",
        str(written),
        "--out",
        str(out),
        "--overwrite",
    ]
    command += ["--minutes", repr(minutes * bench.minutes_scale), "--seed", str(bench.seed)]
    for role, place in data.items():
        command += [f"--{role}", str(place.absolute())]
    if start:
        command += ["--from", start]
    watched = watch(command, threads_of(bench), bench.folder / "logs" / f"train-{name}.txt")
    return Trained(load(out), out, watched.seconds)


def working_folder(bench: Bench) -> Path:
    """Where images to train on, recipes and models of this part go."""
    folder = bench.folder / "learning"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
