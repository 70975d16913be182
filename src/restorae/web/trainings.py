"""Training jobs of the page: each runs in a process of its own, reports progress, and can be stopped and resumed."""

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
from typing import Any

import torch

from restorae.errors import Fix, Interrupted, RestoraeError, TrainingFailed, UsageError
from restorae.files import require_writable
from restorae.model import SUFFIX
from restorae.networks import Network
from restorae.training import Recipe, checkpoint
from restorae.web.catalogue import Catalogue
from restorae.web.data_sets import DataSets
from restorae.web.http_errors import not_found
from restorae.web.options import Options
from restorae.web.store import Workspace
from restorae.web.training_request import TrainingRequest, recipe_for
from restorae.web.work import Job, Work

_GRACE_S = 60.0
"""Seconds that a training has to save its checkpoint when it is stopped; then it is killed."""
_MAX_POINTS = 600
"""Points of the loss curve that are kept."""


class TrainingJob(Work):
    """Trains a model in a process of its own."""

    kind = "train"
    lane = "trainings"

    def __init__(
        self,
        options: Options,
        *,
        target: Path,
        recipe: Recipe,
        workspace: Workspace,
        resume: bool,
    ) -> None:
        self.options, self.target, self.recipe = options, target, recipe
        self.workspace, self.resume = workspace, resume
        self.minutes = math.inf  # the recipe limits the time, and `begin` checked it
        self.losses: list[tuple[int, float]] = []
        self.looks: list[dict[str, float]] = []

    def about(self) -> dict[str, Any]:
        recipe = self.recipe
        return {
            "name": self.target.name.removesuffix(SUFFIX),
            "way": "noisy" if recipe.noisy else "pairs" if recipe.degraded else "damage",
            "network": str(recipe.network or ""),
            "minutes": recipe.minutes,
            "damage": str(recipe.degradation) if recipe.degradation else "",
            "losses": self.losses,
            "looks": self.looks,
            "resumable": checkpoint.path_for(self.target).is_file(),
        }

    def look(self, number: int) -> Path:
        """Path of the preview images of a validation, counted from 1.

        Raises:
            HttpError: there is no such preview.
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
        stderr_file = self.workspace.folder / "stderr"
        with stderr_file.open("wb") as errors:
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
                self._on_event(last, job)
            process.wait()
        finally:
            ended.set()
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()
            watcher.join()
        return self._result(last, job, process.returncode, stderr_file)

    def forget(self) -> None:
        self.workspace.remove()

    def _on_event(self, event: dict[str, Any], job: Job) -> None:
        match event["what"]:
            case "begin":
                job.begin(event["task"], event["total"], event["unit"])
            case "advance":
                # a signal stops the process, which then saves a checkpoint
                with contextlib.suppress(Interrupted):
                    job.advance(event["count"], event["figures"])
                self._add_loss(job.count, event["figures"].get("loss"))
            case "skip":
                job.skip(event["count"])
            case "say":
                job.say(event["message"])
            case "look":
                self.looks = [*self.looks, {**_finite(event["figures"]), "step": job.count}]
                job.say(f"Checked after {job.count:,} steps.")

    def _add_loss(self, step: int, loss: float | None) -> None:
        """Add a point to the loss curve; drop every second point when there are too many."""
        if loss is None or not math.isfinite(loss):
            return
        self.losses = [*self.losses, (step, loss)]
        if len(self.losses) > _MAX_POINTS:
            self.losses = self.losses[::2]

    def _result(
        self, last: dict[str, Any], job: Job, status: int, stderr_file: Path
    ) -> dict[str, Any]:
        match last.get("what"):
            case "done":
                return {
                    "model": self.target.name.removesuffix(SUFFIX),
                    **{key: last[key] for key in ("steps", "seconds", "parameters")},
                }
            case "stopped":
                raise Interrupted(
                    f"Stopped at step {job.count:,}; a checkpoint was kept. Resume continues from it."
                )
            case "failed":
                raise TrainingFailed(last["message"], subject=last["subject"])
        if job.stop_asked.is_set():
            raise Interrupted("Stopped before the training started.")
        printed = stderr_file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise TrainingFailed(
            f"The training process exited with status {status} and no result: {printed[-1] if printed else 'nothing was printed'}"
        )


def begin(
    request: TrainingRequest,
    options: Options,
    catalogue: Catalogue,
    data: DataSets,
    workspace: Workspace,
) -> TrainingJob:
    """The job for a request, with everything checked that can be checked before it runs.

    Raises:
        UsageError: a setting is missing or cannot be used, or the model exists and is not to be replaced.
        OutputError: the models' folder cannot be written.
    """
    target = catalogue.path_for_new(request.name)
    if target.exists() and not request.overwrite:
        raise UsageError(
            f"A model {request.name!r} already exists",
            fix=(Fix("name", action="change"), Fix("overwrite", True)),
        )
    if request.minutes is not None and request.minutes > options.limits.minutes_of_training:
        raise UsageError(
            f"This server trains for at most {options.limits.minutes_of_training:g} minutes; got {request.minutes:g}."
        )
    recipe = recipe_for(request, data, catalogue)
    if recipe.network is not None:
        _refuse_huge(recipe.network, options.limits.parameters)
    require_writable(target.parent)
    return TrainingJob(options, target=target, recipe=recipe, workspace=workspace, resume=False)


def resume(name: str, options: Options, catalogue: Catalogue, workspace: Workspace) -> TrainingJob:
    """The job that resumes a stopped training from its checkpoint.

    Raises:
        BadModelFile: there is no checkpoint of that name.
    """
    target = catalogue.path_for_new(name)
    state = checkpoint.peek(checkpoint.path_for(target))
    return TrainingJob(
        options, target=target, recipe=Recipe(**state.recipe), workspace=workspace, resume=True
    )


def unfinished(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Stopped trainings that can be resumed."""
    found = []
    for path in sorted(catalogue.folder.glob("*.checkpoint")) if catalogue.folder.is_dir() else []:
        with contextlib.suppress(RestoraeError):
            state = checkpoint.peek(path)
            found.append(
                {"name": path.stem, "step": state.step, "seconds": round(state.seconds, 1)}
            )
    return found


def _refuse_huge(network: Network, most: int) -> None:
    """Count parameters without memory for them."""
    with torch.device("meta"):
        count = sum(weights.numel() for weights in network.build().parameters())
    if count > most:
        raise UsageError(
            f"This network has {count:,} parameters; this server trains up to {most:,}."
        )


def _finite(figures: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if math.isfinite(value)}


def _stop_when_asked(process: subprocess.Popen[str], job: Job, ended: threading.Event) -> None:
    """Terminate the process when the job is to stop; kill it if it does not end in time."""
    while not ended.wait(0.1):
        if job.stop_asked.is_set():
            break
    else:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    asked = time.monotonic()
    while not ended.wait(0.1):
        if time.monotonic() - asked > _GRACE_S:
            process.kill()
            return
