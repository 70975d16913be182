"""Training from the page: one of three ways, watched, stopped and gone on with."""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from restorae.errors import Interrupted, RestoraeError, TrainingFailed, UsageError
from restorae.files import require_writable
from restorae.model import SUFFIX
from restorae.training import NOTHING, Recipe, checkpoint
from restorae.web.catalogue import Catalogue
from restorae.web.data_sets import DataSets
from restorae.web.http_errors import not_found
from restorae.web.jobs import Job, Work
from restorae.web.options import Options
from restorae.web.store import Workspace

_GRACE = 60.0
"""Seconds in which a training that is asked to stop must have saved its checkpoint."""
_POINTS = 600


class TrainingWish(BaseModel):
    """What a page asks to be trained."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str
    """What the model will be called."""
    way: Literal["damage", "pairs", "noisy"]
    """Clean pictures and a described damage; pairs of degraded and clean ones; or noisy ones alone."""
    clean: str | None = None
    """A data set of the list."""
    degraded: str | None = None
    """Of `pairs`: partners of the clean ones, with the same names."""
    noisy: str | None = None
    """Of `noisy`: the pictures."""
    degradation: str | None = None
    """Of `damage`: the damage, as on the command line."""
    network: str | None = None
    """The architecture, as on the command line; by default what suits the images."""
    loss: str | None = None
    """What training makes smaller, as on the command line; by default what suits the pictures."""
    start_from: str | None = None
    """A model of the list whose weights to start from; "nothing" for a new network. By default a bundled model that suits the
    images, where there is one and no network is named."""
    minutes: float | None = Field(None, gt=0)
    """Time to train. Give one of minutes, epochs, steps."""
    epochs: float | None = Field(None, gt=0)
    """Passes over the data."""
    steps: int | None = Field(None, ge=1)
    """Updates of the weights."""
    batch_size: int | None = Field(None, ge=1, le=4096)
    """Examples per step."""
    patch: int | None = Field(None, ge=8, le=2048)
    """Side of the regions that are trained on, in pixels."""
    learning_rate: float | None = Field(None, gt=0, le=1)
    """Largest step size."""
    keep: Literal["auto", "best", "last"] | None = None
    """Which weights are kept: the last, or the best on held-out pictures; by default the best of pairs, else the last."""
    patience: int | None = Field(None, ge=1)
    """End after so many validations in a row that found nothing better."""
    seed: int = Field(0, ge=0)
    """Where all chance comes from."""
    overwrite: bool = False
    """Whether a model of that name may be replaced."""


class Apprenticeship(Work):
    """A job that trains a model in a process of its own."""

    kind = "train"

    def __init__(
        self,
        options: Options,
        target: Path,
        recipe: Recipe,
        workspace: Workspace,
        resume: bool,
    ) -> None:
        self.options, self.target, self.recipe = options, target, recipe
        self.workspace, self.resume = workspace, resume
        self.minutes = math.inf  # the recipe says how long; what it may say was checked
        self.losses: list[tuple[int, float]] = []
        self.looks: list[dict[str, float]] = []

    def about(self) -> dict[str, Any]:
        recipe = self.recipe
        return {
            "name": self.target.name.removesuffix(SUFFIX),
            "way": "noisy" if recipe.noisy else "pairs" if recipe.degraded else "damage",
            "network": str(recipe.network or ""),
            "damage": str(recipe.degradation) if recipe.degradation else "",
            "losses": self.losses,
            "looks": self.looks,
            "resumable": checkpoint.path_for(self.target).is_file(),
        }

    def look(self, number: int) -> Path:
        """The sheet of fixed pictures after a validation.

        Raises:
            HttpError: there is none.
        """
        path = self.workspace.folder / f"look-{number}.png"
        if not 1 <= number <= len(self.looks) or not path.is_file():
            raise not_found(f"look {number}")
        return path

    def run(self, job: Job) -> dict[str, Any]:
        require_writable(self.target.parent)
        order = {
            "recipe": self.recipe.model_dump(mode="json", exclude_none=True),
            "target": str(self.target),
            "resume": self.resume,
            "device": self.options.device,
            "imports": [str(path) for path in self.options.imports],
            "folder": str(self.workspace.folder),
        }
        complaints = self.workspace.folder / "stderr"
        with complaints.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "restorae.web.training_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        assert process.stdin is not None
        assert process.stdout is not None
        ended = threading.Event()
        watcher = threading.Thread(target=_stop_when_asked, args=(process, job, ended), daemon=True)
        watcher.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(order))
                process.stdin.close()
            last: dict[str, Any] = {}
            for line in process.stdout:
                last = json.loads(line)
                self._hear(last, job)
            process.wait()
        finally:
            ended.set()
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()
            watcher.join()
        return self._ended(last, job, process.returncode, complaints)

    def forget(self) -> None:
        self.workspace.remove()

    def _hear(self, event: dict[str, Any], job: Job) -> None:
        match event["what"]:
            case "begin":
                job.begin(event["task"], event["total"], event["unit"])
            case "advance":
                with contextlib.suppress(
                    Interrupted
                ):  # the process is stopped by a signal, and then saves a checkpoint
                    job.advance(event["count"], event["figures"])
                self._note(job.count, event["figures"].get("loss"))
            case "skip":
                job.skip(event["count"])
            case "say":
                job.say(event["message"])
            case "look":
                self.looks = [*self.looks, {**_finite(event["figures"]), "step": job.count}]
                job.say(f"Checked after {job.count:,} steps.")

    def _note(self, step: int, loss: float | None) -> None:
        """Keep a curve of the loss that stays short: every second point is dropped when there are too many."""
        if loss is None or not math.isfinite(loss):
            return
        self.losses = [*self.losses, (step, loss)]
        if len(self.losses) > _POINTS:
            self.losses = self.losses[::2]

    def _ended(
        self, last: dict[str, Any], job: Job, status: int, complaints: Path
    ) -> dict[str, Any]:
        match last.get("what"):
            case "done":
                return {
                    "model": self.target.name.removesuffix(SUFFIX),
                    **{key: last[key] for key in ("steps", "seconds", "parameters")},
                }
            case "stopped":
                raise Interrupted(
                    f"Stopped at step {job.count:,}; a checkpoint was kept. Resume goes on from there."
                )
            case "failed":
                raise TrainingFailed(last["message"])
        if job.stop_asked.is_set():
            raise Interrupted("Stopped before the training had begun.")
        told = complaints.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise TrainingFailed(
            f"The training process exited with status {status} and no result: {told[-1] if told else 'nothing was printed'}"
        )


def recipe_for(wish: TrainingWish, data: DataSets, catalogue: Catalogue) -> Recipe:
    """The recipe of what a page asks for.

    Raises:
        UsageError: something is missing or does not go together.
    """
    needed: dict[str, tuple[str, ...]] = {
        "damage": ("clean", "degradation"),
        "pairs": ("degraded", "clean"),
        "noisy": ("noisy",),
    }
    settings: dict[str, Any] = {"name": wish.name}
    for field in ("clean", "degraded", "noisy", "degradation"):
        value = getattr(wish, field)
        if field not in needed[wish.way]:
            continue
        if not value:
            raise UsageError(f"Training on {_WAYS[wish.way]} needs {_WORDS[field]}.")
        settings[field] = value if field == "degradation" else data.source(value)
    said = (
        "network",
        "loss",
        "minutes",
        "epochs",
        "steps",
        "batch_size",
        "patch",
        "learning_rate",
        "keep",
        "patience",
    )
    settings |= {field: value for field in said if (value := getattr(wish, field)) is not None}
    if settings.get("keep") == "auto":
        del settings["keep"]
    if wish.start_from is not None:
        settings["start_from"] = (
            NOTHING if wish.start_from == NOTHING else str(catalogue.path(wish.start_from))
        )
    return Recipe(**settings, seed=wish.seed)


_WAYS = {"damage": "a described damage", "pairs": "pairs", "noisy": "noisy pictures alone"}
_WORDS = {
    "clean": "clean pictures: choose a data set",
    "degraded": "degraded pictures: choose a data set whose names match those of the clean ones",
    "noisy": "noisy pictures: choose a data set",
    "degradation": "a damage, such as gaussian-noise(sigma=0.1)",
}


def begin(
    wish: TrainingWish, options: Options, catalogue: Catalogue, data: DataSets, workspace: Workspace
) -> Apprenticeship:
    """The job that a wish becomes; what is wrong with it is told now.

    Raises:
        UsageError, OutputError: as their messages say.
    """
    target = catalogue.path_for_new(wish.name)
    if target.exists() and not wish.overwrite:
        raise UsageError(
            f"There is a model {wish.name!r} already. Choose another name, or ask to replace it."
        )
    if wish.minutes is not None and wish.minutes > options.limits.minutes_of_training:
        raise UsageError(
            f"This server trains for at most {options.limits.minutes_of_training:g} minutes; {wish.minutes:g} were asked for."
        )
    recipe = recipe_for(wish, data, catalogue)
    require_writable(target.parent)
    return Apprenticeship(options, target, recipe, workspace, resume=False)


def take_up(
    name: str, options: Options, catalogue: Catalogue, workspace: Workspace
) -> Apprenticeship:
    """The job that goes on with a training that was stopped.

    Raises:
        BadModelFile: there is no checkpoint of that name.
    """
    target = catalogue.path_for_new(name)
    state = checkpoint.peek(checkpoint.path_for(target))
    return Apprenticeship(options, target, Recipe(**state.recipe), workspace, resume=True)


def unfinished(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Trainings that were stopped and can be gone on with."""
    found = []
    for path in sorted(catalogue.folder.glob("*.checkpoint")) if catalogue.folder.is_dir() else []:
        with contextlib.suppress(RestoraeError):
            state = checkpoint.peek(path)
            found.append(
                {"name": path.stem, "step": state.step, "seconds": round(state.seconds, 1)}
            )
    return found


def _finite(figures: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if math.isfinite(value)}


def _stop_when_asked(process: subprocess.Popen[str], job: Job, ended: threading.Event) -> None:
    """Ask the process to stop when the job is asked to, and end it if it does not."""
    while not ended.wait(0.1):
        if job.stop_asked.is_set():
            break
    else:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    asked = time.monotonic()
    while not ended.wait(0.1):
        if time.monotonic() - asked > _GRACE:
            process.kill()
            return
