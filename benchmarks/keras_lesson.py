"""The lesson's two exercises, as a reader of the lesson would write them in Keras.

It runs in a virtual environment of its own and knows nothing of restorae: the digits come from a folder of arrays that
`benchmarks/run.py` wrote. `--epochs 3` does the first exercise once and prints its score; without it the script is one
side of the benchmark and does what it is asked, line by line (`worker_protocol.py`).
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow
from keras import layers
from worker_protocol import Line, Pace

MEAN, STDDEV = 0.5, 0.3
BATCH_SIZE = 128
LATENT_DIM = 2


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
        self.model.fit(
            self.noisy,
            self.clean,
            batch_size=BATCH_SIZE,
            epochs=epochs,
            verbose=0,
            callbacks=callbacks,
        )

    def predict(self) -> tuple[np.ndarray, float]:
        """The unseen digits restored, and the seconds that took."""
        started = time.perf_counter()
        restored = self.model.predict(self.unseen_noisy, verbose=0)
        return restored, time.perf_counter() - started

    def score(self) -> float:
        """`psnr_pooled` on the unseen digits."""
        return psnr_pooled(self.predict()[0], self.unseen)


class Sampling(layers.Layer):
    """A latent drawn from what the encoder believes: its mean, and noise times the standard deviation."""

    def call(self, moments: tuple[tensorflow.Tensor, tensorflow.Tensor]) -> tensorflow.Tensor:
        """Draw one latent for each digit."""
        z_mean, z_log_var = moments
        return z_mean + tensorflow.exp(0.5 * z_log_var) * tensorflow.random.normal(
            tensorflow.shape(z_mean)
        )


def build_encoder() -> keras.Model:
    """From a digit to its latent's mean, log-variance and a draw."""
    digit = keras.Input((28, 28, 1))
    x = layers.Conv2D(32, 3, strides=2, activation="relu", padding="same")(digit)
    x = layers.Conv2D(64, 3, strides=2, activation="relu", padding="same")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(16, activation="relu")(x)
    z_mean = layers.Dense(LATENT_DIM)(x)
    z_log_var = layers.Dense(LATENT_DIM)(x)
    return keras.Model(digit, [z_mean, z_log_var, Sampling()([z_mean, z_log_var])])


def build_decoder() -> keras.Model:
    """From a latent to a digit."""
    latent = keras.Input((LATENT_DIM,))
    x = layers.Dense(7 * 7 * 64, activation="relu")(latent)
    x = layers.Reshape((7, 7, 64))(x)
    x = layers.Conv2DTranspose(64, 3, strides=2, activation="relu", padding="same")(x)
    x = layers.Conv2DTranspose(32, 3, strides=2, activation="relu", padding="same")(x)
    x = layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same")(x)
    return keras.Model(latent, x)


class VAE(keras.Model):
    """Both halves, trained together on the cross-entropy summed over pixels and the KL divergence."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = build_encoder(), build_decoder()
        self.means = [keras.metrics.Mean(name=name) for name in ("loss", "reconstruction", "kl")]

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The running means that are shown, begun anew in each epoch."""
        return self.means

    @property
    def parameters(self) -> int:
        """How many numbers both halves learn."""
        return self.encoder.count_params() + self.decoder.count_params()

    def train_step(self, digits: tensorflow.Tensor) -> dict[str, tensorflow.Tensor]:
        """One update of all weights."""
        with tensorflow.GradientTape() as tape:
            z_mean, z_log_var, z = self.encoder(digits, training=True)
            by_pixel = keras.losses.binary_crossentropy(
                digits, self.decoder(z, training=True)
            )  # (batch, 28, 28)
            reconstruction = tensorflow.reduce_mean(tensorflow.reduce_sum(by_pixel, axis=(1, 2)))
            by_latent = 0.5 * (
                tensorflow.square(z_mean) + tensorflow.exp(z_log_var) - 1 - z_log_var
            )
            kl = tensorflow.reduce_mean(tensorflow.reduce_sum(by_latent, axis=1))
            loss = reconstruction + kl
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        for mean, value in zip(self.means, (loss, reconstruction, kl), strict=True):
            mean.update_state(value)
        return {mean.name: mean.result() for mean in self.means}


