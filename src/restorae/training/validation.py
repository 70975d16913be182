"""Validation between epochs, and whether the end result is worth keeping."""

from __future__ import annotations

import abc
import math
from dataclasses import KW_ONLY, dataclass
from typing import Any

import torch

from restorae.errors import Fix, Message, TrainingCollapsed
from restorae.evaluating import constant_answer_error, evaluate_latent, has_collapsed
from restorae.evaluating import evaluate as score
from restorae.evaluating.scores import Scores, Tally
from restorae.losses import MSE, Batch, Loss
from restorae.model import Model
from restorae.model.inference import restore_at_once
from restorae.page_detection import center_crop
from restorae.progress import Progress
from restorae.randomness import derive_seed, generator
from restorae.shapes import Images
from restorae.training.data import TrainingData
from restorae.training.film_data import FilmTrainingData

_SEED = 1
_LATE = 10**9
"""A step at which every warm-up is over."""
_SHOWN = 256
_AGAINST_COLLAPSE = (Fix("learning_rate", action="change"), Fix("seed", action="change"))
_COLLAPSED, _UNCHANGED = 0.02, 0.005


@dataclass(frozen=True)
class ValidationResult:
    """What a validation found."""

    figures: dict[str, float]
    """For the history on the model's card."""
    _: KW_ONLY
    sentence: str
    """For the person."""
    scores: dict[str, Any]
    """For the model's card, with what they were measured on."""


class Validation(abc.ABC):
    """Measures a model on the held-out images."""

    error = "validation_loss"
    """Which figure says how good a model is: the smaller, the better."""

    def __init__(self, on: str) -> None:
        self.on = on

    @abc.abstractmethod
    def evaluate(self, model: Model, final: bool) -> ValidationResult:
        """Measure a model; `final` takes the time for what only the end needs."""

    @abc.abstractmethod
    def check(self, result: ValidationResult, progress: Progress) -> None:
        """Raise `TrainingCollapsed` if a finished training left nothing worth keeping; warn if it left little."""


class RestoringValidation(Validation):
    """By the error of what is restored."""

    error = "mse"

    def __init__(self, data: TrainingData) -> None:
        super().__init__(data.validated_on)
        self.data = data
        self.constant = constant_answer_error(
            data.test_set.clean, data.examples.clean, data.examples.patch
        )

    def evaluate(self, model: Model, final: bool) -> ValidationResult:
        found = score(model.restore_images, self.data.test_set, with_ssim=final)
        figures = {"mse": found.restored.mse, "mse_degraded": found.degraded.mse}
        sentence = f"validation PSNR {found.restored.psnr_pooled or math.inf:.2f} dB (pooled)"
        scores = {"on": self.on, **found.model_dump(mode="json")}
        if self.data.grey_test_set is not None:
            grey = score(model.restore_images, self.data.grey_test_set, with_ssim=final)
            figures["mse_grey"] = grey.restored.mse
            sentence += f", in grey {grey.restored.psnr_pooled or math.inf:.2f} dB"
            scores["in_grey"] = grey.model_dump(mode="json")
        return ValidationResult(figures, sentence=sentence, scores=scores)

    def check(self, result: ValidationResult, progress: Progress) -> None:
        restored, degraded = result.figures["mse"], result.figures.get("mse_degraded")
        if has_collapsed(restored, self.constant):
            raise TrainingCollapsed(
                f"The network has collapsed: on validation images its error ({restored:.4f}) is no better than that of one "
                f"constant answer ({self.constant:.4f}). It was not saved. Longer training may help, and a network without a "
                "sigmoid at its output (docs/why-it-collapses.md)",
                fix=_AGAINST_COLLAPSE,
            )
        if degraded is not None and restored >= degraded:
            progress.warn(
                "This model is no better than leaving the images alone (validation). Train longer or check the data."
            )


class AutoEncoderValidation(RestoringValidation):
    """By the error of what a plain auto-encoder gives back."""

    def evaluate(self, model: Model, final: bool) -> ValidationResult:
        found = score(model.restore_images, self.data.test_set, with_ssim=final)
        psnr = found.restored.psnr_pooled or math.inf
        scores = found.model_dump(mode="json", exclude={"degraded"})
        return ValidationResult(
            {"mse": found.restored.mse},
            sentence=f"validation PSNR of reconstructions {psnr:.2f} dB (pooled)",
            scores={
                "on": self.on,
                "reconstructed": scores.pop("restored"),
                "count": scores["count"],
            },
        )


class VaeValidation(Validation):
    """By the bound of a variational auto-encoder."""

    def __init__(self, data: TrainingData) -> None:
        super().__init__(data.validated_on)
        self.data = data

    def evaluate(self, model: Model, final: bool) -> ValidationResult:
        binarised = self.data.examples.binarise
        found = evaluate_latent(
            model,
            self.data.test_set.clean,
            seed=derive_seed(self.data.examples.seed, _SEED),
            with_binarised=binarised or final,
        )
        bound, what = (
            (found.binarised, "binarised")
            if binarised and found.binarised
            else (found.grey, "grey")
        )
        called = "validation loss" if self.data.held_out else "loss on training images"
        return ValidationResult(
            {
                "validation_loss": -bound.elbo,
                "validation_reconstruction": bound.reconstruction,
                "validation_kl": bound.kl,
                "active_units": found.active_units,
                "latent_dim": found.latent_dim,
            },
            sentence=f"{called} {-bound.elbo:.2f} = {bound.reconstruction:.2f} + KL {bound.kl:.2f} nats per image ({what}), "
            f"{found.active_units} of {found.latent_dim} latent dimensions in use",
            scores={"on": self.on, **found.model_dump(mode="json")},
        )

    def check(self, result: ValidationResult, progress: Progress) -> None:
        used, there = int(result.figures["active_units"]), int(result.figures["latent_dim"])
        if used == there:
            return
        what = (
            "The posterior has collapsed: no latent dimension"
            if not used
            else f"Only {used} of {there} latent dimensions"
        )
        verb = "says" if used <= 1 else "say"
        progress.warn(
            Message(
                f"{what} {verb} anything about the image; the KL divergence of the others is near zero. That is normal for "
                "wide latents; to use more, lower {} or raise {} or {}",
                settings=("beta", "kl_warmup", "free_bits"),
            )
        )


