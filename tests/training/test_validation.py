"""What a training is checked on: the right images, the right figures, and a verdict that a person understands."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from restorae.data import ArrayImages, ImageSet
from restorae.degradations import GaussianNoise
from restorae.errors import TrainingCollapsed, in_words
from restorae.evaluating import TestSet, evaluate, evaluate_latent
from restorae.model import Model, make_card
from restorae.networks import Conv, ConvVAE, Network, UNet
from restorae.progress import Progress
from restorae.training import Recipe
from restorae.training.data import TrainingData, load_training_data
from restorae.training.given import Given
from restorae.training.validation import (
    RestoringValidation,
    VaeValidation,
    ValidationResult,
    validation_of,
)

NOISE = "gaussian-noise(mean=0.5,sigma=0.3)"
TINY = "conv-vae(features=2,hidden=4)"
IMAGES: ImageSet = ArrayImages(np.random.default_rng(0).random((40, 12, 12), dtype=np.float32))


class Hearing(Progress):
    """Remembers what it was warned of."""

    def __init__(self) -> None:
        self.warned: list[str] = []

    def warn(self, message: str) -> None:
        self.warned.append(in_words(message))


def material(**settings: object) -> TrainingData:
    return load_training_data(Recipe(**settings), given=Given(clean=IMAGES))  # type: ignore[arg-type]


def untrained(network: Network) -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = network.build()
    return Model(network, module, card=make_card(network, module))


def tiny_vae() -> Model:
    return untrained(ConvVAE(features=2, hidden=4, height=12, width=12))


def verdict_of(used: int, there: int) -> ValidationResult:
    return ValidationResult({"active_units": used, "latent_dim": there}, sentence="", scores={})


def test_images_alone_are_judged_by_the_bound_and_damage_by_the_error() -> None:
    assert isinstance(validation_of(material(network=TINY)), VaeValidation)
    assert isinstance(validation_of(material(network=TINY, binarise=True)), VaeValidation)
    assert isinstance(validation_of(material(network=TINY, degradation=NOISE)), RestoringValidation)
    assert isinstance(
        validation_of(material(network="conv", degradation=NOISE)), RestoringValidation
    )


def test_the_bound_is_that_of_the_held_out_images() -> None:
    held = material(network=TINY, seed=3)
    validation, model = validation_of(held), tiny_vae()
    found = validation.evaluate(model, final=True)
    assert len(held.test_set) == 4
    assert found.scores["on"] == "4 held-out images of images from memory"
    assert found.figures["validation_loss"] == pytest.approx(
        found.figures["validation_reconstruction"] + found.figures["validation_kl"]
    )
    assert found.figures["validation_kl"] == pytest.approx(
        evaluate_latent(model, held.test_set.clean).grey.kl
    ), "the KL needs no chance"
    assert found.figures["latent_dim"] == 2
    assert found.scores["grey"]["elbo"] == pytest.approx(-found.figures["validation_loss"])
    assert found.scores["binarised"] is not None
    assert "nats per image (grey)" in found.sentence
    assert f"{found.figures['validation_loss']:.2f}" in found.sentence
    assert validation.evaluate(model, final=True).figures == found.figures, (
        "the same model, the same figures"
    )


def test_the_work_that_only_the_end_needs_is_left_to_the_end() -> None:
    validation = validation_of(material(network=TINY))
    assert validation.evaluate(tiny_vae(), final=False).scores["binarised"] is None


def test_black_and_white_training_is_judged_on_black_and_white() -> None:
    validation, model = validation_of(material(network=TINY, binarise=True)), tiny_vae()
    for final in (False, True):
        found = validation.evaluate(model, final)
        assert "(binarised)" in found.sentence
        assert found.figures["validation_loss"] == pytest.approx(-found.scores["binarised"]["elbo"])


def test_restoring_is_judged_as_evaluate_does() -> None:
    held, model = (
        material(network="conv(features=2)", degradation=NOISE),
        untrained(Conv(features=2)),
    )
    found = validation_of(held).evaluate(model, final=True)
    expected = evaluate(model.restore_images, held.test_set)
    assert found.figures == {"mse": expected.restored.mse, "mse_degraded": expected.degraded.mse}
    assert found.scores["restored"]["ssim"] == expected.restored.ssim
    assert f"{expected.restored.psnr_pooled:.2f} dB" in found.sentence


def test_nothing_held_out_is_said() -> None:
    held = material(network=TINY, validation=0)
    assert not held.held_out
    assert len(held.examples.clean) == 40
    assert validation_of(held).evaluate(tiny_vae(), final=False).scores["on"] == (
        "40 images that it was trained on of images from memory"
    )


@pytest.mark.parametrize(
    ("used", "there", "hint"),
    [
        (0, 2, "The posterior has collapsed: no latent dimension says anything"),
        (1, 2, "Only 1 of 2 latent dimensions says anything"),
        (12, 40, "Only 12 of 40 latent dimensions say anything"),
    ],
)
def test_dimensions_that_say_nothing_are_warned_of(used: int, there: int, hint: str) -> None:
    hearing = Hearing()
    validation_of(material(network=TINY)).check(verdict_of(used, there), hearing)
    (told,) = hearing.warned
    assert hint in told
    assert "`beta`" in told
    assert "`kl_warmup`" in told


def test_a_latent_that_is_used_needs_no_words() -> None:
    hearing = Hearing()
    validation_of(material(network=TINY)).check(verdict_of(2, 2), hearing)
    assert hearing.warned == []


def test_a_restorer_is_refused_where_a_constant_would_do_and_warned_of_where_nothing_would() -> (
    None
):
    validation, hearing = (
        validation_of(material(network="conv(features=2)", degradation=NOISE)),
        Hearing(),
    )
    assert isinstance(validation, RestoringValidation)
    assert validation.constant == pytest.approx(1 / 12, rel=0.2)  # the variance of uniform values
    with pytest.raises(TrainingCollapsed, match=r"docs/why-it-collapses\.md"):
        validation.check(
            ValidationResult(
                {"mse": validation.constant, "mse_degraded": 1.0}, sentence="", scores={}
            ),
            hearing,
        )
    validation.check(
        ValidationResult({"mse": 0.02, "mse_degraded": 0.01}, sentence="", scores={}), hearing
    )
    assert "no better than leaving the images alone" in hearing.warned[0]
    validation.check(
        ValidationResult({"mse": 0.01, "mse_degraded": 0.02}, sentence="", scores={}), hearing
    )
    assert len(hearing.warned) == 1


def test_a_perfect_restoration_has_a_sentence() -> None:
    nothing = GaussianNoise(sigma=0)
    held = load_training_data(
        Recipe(network="conv(features=2)", degradation=nothing),
        given=Given(clean=ArrayImages(np.random.default_rng(0).random((4, 8, 8)))),
    )
    held = replace(
        held, test_set=TestSet(ArrayImages(np.zeros((4, 8, 8), np.float32)), degradation=nothing)
    )
    with torch.no_grad():
        model = untrained(Conv(features=2))
        for weights in model.module.parameters():
            weights.zero_()
    found = validation_of(held).evaluate(model, final=False)
    assert found.figures["mse"] == 0
    assert f"{math.inf} dB" in found.sentence


def test_a_network_for_grey_and_colour_is_judged_on_both() -> None:
    colours = ArrayImages(np.random.default_rng(0).random((40, 12, 12, 3), dtype=np.float32))
    held = load_training_data(Recipe(network="unet", degradation=NOISE), given=Given(clean=colours))
    model = untrained(UNet(widths=(4, 6), channels=3, grey_too=True))
    assert "mse_grey" not in validation_of(held).evaluate(model, final=True).figures
    both = load_training_data(
        Recipe(network="unet(widths=[4,6],grey_too=true)", degradation=NOISE),
        given=Given(clean=colours),
    )
    assert both.examples.grey_too
    found = validation_of(both).evaluate(model, final=True)
    grey = both.grey_test_set
    assert grey is not None
    assert grey.clean.channels == 1
    assert found.figures["mse_grey"] == pytest.approx(
        evaluate(model.restore_images, grey).restored.mse
    )
    assert found.figures["mse"] == pytest.approx(
        evaluate(model.restore_images, held.test_set).restored.mse
    )
    assert found.scores["in_grey"]["restored"]["ssim"] is not None
    assert "dB (pooled), in grey " in found.sentence
