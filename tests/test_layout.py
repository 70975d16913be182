"""How images in memory are read: what every shape means, and that results come back as they went in."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from restorae.axes import axes_of
from restorae.errors import BadImage, RestoraeError, ShapeMismatch
from restorae.layout import Layout

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("shape", "letters"),
    [
        ((9, 8), "HW"),
        ((9, 8, 3), "HWC"),
        ((9, 8, 1), "HWC"),
        ((9, 8, 4), "HWC"),
        ((10, 9, 8), "NHW"),
        ((1, 9, 8), "NHW"),
        ((2, 9, 8), "NHW"),
        ((5, 9, 8, 3), "NHWC"),
        ((5, 3, 9, 8), "NCHW"),
        ((5, 1, 9, 8), "NCHW"),
    ],
)
def test_what_the_shape_of_an_array_means(shape, letters):
    assert axes_of(shape)[0] == letters


@pytest.mark.parametrize(
    ("shape", "letters"),
    [
        ((3, 9, 8), "CHW"),
        ((9, 8, 3), "HWC"),
        ((5, 3, 9, 3), "NCHW"),
        ((5, 9, 8, 3), "NHWC"),
        ((5, 2, 9, 8), "NCHW"),
    ],
)
def test_what_the_shape_of_a_tensor_means(shape, letters):
    assert axes_of(shape, channels_first=True)[0] == letters


@pytest.mark.parametrize(
    ("shape", "both"),
    [
        ((3, 9, 8), ("axes='CHW'", "axes='NHW'")),
        ((4, 9, 8), ("axes='CHW'", "axes='NHW'")),
        ((9, 8, 2), ("axes='HWC'", "axes='NHW'")),
        ((3, 9, 3), ("axes='HWC'", "axes='CHW'")),
        ((5, 3, 9, 3), ("axes='NHWC'", "axes='NCHW'")),
        ((5, 9, 8, 28), ("axes='NHWC'", "axes='NCHW'")),
    ],
)
def test_what_could_be_two_things_is_refused_and_both_are_named(shape, both):
    with pytest.raises(ShapeMismatch) as caught:
        axes_of(shape)
    assert all(each in str(caught.value) for each in both)


def test_three_grey_images_are_images_to_a_network_for_grey():
    assert axes_of((3, 28, 28), takes=(1,)) == ("NHW", False)


ORDERS = ["HW", "HWC", "CHW", "NHW", "NHWC", "NCHW", "TZCYX", "CHNW"]


@settings(max_examples=60, deadline=None)
@given(
    order=st.sampled_from(ORDERS),
    sides=st.lists(st.integers(1, 5), min_size=5, max_size=5),
    dtype=st.sampled_from(["uint8", "uint16", "int32", "float32", "float16"]),
    as_tensor=st.booleans(),
)
def test_reading_and_giving_back_is_the_identity(order, sides, dtype, as_tensor):
    stored = np.random.default_rng(1).integers(0, 256, sides[: len(order)])
    stored = (stored / 255).astype(dtype) if dtype.startswith("float") else stored.astype(dtype)
    sent = torch.from_numpy(stored) if as_tensor and dtype != "uint16" else stored
    layout = Layout.of(sent, axes=order)
    images = layout.read(sent)
    assert images.shape[-2:] == layout.size
    back = layout.give_back(images, sent)
    assert type(back) is type(sent)
    assert back.dtype == sent.dtype
    np.testing.assert_array_equal(np.asarray(back), stored)


def test_pixels_go_where_the_axes_say():
    stored = RNG.integers(0, 256, (2, 7, 6, 3), np.uint8)
    plain = Layout.of(stored).read(stored)
    for order, axes in (((0, 3, 1, 2), "NCHW"), ((3, 2, 1, 0), "CWHN")):
        moved = stored.transpose(order)
        assert torch.equal(Layout.of(moved, axes=axes).read(moved), plain)
    np.testing.assert_allclose(plain[1, 2].numpy(), stored[1, :, :, 2] / 255, rtol=1e-6)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "I", "I;16", "F"])
def test_pil_images_keep_their_mode_and_what_they_carry(mode):
    bands = {"LA": 2, "RGB": 3, "RGBA": 4}.get(mode)
    pixels = RNG.integers(0, 255, (5, 4, bands) if bands else (5, 4), np.uint8)
    if bands is None:
        pixels = {"1": pixels > 99, "I": pixels.astype(np.int32), "I;16": pixels.astype(np.uint16) * 257,
                  "F": (pixels / 255).astype(np.float32)}.get(mode, pixels)  # fmt: skip
    image = Image.fromarray(pixels)
    assert image.mode == mode
    image.info["dpi"] = (300, 300)
    layout = Layout.of(image)
    back = layout.give_back(layout.read(image) * 0 + 0.5, image)
    assert (back.mode, back.size, back.info) == (mode, image.size, image.info)
    assert layout.channels == (bands or 1) - layout.has_alpha
    if mode in ("LA", "RGBA"):
        assert back.getchannel("A").tobytes() == image.getchannel("A").tobytes()
        assert back.tobytes() != image.tobytes()


def test_integers_stay_within_the_range_that_they_came_in():
    """int64 of 0 to 255 would wrap in astype(uint8) otherwise; 12 bits in 16 would exceed their camera's white."""
    for dtype, top in ((np.int64, 255), (np.int32, 255), (np.uint16, 4095), (np.int32, 65535)):
        stored = np.linspace(0, top, 48).reshape(6, 8).astype(dtype)
        layout = Layout.of(stored)
        images = layout.read(stored)
        back = layout.give_back(images * 4 - 2, stored)
        assert (back.min(), back.max()) == (0, top)
    signed = np.linspace(-90, 70, 48).reshape(6, 8).astype(np.int16)
    layout = Layout.of(signed)
    assert np.abs(layout.give_back(layout.read(signed) * 9, signed)).max() <= 90


