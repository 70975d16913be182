"""Bending: small, different for each image, and repeatable."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorae.data.augmentation import ELASTIC, SHIFT, bend
from restorae.randomness import generator


def digits(count: int) -> torch.Tensor:
    """A soft blob in a black frame, (count, 1, 28, 28)."""
    side = torch.arange(28) - 13.5
    blob = torch.exp(-(side[:, None] ** 2 / 40 + side**2 / 15))
    return (blob * (blob > 0.05)).expand(count, 1, 28, 28)


@given(st.integers(1, 3), st.sampled_from((1, 3)), st.integers(1, 20), st.integers(1, 20))
def test_shape_and_type_are_kept_and_the_input_is_left_alone(count, channels, height, width):
    images = torch.rand(count, channels, height, width, generator=generator(0))
    before = images.clone()
    bent = bend(images, generator(1))
    assert bent.shape == images.shape
    assert bent.dtype == torch.float32
    assert torch.equal(images, before)
    assert bent.min() >= 0
    assert bent.max() <= images.max() + 1e-6, "values are mixed, never made brighter"


def test_the_same_generator_bends_alike_and_another_differently():
    assert torch.equal(bend(digits(3), generator(4)), bend(digits(3), generator(4)))
    assert not torch.equal(bend(digits(3), generator(4)), bend(digits(3), generator(5)))


def test_each_image_is_bent_in_its_own_way():
    bent = bend(digits(5), generator(0))
    assert len({one.numpy().tobytes() for one in bent}) == 5


def test_all_channels_of_an_image_are_bent_alike():
    images = digits(2).expand(2, 3, 28, 28) * torch.tensor([1.0, 0.5, 0.25]).reshape(1, 3, 1, 1)
    bent = bend(images, generator(0))
    assert torch.allclose(bent[:, 1], bent[:, 0] * 0.5, atol=1e-6)
    assert torch.allclose(bent[:, 2], bent[:, 0] * 0.25, atol=1e-6)


def test_a_bent_digit_is_still_that_digit():
    images = digits(200)
    bent = bend(images, generator(2))
    likeness = torch.stack(
        [
            torch.corrcoef(torch.stack([one.flatten(), image.flatten()]))[0, 1]
            for one, image in zip(bent, images, strict=True)
        ]
    )
    assert likeness.min() > 0.8
    assert likeness.mean() < 0.995, "nothing was bent"


def test_the_middle_moves_by_the_stated_share_of_the_side_and_nowhere_on_average():
    count = 400
    point = torch.zeros(count, 1, 101, 101)
    point[..., 48:53, 48:53] = 1
    bent = bend(point, generator(3))[:, 0]
    side = torch.arange(101.0) - 50
    mass = bent.sum((1, 2))
    moved = torch.stack([(bent.sum(2) * side).sum(1) / mass, (bent.sum(1) * side).sum(1) / mass], 1)
    # shift and elastic field are fractions of half the side; the cubic field may overshoot its nodes by a fifth
    farthest = (SHIFT + ELASTIC * 2 * 1.2) * 101 / 2 * 1.2
    assert moved.abs().max() < farthest
    assert moved.abs().max() > 0.5 * SHIFT * 101 / 2
    assert moved.mean(0).abs().max().item() == pytest.approx(
        0, abs=5 * moved.std().item() / count**0.5
    )


def test_what_comes_in_from_outside_is_black():
    bent = bend(torch.ones(100, 1, 28, 28), generator(0))
    assert bent[..., 8:20, 8:20].min() > 0.99
    assert bent[..., 0, 0].min() < 0.01
