"""The lesson's first exercise, as a reader of the lesson would write it in Keras.

It runs in a virtual environment of its own and knows nothing of restorae: the digits come from a folder of arrays that
`benchmarks/run.py` wrote. `--epochs 3` does the exercise once and prints its score; without it the script is one side
of the benchmark and does what it is asked, line by line (`talking.py`).
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow
from keras import layers
from talking import Line, Pace

MEAN, STDDEV = 0.5, 0.3
BATCH_SIZE = 128


def build(output: str) -> keras.Model:
    """The auto-encoder that the lesson's guided project leads to, compiled; `output` is sigmoid there."""
    image = keras.Input((28, 28, 1))
    x = layers.Conv2D(32, 3, activation="relu", padding="same")(image)
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Conv2D(32, 3, activation="relu", padding="same")(x)
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Conv2D(32, 3, activation="relu", padding="same")(x)
    x = layers.UpSampling2D(2)(x)
    x = layers.Conv2D(32, 3, activation="relu", padding="same")(x)
    x = layers.UpSampling2D(2)(x)
    x = layers.Conv2D(1, 3, activation=output, padding="same")(x)
    model = keras.Model(image, x)
    model.compile(loss="mse", optimizer="nadam")
    return model


def normalised(digits: np.ndarray) -> np.ndarray:
    """Stored digits as (n, 28, 28, 1) in [0, 1]."""
    return digits[..., None].astype(np.float32) / 255


def damaged(clean: np.ndarray, seed: int) -> np.ndarray:
    """Digits with the lesson's noise, drawn once for the whole training."""
    return clean + np.random.default_rng(seed).normal(MEAN, STDDEV, clean.shape).astype(np.float32)


def psnr_pooled(restored: np.ndarray, clean: np.ndarray) -> float:
    """PSNR in dB of the mean squared error over all pixels, restored digits clipped to [0, 1]."""
    errors = np.clip(restored, 0, 1).astype(np.float64) - clean
    return float(-10 * np.log10(np.mean(errors**2)))


class Exercise:
    """The digits, and the network that is being trained on them."""

    def __init__(self, folder: Path) -> None:
        self.clean = normalised(np.load(folder / "train.npy"))
        self.unseen = normalised(np.load(folder / "test.npy"))
        self.unseen_noisy = np.load(folder / "test-noisy.npy")[..., None]
        self.noisy = self.clean
        self.model: keras.Model

    def begin(self, output: str, seed: int) -> None:
        """Draw first weights and noise."""
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        self.noisy = damaged(self.clean, seed)
        self.model = build(output)

    def fit(self, epochs: int, callbacks: list[keras.callbacks.Callback]) -> None:
        """Train."""
        self.model.fit(self.noisy, self.clean, batch_size=BATCH_SIZE, epochs=epochs, verbose=0, callbacks=callbacks)

    def predict(self) -> tuple[np.ndarray, float]:
        """The unseen digits restored, and the seconds that took."""
        started = time.perf_counter()
        restored = self.model.predict(self.unseen_noisy, verbose=0)
        return restored, time.perf_counter() - started

    def score(self) -> float:
        """`psnr_pooled` on the unseen digits."""
        return psnr_pooled(self.predict()[0], self.unseen)


class Held(keras.callbacks.Callback):
    """Tells of each epoch and holds the training until the next is asked for."""

    def __init__(self, pace: Pace, epochs: int) -> None:
        super().__init__()
        self.pace, self.epochs = pace, epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Answer and wait."""
        self.pace.line.answer(seconds=self.pace.since_released(), loss=(logs or {}).get("loss"))
        self.pace.hold("epoch" if epoch + 1 < self.epochs else "finish")


def serve(line: Line, exercise: Exercise) -> None:
    """Do what is asked until nothing more is."""
    line.answer(versions={"keras": keras.__version__, "tensorflow": tensorflow.__version__, "python": platform.python_version()})
    while True:
        request = line.request()
        match request["do"]:
            case "begin":
                train(line, exercise, request)
            case "predict":
                line.answer(seconds=exercise.predict()[1])
            case "score":
                line.answer(psnr_pooled=exercise.score())
            case other:
                raise ValueError(f"Nothing here is called {other!r}.")


def train(line: Line, exercise: Exercise, wanted: dict[str, Any]) -> None:
    """One training, epoch by epoch as they are asked for."""
    exercise.begin(wanted["output"], wanted["seed"])
    line.answer(parameters=exercise.model.count_params(), digits_per_epoch=len(exercise.clean))
    pace, started = Pace(line), time.perf_counter()
    pace.hold("epoch")
    exercise.fit(wanted["epochs"], [Held(pace, wanted["epochs"])])
    line.answer(seconds=time.perf_counter() - started - pace.held)


def main() -> None:
    """Read the options, then serve or do the exercise once."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True, help="folder with train.npy, test.npy and test-noisy.npy")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--epochs", type=int, help="do the exercise once for so many epochs and print its score")
    options.add_argument("--output", choices=("sigmoid", "linear"), default="sigmoid", help="activation of the last layer")
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    tensorflow.config.threading.set_intra_op_parallelism_threads(chosen.threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(chosen.threads)
    if chosen.epochs is None:
        serve(Line(), Exercise(chosen.data))
        return
    exercise = Exercise(chosen.data)
    exercise.begin(chosen.output, chosen.seed)
    exercise.fit(chosen.epochs, [])
    print(f"{exercise.model.count_params():,} parameters, {chosen.output} output: {exercise.score():.2f} dB (pooled)")


if __name__ == "__main__":
    main()
