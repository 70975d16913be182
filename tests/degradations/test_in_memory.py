"""`restorae.degrade`: one line for images of any kind, the same kind back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import restorae
from restorae.degradations import Degradation
from restorae.errors import BadImage, RestoraeError, UnknownKind, UsageError
from restorae.randomness import generator

NOISE = "gaussian-noise(mean=0.5,sigma=0.3)"
DIGITS = restorae.open_images("digits", "test").batch(range(6))[:, 0].numpy()
COLOUR = np.random.default_rng(0).integers(60, 200, (24, 32, 3), np.uint8)


def expected(images: np.ndarray, text: str = NOISE, seed: int = 1) -> np.ndarray:
    """(n, height, width[, 3]) in [0, 1], degraded by the two steps that everything else uses."""
    working = torch.from_numpy(images)
    working = working[:, None] if working.dim() == 3 else working.permute(0, 3, 1, 2)
    degraded = Degradation.of(text).draw(generator(seed), len(working)).apply(working)
    return (degraded[:, 0] if images.ndim == 3 else degraded.permute(0, 2, 3, 1)).numpy()


def test_every_kind_comes_back_as_it_came_with_the_same_damage():
    noisy = restorae.degrade(DIGITS, NOISE, seed=1)
    assert np.array_equal(noisy, expected(DIGITS))
    assert noisy.dtype == np.float32
    assert noisy.max() > 1.2, "floats are not clipped"
    tensor = restorae.degrade(torch.from_numpy(DIGITS)[:, None], NOISE, seed=1)
    assert np.array_equal(tensor[:, 0].numpy(), noisy)
    listed = restorae.degrade([*DIGITS[:5], torch.from_numpy(DIGITS[5])], NOISE, seed=1)
    assert isinstance(listed[5], torch.Tensor)
    assert all(np.array_equal(a, b) for a, b in zip(listed, noisy, strict=True))
    test_set = restorae.TestSet(DIGITS, degradation=NOISE, seed=1)
    assert np.array_equal(next(test_set.batches())[0][:, 0].numpy(), noisy)
    assert not np.array_equal(restorae.degrade(DIGITS, NOISE, seed=2), noisy)


def test_integers_stay_within_the_range_that_they_came_in():
    chain = "gaussian-noise(sigma=0.2) | jpeg(quality=40)"
    working = expected(COLOUR[None].astype(np.float32) / 255, chain)[0]
    wanted = np.rint(np.clip(working, 0, 1) * 255)
    found = restorae.degrade(COLOUR, chain, seed=1)
    assert found.dtype == np.uint8
    assert np.array_equal(found, wanted)
    image = restorae.degrade(Image.fromarray(COLOUR), chain, seed=1)
    assert image.mode == "RGB"
    assert np.array_equal(np.asarray(image), found)
    twelve_bits = restorae.degrade(COLOUR.astype(np.uint16) * 16, NOISE)
    assert (twelve_bits.dtype, twelve_bits.max() <= 4095) == (np.uint16, True)
    alpha = np.full((24, 32, 1), 7, np.uint8)
    assert np.array_equal(
        restorae.degrade(np.concatenate([COLOUR, alpha], 2), NOISE)[..., 3:], alpha
    )


def test_a_function_and_a_part_are_degradations_too():
    assert np.allclose(restorae.degrade(DIGITS, lambda images: images / 2), DIGITS / 2)
    part = Degradation.of("blur(sigma=1)")
    assert np.array_equal(restorae.degrade(DIGITS, part), restorae.degrade(DIGITS, "blur(sigma=1)"))


def test_what_cannot_be_used_is_refused_in_words():
    with pytest.raises(UnknownKind, match="gaussian-noise"):
        restorae.degrade(DIGITS, "gausian-noise")
    with pytest.raises(BadImage, match="path"):
        restorae.degrade("digits", NOISE)  # type: ignore[type-var, unused-ignore]
    for part in ("gaussian-noise", "blur | jpeg"):
        with pytest.raises(UsageError, match=r"restorae\.degrade"):
            Degradation.of(part).degrade(DIGITS, 0)
    for wrong in (None, [1, 2]):
        with pytest.raises(RestoraeError):
            restorae.degrade(wrong, NOISE)
