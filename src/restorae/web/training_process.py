"""A training in a process of its own: `python -m restorae.web.training_process`, an order on stdin, events on stdout.

So that it can be stopped like a training in a terminal (SIGTERM saves a checkpoint), leaves no memory behind when it is
over, and does not make the page wait.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch

from restorae.errors import Interrupted, Message, RestoraeError, UsageError, in_words
from restorae.formats import write_still
from restorae.latent import tiled
from restorae.model import Model
from restorae.page_detection import center_crop
from restorae.pixels import as_array
from restorae.process import prepare_process
from restorae.progress import Progress
from restorae.training import Machinery, Recipe, TrainingCallback, TrainingSetup, train
from restorae.training.data import TrainingData
from restorae.training.validation import ValidationResult
from restorae.web.wording import PAGE

_SHOWN, _SIDE = 6, 128


class JsonProgress(Progress):
    """Writes each thing that happens as a line of JSON."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def report(self, what: str, **facts: Any) -> None:
        """One line. Where nobody reads any more, since the server was killed, the training stops and keeps a checkpoint."""
        try:
            print(json.dumps({"what": what, **facts}), file=self.out, flush=True)
        except BrokenPipeError:
            self.out = io.StringIO()
            signal.raise_signal(signal.SIGTERM)

    def begin(self, task: str, total: int, unit: str) -> None:
        self.report("begin", task=task, total=total, unit=unit)

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        self.report("advance", count=count, figures=dict(figures))

    def skip(self, count: int) -> None:
        """Steps of an earlier run."""
        self.report("skip", count=count)

    def say(self, message: str | Message) -> None:
        self.report("say", message=in_words(message, PAGE))

    def warn(self, message: str | Message) -> None:
        self.report("say", message=in_words(message, PAGE))


class Preview(TrainingCallback):
    """After each validation, writes what the model makes of a few held-out images as `look-N.png` and reports it.

    Args:
        folder: where the sheets go.
        progress: where they are reported.
    """

    def __init__(self, folder: Path, progress: JsonProgress) -> None:
        self.folder, self.progress, self.count = folder, progress, 0

    def on_start(self, setup: TrainingSetup) -> None:
        if not isinstance(setup.data, TrainingData):
            raise UsageError("film cleaners are trained on the command line or in Python")
        self.data = setup.data
        pairs = self.data.test_set.first(_SHOWN)
        side = min(_SIDE, *(min(image.shape[-2:]) for pair in pairs for image in pair))
        self.pairs = [
            (center_crop(degraded, side), center_crop(clean, side)) for degraded, clean in pairs
        ]

    def on_validation(self, step: int, model: Model, result: ValidationResult) -> None:
        self.count += 1
        write_still(self.folder / f"look-{self.count}.png", self._sheet(model))
        figures = {name: float(value) for name, value in result.figures.items()}
        self.progress.report("look", number=self.count, figures=figures)

    def _sheet(self, model: Model) -> np.ndarray:
        """Degraded, restored and, where they are known, clean images: one row each."""
        degraded, clean = (torch.stack(images) for images in zip(*self.pairs, strict=True))
        restored = (
            model.reconstruct(degraded) if self.data.explains else model.restore_images(degraded)
        )
        rows = [degraded, restored] if self.data.from_noise else [degraded, restored, clean]
        return tiled(np.stack([as_array(row.clamp(0, 1), np.uint8) for row in rows]))


def learn(order: dict[str, Any], progress: JsonProgress) -> None:
    """Train as the order says and report how it ended."""
    try:
        for file in order["imports"]:
            _run(Path(file))
        model = train(
            Recipe(**order["recipe"]),
            Path(order["target"]),
            resume=order["resume"],
            overwrite=True,
            machinery=Machinery(device=order["device"]),
            progress=progress,
            callbacks=[Preview(Path(order["folder"]), progress)],
        )
        card = model.card
        progress.report("done", steps=card.steps, seconds=card.seconds, parameters=card.parameters)
    except Interrupted as error:
        progress.report("stopped", message=error.render(PAGE))
    except RestoraeError as error:
        # the server knows which name to show for a file
        subject = None if error.message.subject is None else os.fspath(error.message.subject)
        problem = replace(error.message, subject=None).render(PAGE)
        progress.report("failed", message=problem, subject=subject)
    except MemoryError:
        progress.report(
            "failed",
            subject=None,
            message="The training does not fit in this machine's memory. Try a smaller batch size or patch.",
        )


def _run(file: Path) -> None:
    """Run a Python file that the person who started the server named, so that the classes in it are known."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    # whatever a library prints goes to stderr: stdout is ours
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    prepare_process()
    os.nice(10)  # a person waits for what is restored meanwhile
    learn(json.loads(sys.stdin.read()), JsonProgress(events))
