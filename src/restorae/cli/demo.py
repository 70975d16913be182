"""`restorae demo`: train a denoiser for digits and show its results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorae.cli.choices import Precision, use_precision
from restorae.cli.options import DataDir, Device, Seed, network_from
from restorae.cli.sources import mnist_or_digits
from restorae.errors import Message
from restorae.progress import Progress

if TYPE_CHECKING:
    from restorae.data import ImageSet
    from restorae.evaluating import Evaluation, TestSet
    from restorae.model import Model

DAMAGE = "gaussian-noise(mean=0.5,sigma=0.3)"
SHOWN = 10
EMBEDDED_DRAWS = 12_000


def demo(
    data: Annotated[
        str | None,
        typer.Option(
            help="mnist, fashion-mnist, digits, or a path. Default: mnist, or the embedded digits if it is unavailable."
        ),
    ] = None,
    epochs: Annotated[float, typer.Option(help="Passes over the training images.")] = 3,
    network: Annotated[
        str, typer.Option(help="unet, conv, dense, or your own as mine.py:Mine.")
    ] = "unet",
    out: Annotated[
        Path,
        typer.Option(help="Folder to write to; results of an earlier demo are replaced."),
    ] = Path("restorae-demo"),
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    data_dir: DataDir = None,
) -> None:
    """Add noise to digits, train a network to remove it, and show the result on held-out digits."""
    from restorae.cli.console import say, terminal_progress
    from restorae.degradations import Degradation
    from restorae.evaluating import TestSet, evaluate
    from restorae.files import require_writable, write_text
    from restorae.training import Machinery, Recipe, train

    use_precision(precision)
    require_writable(out)
    progress = RecordingProgress(terminal_progress())
    name = data or mnist_or_digits(data_dir, progress)
    damage = Degradation.of(DAMAGE)
    recipe = Recipe(
        name="demo",
        clean=name,
        degradation=damage,
        network=network_from(network),
        epochs=epochs,
        seed=seed,
        augment=name == "digits",
        draws=EMBEDDED_DRAWS if name == "digits" else None,
    )
    seen, unseen = _learn_and_test(name, seed, data_dir, progress)
    say(f"Training {network} for {epochs:g} epochs on {name}, degraded by {damage}.")
    machinery = Machinery(device=device, data_dir=data_dir)
    model = train(
        recipe,
        out / "model.safetensors",
        clean=seen,
        overwrite=True,
        machinery=machinery,
        progress=progress,
    )
    say(f"Restoring {len(unseen):,} held-out images.")
    test_set = TestSet(unseen, degradation=damage, seed=seed)
    scores = evaluate(model.restore_images, test_set, progress)
    metrics = {
        "dataset": name,
        "seed": seed,
        "epochs": epochs,
        "network": str(model.network),
        "parameters": model.card.parameters,
        "count": scores.count,
        "seconds_training": model.card.seconds,
        "seconds_restoring": scores.seconds,
        "psnr_degraded": scores.degraded.psnr,
        "psnr_restored": scores.restored.psnr,
        "psnr_pooled_degraded": scores.degraded.psnr_pooled,
        "psnr_pooled_restored": scores.restored.psnr_pooled,
        "mse_restored": scores.restored.mse,
        "ssim_restored": scores.restored.ssim,
    }
    write_text(out / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    _draw(out, model, test_set, scores, metrics, progress)
    say(
        f"PSNR {scores.degraded.psnr_pooled or 0:.2f} dB degraded, {scores.restored.psnr_pooled or 0:.2f} dB restored (pooled, "
        f"{scores.count:,} held-out images). See {out / 'digits.png'} and {out / 'report.html'}."
    )
    say(f"To use the model: restorae restore IN --model {out / 'model.safetensors'} --out OUT")


def _learn_and_test(
    name: str, seed: int, data_dir: Path | None, progress: Progress
) -> tuple[ImageSet, ImageSet]:
    """Images to train on and to test on; a tenth of the images is held out if the data has no test part."""
    from restorae.data import content_hashes, hold_out, is_named, open_images

    if is_named(name):
        return open_images(name, "train", data_dir, progress), open_images(
            name, "test", data_dir, progress
        )
    images = open_images(name, "all", data_dir, progress)
    seen, unseen = hold_out(content_hashes(images), 0.1, 10_000)
    return images.subset(seen), images.subset(unseen)


def _draw(
    out: Path,
    model: Model,
    test_set: TestSet,
    scores: Evaluation,
    metrics: Mapping[str, object],
    progress: RecordingProgress,
) -> None:
    from restorae.figures import digit_sheets, training_curves, write_figure, write_report
    from restorae.similarity import psnr_from

    shown = test_set.first(SHOWN)
    sheets = digit_sheets(
        {
            "Original": [clean for _, clean in shown],
            "Degraded: noise of mean 0.5 and standard deviation 0.3, not clipped": [
                degraded for degraded, _ in shown
            ],
            "Restored by the network (held-out images)": [
                model.restore_images(degraded[None])[0].clamp(0, 1) for degraded, _ in shown
            ],
        }
    )
    write_figure(sheets, out / "digits.png")
    validation = [(int(each["step"]), psnr_from(each["mse"]).item()) for each in model.card.history]
    write_figure(
        training_curves(progress.losses, validation, "mean squared error"), out / "training.png"
    )
    lines = [
        (
            name.replace("_", " "),
            f"{value:.4f}"
            if isinstance(value, float)
            else f"{value:,}"
            if isinstance(value, int)
            else str(value),
        )
        for name, value in metrics.items()
    ]
    write_report(
        out / "report.html",
        "Degraded digits, restored",
        f"The network {model.network.kind} ({model.card.parameters:,} parameters) was trained for {metrics['epochs']:g} epochs "
        f"on {model.card.data}, "
        f"degraded by {DAMAGE}, in {model.card.seconds:,.0f} s on {model.card.trained_on}. The images below were held out.",
        {
            "Figures": lines,
            "Scores": [
                (name, f"{_figure(before, unit)} degraded, {_figure(after, unit)} restored")
                for name, unit, before, after in (
                    ("PSNR, mean over images", " dB", scores.degraded.psnr, scores.restored.psnr),
                    (
                        "PSNR, over all pixels",
                        " dB",
                        scores.degraded.psnr_pooled,
                        scores.restored.psnr_pooled,
                    ),
                    ("SSIM", "", scores.degraded.ssim, scores.restored.ssim),
                    ("Mean squared error", "", scores.degraded.mse, scores.restored.mse),
                )
            ],
        },
        {"Digits": out / "digits.png", "Training": out / "training.png"},
    )


def _figure(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.2f}{unit}" if unit else f"{value:.4f}"


class RecordingProgress(Progress):
    """Forwards everything to a listener and records the losses for the figure."""

    def __init__(self, listener: Progress) -> None:
        self.listener = listener
        self.step = 0
        self.losses: list[tuple[int, float]] = []

    def begin(self, task: str, total: int, unit: str) -> None:
        self.step = 0
        self.listener.begin(task, total, unit)

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        self.step += count
        if "loss" in figures:
            self.losses.append((self.step, figures["loss"]))
        self.listener.advance(count, figures)

    def end(self) -> None:
        self.listener.end()

    def say(self, message: str | Message) -> None:
        self.listener.say(message)

    def warn(self, message: str | Message) -> None:
        self.listener.warn(message)
