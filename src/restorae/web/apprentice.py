"""A training in a process of its own: `python -m restorae.web.apprentice`, an order on stdin, what happens on stdout.

So that it can be stopped like a training in a terminal (SIGTERM saves a checkpoint), leaves no memory behind when it is
over, and does not make the page wait.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch

from restorae.errors import Interrupted, Message, RestoraeError, in_words
from restorae.formats import write_still
from restorae.latent import tiled
from restorae.model import Model
from restorae.pixels import as_array
from restorae.process import prepare_process
from restorae.progress import Progress
from restorae.training import Machinery, Recipe
from restorae.training.loop import Training
from restorae.training.material import Material
from restorae.training.validation import Validation, Verdict
from restorae.web.wording import PAGE

_SHOWN, _SIDE = 6, 128


class Telling(Progress):
    """Writes each thing that happens as a line of JSON."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def tell(self, what: str, **facts: Any) -> None:
        """One line."""
        print(json.dumps({"what": what, **facts}), file=self.out, flush=True)

    def begin(self, task: str, total: int, unit: str) -> None:
        self.tell("begin", task=task, total=total, unit=unit)

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        self.tell("advance", count=count, figures=dict(figures))

    def skip(self, count: int) -> None:
        """Steps of an earlier run."""
        self.tell("skip", count=count)

    def say(self, message: str | Message) -> None:
        self.tell("say", message=in_words(message, PAGE))

    def warn(self, message: str | Message) -> None:
        self.tell("say", message=in_words(message, PAGE))


class Watched(Validation):
    """A validation that also shows what the model makes of a few fixed pictures.

    Args:
        validation: what judges.
        material: the pictures are the first that were kept from its training.
        folder: where what is shown goes.
        telling: hears of it.
    """

    def __init__(
        self, validation: Validation, material: Material, folder: Path, telling: Telling
    ) -> None:
        super().__init__(material)
        self.validation, self.folder, self.telling, self.count = validation, folder, telling, 0
        self.error = validation.error
        side = min(
            _SIDE,
            *(min(image.shape[-2:]) for pair in material.test_set.first(_SHOWN) for image in pair),
        )
        self.pairs = [
            (_middle(degraded, side), _middle(clean, side))
            for degraded, clean in material.test_set.first(_SHOWN)
        ]

    def judge(self, model: Model, final: bool) -> Verdict:
        verdict = self.validation.judge(model, final)
        self.count += 1
        write_still(self.folder / f"look-{self.count}.png", self._sheet(model))
        self.telling.tell(
            "look",
            number=self.count,
            figures={name: float(value) for name, value in verdict.figures.items()},
        )
        return verdict

    def accept(self, verdict: Verdict, progress: Progress) -> None:
        self.validation.accept(verdict, progress)

    def _sheet(self, model: Model) -> np.ndarray:
        """Degraded, restored and, where they are known, clean pictures: one row each."""
        degraded, clean = (torch.stack(images) for images in zip(*self.pairs, strict=True))
        restored = (
            model.restore_images(degraded)
            if not self.material.explains
            else model.reconstruct(degraded)
        )
        rows = [degraded, restored] if self.material.from_noise else [degraded, restored, clean]
        return tiled(np.stack([as_array(row.clamp(0, 1), np.uint8) for row in rows]))


def _middle(image: torch.Tensor, side: int) -> torch.Tensor:
    top, left = ((length - side) // 2 for length in image.shape[-2:])
    return image[:, top : top + side, left : left + side]


def learn(order: dict[str, Any], telling: Telling) -> None:
    """Do what the order says and tell how it ended."""
    try:
        for file in order["imports"]:
            _run(Path(file))
        machinery = Machinery(device=order["device"])
        training = Training(
            Recipe(**order["recipe"]),
            Path(order["target"]),
            None,
            None,
            order["start_from"],
            machinery,
            telling,
        )
        training.validation = Watched(
            training.validation, training.material, Path(order["folder"]), telling
        )
        model = training.run(order["resume"])
        telling.tell(
            "done",
            steps=model.card.steps,
            seconds=model.card.seconds,
            parameters=model.card.parameters,
        )
    except Interrupted as error:
        telling.tell("stopped", message=str(error))
    except RestoraeError as error:
        telling.tell("failed", message=str(error))
    except MemoryError:
        telling.tell(
            "failed",
            message="The training does not fit in the memory of this machine. Try a smaller batch or patch.",
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
    learn(json.loads(sys.stdin.read()), Telling(events))
