"""JPEG against Pillow's codec; levels counted."""

from __future__ import annotations

import io

import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.fft import dctn

from restorae.degradations import Jpeg, Quantise
from restorae.degradations.compression import COSINES
from restorae.randomness import generator
from restorae.shapes import Images

COLOUR = skimage.data.astronaut()[20:181, 130:317]
GREY = skimage.data.camera()[60:221, 180:367]


def ours(stored: np.ndarray, quality: int, subsampling: str = "4:2:0") -> np.ndarray:
    planes = stored[None] if stored.ndim == 2 else stored.transpose(2, 0, 1)
    part = Jpeg(quality=quality, subsampling=subsampling)
    seen = part.draw(generator(0), 1).apply(
        torch.from_numpy(planes.astype(np.float32) / 255)[None]
    )[0]
    seen = (seen * 255).numpy()
    assert np.abs(seen - seen.round()).max() < 1e-4, "a file holds whole numbers"
    return seen.round()[0] if stored.ndim == 2 else seen.round().transpose(1, 2, 0)


def pillows(stored: np.ndarray, quality: int, subsampling: str = "4:2:0") -> np.ndarray:
    file = io.BytesIO()
    options = {"subsampling": subsampling} if stored.ndim == 3 else {}
    Image.fromarray(np.ascontiguousarray(stored)).save(file, "jpeg", quality=quality, **options)
    with Image.open(file) as opened:
        return np.asarray(opened, dtype=np.float64)


def hold(
    found: np.ndarray, expected: np.ndarray, stored: np.ndarray, mean: float, share: float
) -> None:
    """As near to the codec as two codecs are: equal but for rounding, which in a few blocks decides for another step."""
    off = np.abs(found - expected)
    damage = np.abs(expected - stored).mean()
    assert off.mean() < mean, (
        f"{off.mean():.3f} of 255 off on average (damage: {damage:.3f}); write mean={off.mean():.2f}?"
    )
    assert (off > 2).mean() < share, (
        f"{(off > 2).mean():.5f} of the values are off by more than 2; {off.max():.0f} at most"
    )


@pytest.mark.parametrize("quality", [5, 20, 50, 75, 95, 100])
def test_a_grey_image_is_what_the_real_codec_makes_of_it(quality):
    hold(ours(GREY, quality), pillows(GREY, quality), GREY, mean=0.1, share=5e-3)


@pytest.mark.parametrize("quality", [5, 20, 50, 75, 95])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_an_image_in_colour_is_what_the_real_codec_makes_of_it(quality, subsampling):
    hold(
        ours(COLOUR, quality, subsampling),
        pillows(COLOUR, quality, subsampling),
        COLOUR,
        mean=0.25,
        share=0.015,
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (8, 8), (16, 17), (23, 5)])
def test_sizes_that_are_no_whole_blocks_are_continued_as_the_codec_does(size):
    stored = COLOUR[: size[0], : size[1]]
    hold(ours(stored, 40, "4:4:4"), pillows(stored, 40, "4:4:4"), stored, mean=0.6, share=0.03)
    hold(
        ours(stored[..., 0], 40), pillows(stored[..., 0], 40), stored[..., 0], mean=0.2, share=0.01
    )


def test_the_cosine_transform_is_scipys(seeded):
    block = seeded(8, 8).double().numpy()
    assert np.allclose(
        np.array(COSINES) @ block @ np.array(COSINES).T, dctn(block, norm="ortho"), atol=1e-12
    )


def test_lower_quality_harms_more():
    harm = [np.abs(ours(GREY, quality) - GREY).mean() for quality in (95, 75, 50, 25, 10, 5)]
    assert harm == sorted(harm)


def test_values_that_no_file_holds_are_cut():
    seen = (
        Jpeg(quality=95)
        .draw(generator(0), 1)
        .apply(torch.tensor([-0.5, 1.5]).repeat_interleave(8).repeat(8, 1)[None, None])
    )
    assert seen.min() == 0
    assert seen.max() == 1


def levels(part: Quantise, image: Images) -> list[float]:
    return part.draw(generator(0), 1).apply(image).unique().tolist()


@given(st.integers(2, 60))
def test_there_are_as_many_levels_as_are_said(count):
    found = levels(Quantise(levels=count), torch.linspace(0, 1, 1000).reshape(1, 1, 20, 50))
    assert found == pytest.approx(np.linspace(0, 1, count).tolist(), abs=1e-6)


def test_the_error_of_rounding_is_spread_evenly(seeded):
    clean = seeded(1, 1, 200, 200)
    error = Quantise(levels=9).draw(generator(0), 1).apply(clean) - clean
    assert error.abs().max().item() <= 1 / 16 + 1e-6
    assert error.var().item() == pytest.approx((1 / 8) ** 2 / 12, rel=0.03)
