"""Pixels: stored values ↔ working values, and exactly back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from restorae.errors import BadImage, ShapeMismatch
from restorae.pixels import (
    as_array,
    as_batch,
    full_scale,
    stored_values,
    to_grey,
    to_stored,
    to_working,
    working_values,
)
from restorae.value_range import FULL_RANGE, ValueRange, choose_range

SHAPES = st.one_of(
    some.array_shapes(min_dims=2, max_dims=2, max_side=6),
    st.tuples(st.integers(1, 6), st.integers(1, 6), st.sampled_from((1, 3))),
)
FLOATS = st.floats(-60, 60, width=32)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_value_comes_back(dtype):
    values = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(16, -1)
    working = to_working(values)
    assert working.dtype == torch.float32
    assert (working[0, 0, 0].item(), working[0, -1, -1].item()) == (0.0, 1.0)
    assert np.allclose(working[0].numpy(), values / np.iinfo(dtype).max, rtol=3e-7, atol=0)
    back = to_stored(working, like=values)
    assert back.dtype == values.dtype
    wrong = np.flatnonzero(back != values)
    assert wrong.size == 0, (
        f"{wrong.size} values change, such as {values.flat[wrong[0]]} to {back.flat[wrong[0]]}"
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64])
def test_black_and_white_come_back_in_every_type_that_is_taken(dtype):
    values = np.array([[0, np.iinfo(dtype).max]], dtype)
    try:
        working = to_working(values)
    except BadImage:
        assert dtype not in (np.uint8, np.uint16), "these must be taken"
        return
    assert working.flatten().tolist() == [0.0, 1.0]
    assert np.array_equal(to_stored(working, like=values), values)


def test_bool_comes_back():
    values = np.array([[True, False], [False, True]])
    working = to_working(values)
    assert working.flatten().tolist() == [1.0, 0.0, 0.0, 1.0]
    back = to_stored(working, like=values)
    assert back.dtype == bool
    assert np.array_equal(back, values)
    assert to_stored(torch.tensor([[[0.49, 0.51]]]), like=np.zeros((1, 2), bool)).tolist() == [
        [False, True]
    ]


@given(some.arrays(np.float32, SHAPES, elements=FLOATS))
def test_float32_comes_back_bit_for_bit(values):
    back = to_stored(to_working(values), like=values)
    assert back.dtype == np.float32
    assert np.array_equal(back, values)


@given(some.arrays(np.float64, SHAPES, elements=st.floats(-60, 60)))
def test_float64_comes_back_to_the_precision_of_float32(values):
    back = to_stored(to_working(values), like=values)
    assert back.dtype == np.float64
    assert np.allclose(back, values, rtol=2**-24, atol=1e-38)


@given(some.arrays(np.float16, SHAPES, elements=st.floats(-60, 60, width=16)))
def test_float16_comes_back_bit_for_bit(values):
    back = to_stored(to_working(values), like=values)
    assert back.dtype == np.float16
    assert np.array_equal(back, values)


@given(some.arrays(st.sampled_from((np.uint8, np.uint16)), SHAPES))
def test_working_images_are_channel_height_width(values):
    working = to_working(values)
    height, width, *channels = values.shape
    assert working.shape == (*(channels or [1]), height, width)
    scale = np.iinfo(values.dtype).max
    row, column = height - 1, width // 2
    assert working[:, row, column].numpy() == pytest.approx(
        np.atleast_1d(values[row, column]) / scale
    )
    assert np.array_equal(to_stored(working, like=values), values)


@given(
    some.arrays(np.uint8, st.tuples(*[st.integers(1, 4)] * 3))
    | some.arrays(np.uint8, st.tuples(*[st.integers(1, 4)] * 3, st.just(3)))
)
def test_a_batch_is_its_images_one_by_one(values):
    batch = as_batch(values)
    assert torch.equal(batch, torch.stack([to_working(image) for image in values]))
    back = as_array(batch, values.dtype)
    assert back.dtype == values.dtype
    assert np.array_equal(back, values)


@pytest.mark.parametrize(
    ("working", "stored"),
    [
        (-3.0, 0),
        (-1e-9, 0),
        (0.4999 / 255, 0),
        (0.5001 / 255, 1),
        (1.0, 255),
        (1.7, 255),
        (60.0, 255),
    ],
)
def test_whole_numbers_are_rounded_and_cut_to_their_range(working, stored):
    assert (
        to_stored(torch.full((1, 1, 1), working), like=np.zeros((1, 1), np.uint8)).item() == stored
    )
    assert stored_values(np.full(1, working, np.float32), np.dtype(np.uint8)).item() == stored


def test_floats_are_neither_cut_nor_scaled():
    values = np.array([[-0.7, 1.9]], np.float32)
    assert np.array_equal(to_working(values)[0].numpy(), values)
    assert np.array_equal(to_stored(torch.tensor([[[-0.7, 1.9]]]), like=values), values)


def test_the_stored_image_is_left_alone():
    values = np.full((3, 3), 0.25, np.float32)
    to_working(values).fill_(9)
    as_batch(values[None]).fill_(9)
    assert (values == 0.25).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(dtype, bad):
    values = np.full((2, 2), 0.5, dtype)
    values[1, 1] = bad
    for refuse in (to_working, working_values):
        with pytest.raises(BadImage, match="NaN or infinite"):
            refuse(values)
    with pytest.raises(BadImage, match="NaN or infinite"):
        as_batch(values[None])


@pytest.mark.parametrize("value", [255.0, -100.0, 65.0, 1e30])
def test_floats_of_another_scale_are_refused_with_what_to_do(value):
    values = np.array([[0.0, value]])
    with pytest.raises(
        BadImage, match=r"floats from .* to .* divide by the largest possible value"
    ):
        to_working(values)


def test_floats_that_overflow_are_refused_and_warn_of_nothing():
    with pytest.raises(BadImage):
        to_working(np.array([[0.0, 1e300]]))


@pytest.mark.parametrize(
    "dtype", [np.int8, np.int16, np.int64, np.complex64, "U3", object, "datetime64[s]"]
)
def test_types_that_hold_no_pixels_are_refused(dtype):
    with pytest.raises(
        BadImage, match=r"expected unsigned integers \(uint8, uint16\), bool or floats"
    ):
        to_working(np.zeros((2, 2), dtype))


@pytest.mark.parametrize("shape", [(), (3,), (0, 4), (4, 0), (4, 4, 0), (2, 4, 4, 3)])
def test_what_is_not_one_image_is_refused(shape):
    with pytest.raises(BadImage, match="An image is"):
        to_working(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(3,), (4, 4), (0, 4, 4), (2, 0, 4), (1, 2, 4, 4, 3)])
def test_what_is_not_an_array_of_images_is_refused(shape):
    with pytest.raises(ShapeMismatch, match="Images as one array are"):
        as_batch(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    ("working", "like"),
    [((1, 4, 5), (5, 4)), ((1, 4, 5), (4, 5, 3)), ((3, 4, 5), (4, 5, 1)), ((3, 4, 5), (4, 5))],
    ids=["turned", "grey for colour", "colour for one channel", "colour for grey"],
)
def test_a_result_of_another_size_is_refused(working, like):
    with pytest.raises(ShapeMismatch, match="Expected an image of shape"):
        to_stored(torch.zeros(working), like=np.zeros(like, np.uint8))


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [(bool, 1), (np.uint8, 255), (np.uint16, 65535), (np.float16, 1), (np.float64, 1)],
)
def test_full_scale(dtype, scale):
    assert full_scale(np.dtype(dtype)) == scale


# ------------------------------------------------------------------------------------------------- ranges


def spread(low: float, high: float, dtype: type, channels: int = 1) -> np.ndarray:
    """A sample whose 0.1 and 99.9 percentiles are its ends: one value in a hundred lies at each."""
    values = np.linspace(low, high, 800)
    return np.repeat(
        np.concatenate([np.full(100, low), values, np.full(100, high)])[:, None], channels, 1
    ).astype(dtype)


@pytest.mark.parametrize(
    ("dtype", "low", "high", "full"),
    [
        (np.uint8, 0, 255, True),
        (np.uint8, 100, 110, True),
        (bool, 0, 1, True),
        (np.uint16, 0, 65535, True),
        (np.uint16, 1000, 1000 + 0.26 * 65535, True),
        (np.uint16, 0, 4095, False),
        (np.uint16, 30000, 30100, False),
        (np.uint32, 0, 2**31, True),
        (np.uint32, 0, 2**20, False),
        (np.uint64, 0, 2**40, False),
        (np.int16, -1000, 3000, False),
        (np.int8, 0, 127, False),
        (np.float32, 0, 1, True),
        (np.float32, -0.5, 1.5, True),
        (np.float32, 0.2, 0.6, True),
        (np.float32, 0.2, 0.3, False),
        (np.float32, 0, 4095, False),
        (np.float64, -2, 1, False),
    ],
)
def test_the_range_is_the_types_own_unless_values_live_in_a_small_part_of_it(
    dtype, low, high, full
):
    found = choose_range(spread(low, high, dtype))
    assert found.is_full == full, f"{np.dtype(dtype)} from {low} to {high} was mapped by {found}"
    if not full:
        assert (found.low, found.high) == (
            pytest.approx((float(low),)),
            pytest.approx((float(high),)),
        )


def test_a_range_can_be_asked_for():
    values = spread(100, 110, np.uint8)
    assert choose_range(values, "own-range") == ValueRange((100.0,), (110.0,))
    assert choose_range(spread(0, 4095, np.uint16), "full-range") is FULL_RANGE
    with pytest.raises(BadImage, match="expected unsigned integers"):
        choose_range(spread(-5, 5, np.int16), "full-range")
    with pytest.raises(BadImage, match="cannot be used as pixels"):
        choose_range(np.zeros((3, 1), complex))


def test_colours_share_a_range_and_planes_have_their_own():
    values = np.concatenate([spread(0, 100, np.uint16), spread(5000, 6000, np.uint16)], 1)
    apart = choose_range(values, apart=True)
    assert (apart.low, apart.high) == (pytest.approx((0.0, 5000.0)), pytest.approx((100.0, 6000.0)))
    shared = choose_range(values)
    assert (shared.low, shared.high) == (pytest.approx((0.0,)), pytest.approx((6000.0,)))


def test_what_is_no_number_has_no_say_in_the_range():
    values = spread(0, 4095, np.float32)
    values[::7] = np.nan
    values[3] = np.inf
    clean = values[np.isfinite(values)]
    assert choose_range(values) == ValueRange(
        *((float(each),) for each in np.percentile(clean.astype(np.float64), (0.1, 99.9)))
    )
    assert choose_range(np.full((5, 1), np.nan, np.float32), "own-range") == ValueRange(
        (0.0,), (1.0,)
    )


def test_a_flat_image_has_a_range_too():
    found = choose_range(np.full((50, 1), 700, np.uint16))
    assert found.low == (700.0,)
    assert found.high > found.low


@given(
    some.arrays(
        st.sampled_from((np.uint16, np.int16, np.uint8)),
        st.tuples(st.integers(1, 40), st.sampled_from((1, 3))),
    ),
    st.booleans(),
)
def test_whole_numbers_come_back_from_any_range(values, apart):
    mapped = choose_range(values, "own-range", apart)
    working = mapped.to_working(values)
    assert working.dtype == np.float32
    assert np.array_equal(mapped.to_stored(working, values.dtype), values)


@given(
    some.arrays(
        np.float32,
        st.tuples(st.integers(1, 40), st.just(1)),
        elements=st.floats(-1e6, 1e6, width=32),
    )
)
def test_floats_come_back_to_float32s_precision_of_their_range(values):
    mapped = choose_range(values, "own-range")
    back = mapped.to_stored(mapped.to_working(values), values.dtype)
    size = max(1.0, float(np.abs(values).max()), mapped.high[0] - mapped.low[0])
    assert np.abs(back.astype(np.float64) - values).max() <= size * 1e-6


@given(some.arrays(np.uint16, st.tuples(st.integers(1, 40), st.just(1))))
def test_the_full_range_is_that_of_the_type(values):
    assert np.array_equal(FULL_RANGE.to_working(values), working_values(values))
    assert np.array_equal(FULL_RANGE.to_stored(working_values(values), values.dtype), values)


def test_what_lies_beyond_the_range_is_not_clipped_but_the_type_has_its_limits():
    mapped = ValueRange((100.0,), (200.0,))
    values = np.array([[0], [100], [150], [200], [65535]], np.uint16)
    assert np.allclose(mapped.to_working(values)[:, 0], [-1, 0, 0.5, 1, 654.35])
    assert np.array_equal(
        mapped.to_stored(np.array([-2, 0.126, 1e6], np.float32), np.dtype(np.uint16)),
        [0, 113, 65535],
    )
    assert str(mapped) == "100 to 200"
    assert str(FULL_RANGE) == "full range"


def test_grey_is_the_luma_of_colours():
    colours = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    red, green, blue = colours.unbind(1)
    assert torch.allclose(to_grey(colours), (0.299 * red + 0.587 * green + 0.114 * blue)[:, None])
    assert torch.allclose(to_grey(torch.ones(1, 3, 2, 2)), torch.ones(1, 1, 2, 2))