class NoisyValidation(Validation):
    """By how well a network predicts noisy images that it did not learn from: no clean ones are known."""

    def __init__(self, data: TrainingData, loss: Loss) -> None:
        super().__init__(data.validated_on)
        self.data, self.loss = data, loss

    def evaluate(self, model: Model, final: bool) -> ValidationResult:
        losses, left, spread, restored_spread = [], [], [], []
        for index in range(len(self.data.test_set)):
            noisy = center_crop(self.data.test_set.clean[index], _SHOWN)[None]
            rng = generator(self.data.examples.seed, _SEED, index)
            with torch.no_grad():
                losses.append(
                    self.loss.measure(
                        Batch(
                            network=model.network,
                            module=model.module,
                            degraded=noisy,
                            clean=noisy,
                            step=_LATE,
                            generator=rng,
                        )
                    )["loss"].item()
                )
            restored = model.restore_images(noisy)
            left.append((restored - noisy).std().item())
            spread.append(noisy.std().item())
            restored_spread.append(restored.std().item())
        figures = {
            "validation_loss": _mean(losses),
            "taken_off": _mean(left),
            "spread": _mean(spread),
            "restored": _mean(restored_spread),
        }
        sentence = f"validation loss {figures['validation_loss']:.5f}, noise removed {figures['taken_off']:.4f} (standard deviation)"
        return ValidationResult(figures, sentence=sentence, scores={"on": self.on, **figures})

    def check(self, result: ValidationResult, progress: Progress) -> None:
        figures = result.figures
        if figures["spread"] > 0 and figures["restored"] < _COLLAPSED * figures["spread"]:
            raise TrainingCollapsed(
                "The network has collapsed: its output is almost the same for every input. It was not saved. Check that the "
                "noisy images differ and show more than noise; longer training may help",
                fix=_AGAINST_COLLAPSE,
            )
        if figures["taken_off"] < _UNCHANGED * figures["spread"]:
            progress.warn(
                "This model hardly changes the images: it found no noise that it could distinguish from their content."
            )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


class FilmValidation(Validation):
    """By the error of frames that a film cleaner restores, beside that of the aligned median."""

    error = "mse"

    def __init__(self, data: FilmTrainingData) -> None:
        super().__init__(data.validated_on)
        self.stacks = data.test_stacks
        clean = self.stacks.clean
        self.constant = (clean - clean.mean((2, 3), keepdim=True)).square().mean().item()

    def evaluate(self, model: Model, final: bool) -> ValidationResult:
        planes, clean, _ = self.stacks
        found = [
            restore_at_once(model, each.to(model.device)).cpu() for each in torch.split(planes, 4)
        ]
        both = torch.cat(found)
        restored, degraded, median = (
            _scores_of(images, clean, final)
            for images in (both[:, :1], planes[:, 1:2], planes[:, :1])
        )
        figures = {"mse": restored.mse, "mse_degraded": degraded.mse, "mse_median": median.mse}
        sentence = (
            f"validation PSNR {restored.psnr_pooled or math.inf:.2f} dB (pooled; the aligned median of five frames has "
            f"{median.psnr_pooled or math.inf:.2f})"
        )
        named = {"degraded": degraded, "restored": restored, "aligned_median": median}
        scores = {name: each.model_dump(mode="json") for name, each in named.items()}
        return ValidationResult(
            figures, sentence=sentence, scores={"on": self.on, "count": len(clean), **scores}
        )

    def check(self, result: ValidationResult, progress: Progress) -> None:
        if has_collapsed(result.figures["mse"], self.constant):
            raise TrainingCollapsed(
                "The network has collapsed: its frames are no better than plain grey. It was not saved",
                fix=_AGAINST_COLLAPSE,
            )
        if result.figures["mse"] >= result.figures["mse_median"]:
            progress.warn(
                "This model is no better than the median of five aligned frames (validation). Train longer or check the data."
            )


def _scores_of(images: Images, clean: Images, with_ssim: bool) -> Scores:
    tally = Tally(with_ssim)
    tally.add(images.clamp(0, 1), clean)
    return tally.scores()


def validation_of(data: TrainingData | FilmTrainingData, loss: Loss = MSE()) -> Validation:
    """How a training on this data, with this loss, is checked."""
    if isinstance(data, FilmTrainingData):
        return FilmValidation(data)
    if data.from_noise:
        return NoisyValidation(data, loss)
    if data.kind == "autoencode":
        return AutoEncoderValidation(data)
    return VaeValidation(data) if data.explains else RestoringValidation(data)
