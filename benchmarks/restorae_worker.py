"""restorae's side of the benchmark: what a user calls (`restorae.train`, `restorae.load`, `Model.restore`, `manifold`), when asked.

A training is held between its epochs inside the progress listener that every user of `restorae.train` can hand in, so
what is timed is the public call itself, nothing rewritten for the benchmark.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from settings import BATCH_SIZE, DAMAGE
from worker_protocol import Line, Pace

import restorae
from restorae import machine
from restorae.data import ArrayImages
from restorae.errors import Message, RestoraeError
from restorae.latent import manifold
from restorae.process import prepare_process
from restorae.progress import Progress


class Held(Progress):
    """Tells of each epoch and holds the training until the next is asked for."""

    def __init__(self, pace: Pace, epochs: int) -> None:
        self.pace, self.epochs = pace, epochs
        self.total = self.step = self.told = 0
        self.seconds_of_steps = 0.0

    def begin(self, task: str, total: int, unit: str) -> None:
        if unit == "steps":
            self.total = total
            self.pace.line.answer(task=task, digits_per_epoch=total // self.epochs * BATCH_SIZE)
            self.pace.hold("epoch")

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        if self.total:
            self.step += count
            self.seconds_of_steps = self.pace.since_released()

    def say(self, message: str | Message) -> None:
        """An epoch is over when its steps are done and its validation has been told."""
        if not self.total or self.step == self.told or self.step % (self.total // self.epochs):
            return
        self.told = self.step
        self.pace.line.answer(
            seconds=self.pace.since_released(),
            seconds_of_steps=self.seconds_of_steps,
            said=str(message),
        )
        self.pace.hold("epoch" if self.step < self.total else "finish")


class Averages(Progress):
    """The running means of each epoch by themselves, as Keras prints them; a model's history may put short epochs together."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.total = self.step = 0
        self.sums: dict[str, float] = {}
        self.means: list[dict[str, float]] = []

    def begin(self, task: str, total: int, unit: str) -> None:
        if unit == "steps":
            self.total = total

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        if not self.total or not figures:
            return
        self.step += count
        for name, mean in figures.items():
            self.sums[name] = self.sums.get(name, 0.0) + count * mean
        steps = self.total // self.epochs
        if self.step % steps == 0:
            self.means.append(
                {
                    name: total / steps
                    for name, total in self.sums.items()
                    if name in ("loss", "reconstruction", "kl")
                }
            )
            self.sums = {}


class Worker:
    """The test digits and the model at hand."""

    def __init__(self, line: Line, folder: Path) -> None:
        self.line = line
        self.clean, self.noisy = np.load(folder / "test.npy"), np.load(folder / "test-noisy.npy")
        self.model: restorae.Model

    def begin(
        self,
        epochs: int,
        precision: machine.Precision = "auto",
        data_dir: str | None = None,
        **settings: Any,
    ) -> None:
        """One training by the default recipe, epoch by epoch as they are asked for; `settings` are a recipe's."""
        pace, started = Pace(self.line), time.perf_counter()
        self._train(Held(pace, epochs), epochs, precision, data_dir, settings)
        whole = time.perf_counter() - started - pace.held
        self.line.answer(
            seconds=whole,
            card_seconds=self.model.card.seconds,
            parameters=self.model.card.parameters,
        )

    def learn(
        self,
        epochs: int,
        precision: machine.Precision = "auto",
        data_dir: str | None = None,
        **settings: Any,
    ) -> None:
        """One training in one go; the answer is each epoch's running means."""
        averages = Averages(epochs)
        self._train(averages, epochs, precision, data_dir, settings)
        self.line.answer(means=averages.means, card_seconds=self.model.card.seconds)

    def _train(
        self,
        progress: Progress,
        epochs: int,
        precision: machine.Precision,
        data_dir: str | None,
        settings: Mapping[str, Any],
    ) -> None:
        recipe = restorae.Recipe(
            **{
                "clean": "mnist",
                "degradation": DAMAGE,
                "epochs": epochs,
                "batch_size": BATCH_SIZE,
                **settings,
            }
        )
        machinery = restorae.Machinery(
            device="cpu", precision=precision, data_dir=Path(data_dir) if data_dir else None
        )
        self.model = restorae.train(recipe, machinery=machinery, progress=progress)

    def save(self, path: str) -> None:
        """Write the model."""
        self.line.answer(path=str(self.model.save(path)))

    def load(self, model: str) -> None:
        """Take a model file, or a bundled model, in hand."""
        self.model = restorae.load(model)
        self.line.answer(card=self.model.card.model_dump(mode="json", exclude={"history"}))

    def predict(self) -> None:
        """Restore the test digits."""
        started = time.perf_counter()
        self.model.restore(self.noisy)
        self.line.answer(seconds=time.perf_counter() - started)

    def manifold(self, side: int) -> None:
        """Decode a grid of latents as one image."""
        started = time.perf_counter()
        canvas = manifold(self.model, side).canvas
        self.line.answer(seconds=time.perf_counter() - started, shape=canvas.shape)

    def score(self) -> None:
        """Score the test digits: damaged and restored."""
        test_set = restorae.TestSet(ArrayImages(self.clean), degraded=ArrayImages(self.noisy))
        found = restorae.evaluate(self.model.restore_images, test_set)
        self.line.answer(
            psnr_pooled=found.restored.psnr_pooled, psnr_pooled_degraded=found.degraded.psnr_pooled
        )

    def serve(self) -> None:
        """Do what is asked until nothing more is; what restorae refuses is an answer too."""
        versions = {
            "restorae": restorae.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        }
        self.line.answer(machine=machine.describe(), versions=versions)
        verbs: dict[str, Callable[..., None]] = {
            "begin": self.begin,
            "learn": self.learn,
            "save": self.save,
            "load": self.load,
            "predict": self.predict,
            "manifold": self.manifold,
            "score": self.score,
        }
        while True:
            request = self.line.request()
            try:
                verbs[request.pop("do")](**request)
            except RestoraeError as error:
                self.line.answer(error=str(error), kind=type(error).__name__)


def main() -> None:
    """Read the options and serve."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--data", type=Path, required=True, help="folder with test.npy and test-noisy.npy"
    )
    prepare_process()  # as the command line does
    Worker(Line(), options.parse_args().data).serve()


if __name__ == "__main__":
    main()
