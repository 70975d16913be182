"""Pixels: stored values ↔ working values, and exactly back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from restorae.errors import BadPicture, ShapeMismatch
from restorae.pixels import as_array, as_batch, full_scale, stored_values, to_stored, to_working, working_values

SHAPES = st.one_of(
    some.array_shapes(min_dims=2, max_dims=2, max_side=6), st.tuples(st.integers(1, 6), st.integers(1, 6), st.sampled_from((1, 3)))
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
    assert wrong.size == 0, f"{wrong.size} values change, such as {values.flat[wrong[0]]} to {back.flat[wrong[0]]}"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64])
def test_black_and_white_come_back_in_every_type_that_is_taken(dtype):
    values = np.array([[0, np.iinfo(dtype).max]], dtype)
    try:
        working = to_working(values)
    except BadPicture:
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
    assert to_stored(torch.tensor([[[0.49, 0.51]]]), like=np.zeros((1, 2), bool)).tolist() == [[False, True]]


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
def test_working_pictures_are_channel_height_width(values):
    working = to_working(values)
    height, width, *channels = values.shape
    assert working.shape == (*(channels or [1]), height, width)
    scale = np.iinfo(values.dtype).max
    row, column = height - 1, width // 2
    assert working[:, row, column].numpy() == pytest.approx(np.atleast_1d(values[row, column]) / scale)
    assert np.array_equal(to_stored(working, like=values), values)


@given(some.arrays(np.uint8, st.tuples(*[st.integers(1, 4)] * 3)) | some.arrays(np.uint8, st.tuples(*[st.integers(1, 4)] * 3, st.just(3))))
def test_a_batch_is_its_pictures_one_by_one(values):
    batch = as_batch(values)
    assert torch.equal(batch, torch.stack([to_working(picture) for picture in values]))
    back = as_array(batch, values.dtype)
    assert back.dtype == values.dtype
    assert np.array_equal(back, values)


@pytest.mark.parametrize(
    ("working", "stored"), [(-3.0, 0), (-1e-9, 0), (0.4999 / 255, 0), (0.5001 / 255, 1), (1.0, 255), (1.7, 255), (60.0, 255)]
)
def test_whole_numbers_are_rounded_and_cut_to_their_range(working, stored):
    assert to_stored(torch.full((1, 1, 1), working), like=np.zeros((1, 1), np.uint8)).item() == stored
    assert stored_values(np.full(1, working, np.float32), np.dtype(np.uint8)).item() == stored


def test_floats_are_neither_cut_nor_scaled():
    values = np.array([[-0.7, 1.9]], np.float32)
    assert np.array_equal(to_working(values)[0].numpy(), values)
    assert np.array_equal(to_stored(torch.tensor([[[-0.7, 1.9]]]), like=values), values)


def test_the_stored_picture_is_left_alone():
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
        with pytest.raises(BadPicture, match="NaN or infinite"):
            refuse(values)
    with pytest.raises(BadPicture, match="NaN or infinite"):
        as_batch(values[None])


@pytest.mark.parametrize("value", [255.0, -100.0, 65.0, 1e30])
def test_floats_of_another_scale_are_refused_with_what_to_do(value):
    values = np.array([[0.0, value]])
    with pytest.raises(BadPicture, match=r"floats from .* to .* Divide by the largest possible value"):
        to_working(values)


def test_floats_that_overflow_are_refused_and_warn_of_nothing():
    with pytest.raises(BadPicture):
        to_working(np.array([[0.0, 1e300]]))


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int64, np.complex64, "U3", object, "datetime64[s]"])
def test_types_that_hold_no_pixels_are_refused(dtype):
    with pytest.raises(BadPicture, match=r"Expected whole numbers without sign \(uint8, uint16\), bool or floats"):
        to_working(np.zeros((2, 2), dtype))


@pytest.mark.parametrize("shape", [(), (3,), (0, 4), (4, 0), (4, 4, 0), (2, 4, 4, 3)])
def test_what_is_not_one_picture_is_refused(shape):
    with pytest.raises(BadPicture, match="A picture is"):
        to_working(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(3,), (4, 4), (0, 4, 4), (2, 0, 4), (1, 2, 4, 4, 3)])
def test_what_is_not_an_array_of_pictures_is_refused(shape):
    with pytest.raises(ShapeMismatch, match="Pictures as one array are"):
        as_batch(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    ("working", "like"),
    [((1, 4, 5), (5, 4)), ((1, 4, 5), (4, 5, 3)), ((3, 4, 5), (4, 5, 1)), ((3, 4, 5), (4, 5))],
    ids=["turned", "grey for colour", "colour for one channel", "colour for grey"],
)
def test_a_result_of_another_size_is_refused(working, like):
    with pytest.raises(ShapeMismatch, match="was expected"):
        to_stored(torch.zeros(working), like=np.zeros(like, np.uint8))


@pytest.mark.parametrize(("dtype", "scale"), [(bool, 1), (np.uint8, 255), (np.uint16, 65535), (np.float16, 1), (np.float64, 1)])
def test_full_scale(dtype, scale):
    assert full_scale(np.dtype(dtype)) == scale