def test_float_tensors_stay_on_the_working_scale_unless_far_from_it():
    flat = torch.full((1, 1, 4, 4), 0.4) + torch.rand(1, 1, 4, 4) * 0.01
    assert torch.equal(Layout.of(flat).read(flat), flat)
    bright = torch.linspace(0, 255, 64).reshape(1, 1, 8, 8)
    assert Layout.of(bright).read(bright).max() < 1.1


@pytest.mark.parametrize(
    "wrong",
    [
        None, 3.5, {"a": 1}, np.empty((0, 4)), np.empty((4,)), np.zeros((4, 4), complex),
        np.zeros((4, 4), object), np.array([["a"]]), np.ma.masked_array(np.zeros((4, 4))), Image.new("CMYK", (4, 4)),
        torch.zeros(4, 4, dtype=torch.complex64), np.zeros((2, 2, 2, 2, 2)), iter([1]),
    ],
    ids=lambda wrong: type(wrong).__name__,
)  # fmt: skip
def test_what_is_no_image_is_refused(wrong):
    with pytest.raises(RestoraeError):
        Layout.of(wrong)


def test_not_finite_values_are_not_shown_come_back_and_are_refused_where_they_could_not():
    for wrong in (np.full((4, 4), np.nan), torch.full((1, 1, 4, 4), torch.inf)):
        layout = Layout.of(wrong)
        shown = layout.read(wrong)
        assert shown.isfinite().all()
        assert np.array_equal(layout.give_back(shown, wrong), wrong, equal_nan=True)
        with pytest.raises(BadImage, match="NaN"):
            layout.read(wrong, filled=False)


@pytest.mark.parametrize("axes", ["HW", "HHC", "ABC", "HW3", "HWCS"])
def test_axes_that_do_not_fit_are_refused(axes):
    with pytest.raises(ShapeMismatch, match="axes"):
        axes_of((4, 5, 3), axes)