class Imagining:
    """The second exercise: all digits, and the variational auto-encoder that is being trained on them."""

    def __init__(self, folder: Path) -> None:
        self.digits = normalised(np.load(folder / "all.npy"))
        self.model: VAE

    def begin(self, seed: int) -> None:
        """Draw first weights."""
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        self.model = VAE()
        self.model.compile(optimizer=keras.optimizers.Nadam())

    def fit(self, epochs: int, callbacks: list[keras.callbacks.Callback]) -> list[dict[str, float]]:
        """Train; each epoch's running means."""
        told = self.model.fit(
            self.digits, batch_size=BATCH_SIZE, epochs=epochs, verbose=0, callbacks=callbacks
        ).history
        return [
            {name: float(values[epoch]) for name, values in told.items()} for epoch in range(epochs)
        ]

    def manifold(self, side: int) -> tuple[np.ndarray, float]:
        """An image of side × side digits, one `predict` for each as in the lesson, and the seconds that took."""
        started = time.perf_counter()
        canvas, values = np.zeros((28 * side, 28 * side)), np.linspace(-1, 1, side)
        for row, up in enumerate(values[::-1]):
            for column, right in enumerate(values):
                digit = self.model.decoder.predict(np.array([[right, up]]), verbose=0)[0, ..., 0]
                canvas[28 * row : 28 * (row + 1), 28 * column : 28 * (column + 1)] = digit
        return canvas, time.perf_counter() - started


class Held(keras.callbacks.Callback):
    """Tells of each epoch and holds the training until the next is asked for."""

    def __init__(self, pace: Pace, epochs: int) -> None:
        super().__init__()
        self.pace, self.epochs = pace, epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Answer and wait."""
        self.pace.line.answer(seconds=self.pace.since_released(), loss=(logs or {}).get("loss"))
        self.pace.hold("epoch" if epoch + 1 < self.epochs else "finish")


def serve(line: Line, folder: Path) -> None:
    """Do what is asked until nothing more is."""
    exercise, imagining = cache(lambda: Exercise(folder)), cache(lambda: Imagining(folder))
    line.answer(
        versions={
            "keras": keras.__version__,
            "tensorflow": tensorflow.__version__,
            "python": platform.python_version(),
        }
    )
    while True:
        request = line.request()
        match request["do"]:
            case "begin":
                exercise().begin(request["output"], request["seed"])
                train(
                    line,
                    exercise().model.count_params(),
                    len(exercise().clean),
                    exercise().fit,
                    request["epochs"],
                )
            case "predict":
                line.answer(seconds=exercise().predict()[1])
            case "score":
                line.answer(psnr_pooled=exercise().score())
            case "begin vae":
                imagining().begin(request["seed"])
                train(
                    line,
                    imagining().model.parameters,
                    len(imagining().digits),
                    imagining().fit,
                    request["epochs"],
                )
            case "learn vae":
                imagining().begin(request["seed"])
                line.answer(means=imagining().fit(request["epochs"], []))
            case "manifold":
                canvas, seconds = imagining().manifold(request["side"])
                line.answer(seconds=seconds, shape=canvas.shape)
            case other:
                raise ValueError(f"Nothing here is called {other!r}.")


def train(
    line: Line,
    parameters: int,
    digits: int,
    fit: Callable[[int, list[keras.callbacks.Callback]], object],
    epochs: int,
) -> None:
    """One training, epoch by epoch as they are asked for."""
    line.answer(parameters=parameters, digits_per_epoch=digits)
    pace, started = Pace(line), time.perf_counter()
    pace.hold("epoch")
    fit(epochs, [Held(pace, epochs)])
    line.answer(seconds=time.perf_counter() - started - pace.held)


def main() -> None:
    """Read the options, then serve or do the exercise once."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder with train.npy, test.npy, test-noisy.npy and all.npy",
    )
    options.add_argument("--threads", type=int, default=2)
    options.add_argument(
        "--epochs", type=int, help="do the exercise once for so many epochs and print its score"
    )
    options.add_argument(
        "--output",
        choices=("sigmoid", "linear"),
        default="sigmoid",
        help="activation of the last layer",
    )
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    tensorflow.config.threading.set_intra_op_parallelism_threads(chosen.threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(chosen.threads)
    if chosen.epochs is None:
        serve(Line(), chosen.data)
        return
    exercise = Exercise(chosen.data)
    exercise.begin(chosen.output, chosen.seed)
    exercise.fit(chosen.epochs, [])
    print(
        f"{exercise.model.count_params():,} parameters, {chosen.output} output: {exercise.score():.2f} dB (pooled)"
    )


if __name__ == "__main__":
    main()
