"""Pairs that do not lie on each other are found; damage alone is no shift."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

from restorae.data import ListedImages, Pairs, open_images, registration
from restorae.data.registration import Shift, shift_between
from restorae.degradations import Degradation
from restorae.randomness import generator

SOURCES = ("camera", "coins", "brick", "grass", "gravel", "moon")


def clean_images(side: int = 200) -> list[Tensor]:
    return [
        torch.from_numpy(
            getattr(data, name)()[40 : 40 + side, 40 : 40 + side].astype(np.float32) / 255
        )
        for name in SOURCES
    ]


def pairs_of(degraded: list[Tensor], clean: list[Tensor]) -> Pairs:
    names = [f"{name}.png" for name in SOURCES]
    return Pairs(
        ListedImages([each.numpy() for each in degraded], names),
        ListedImages([each.numpy() for each in clean], names),
    )


def harmed(clean: Tensor, spec: str, seed: int = 0) -> Tensor:
    return Degradation.of(spec).draw(generator(seed), 1).apply(clean[None, None])[0, 0]


@pytest.mark.parametrize(
    "spec",
    [
        "gaussian-noise(sigma=0.2)",
        "jpeg(quality=10)",
        "blur(sigma=2)",
        "fading",
        "stains | scratches",
    ],
)
def test_a_shift_of_a_pixel_is_measured_under_any_damage(spec: str) -> None:
    clean = clean_images()
    degraded = [harmed(each, spec, seed) for seed, each in enumerate(clean)]
    assert registration(pairs_of(degraded, clean)).shifted == ()
    moved = [each.roll((2, -1), (0, 1)) for each in degraded]
    found = registration(pairs_of(moved, clean))
    told = [str(shift) for _, shift in found.shifted]
    assert told.count("2 px down and 1 px left") >= len(clean) - 1, (
        f"shifts of 2 px down and 1 px left were taken for {told}"
    )


def test_motion_blur_is_no_shift() -> None:
    clean = clean_images()
    assert (
        registration(
            pairs_of([harmed(each, "motion-blur", seed) for seed, each in enumerate(clean)], clean)
        ).shifted
        == ()
    )


def test_images_of_different_things_are_distinguished_from_those_that_noise_hides() -> None:
    clean = clean_images()
    noisy = [harmed(each, "gaussian-noise(sigma=0.3)", seed) for seed, each in enumerate(clean)]
    assert registration(pairs_of(noisy, clean)).unlike == ()
    mixed = registration(pairs_of(noisy, clean[1:] + clean[:1]))
    assert len(mixed.unlike) == len(clean)
    one = registration(pairs_of([*noisy[:5], harmed(clean[0], "gaussian-noise(sigma=0.1)")], clean))
    assert one.unlike == ("moon.png",)


def test_digits_under_the_lessons_noise_lie_where_they_should() -> None:
    digits = open_images("digits").subset(range(60))
    images = digits.batch(range(60))
    noisy = (
        Degradation.of("gaussian-noise(mean=0.5,sigma=0.3)").draw(generator(0), 60).apply(images)
    )
    degraded = ListedImages([each[0].numpy() for each in noisy], digits.names)
    found = registration(Pairs(degraded, digits))
    assert (found.shifted, found.unlike) == ((), ())
    assert len(registration(Pairs(degraded, digits.subset([*range(1, 60), 0]))).unlike) == 60


def test_what_shows_nothing_lies_nowhere() -> None:
    flat = torch.full((100, 100), 0.5)
    assert shift_between(flat, flat) == Shift(0, 0, sureness=0.0, here=1.0)
    assert not shift_between(torch.rand(100, 100, generator=generator(0)), flat).is_certain
