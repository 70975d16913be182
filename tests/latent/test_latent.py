"""Latent space: which way a manifold runs, where a walk begins and ends, and how clusters come to a plane."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.decomposition import PCA

from restorae.errors import ShapeMismatch, UsageError
from restorae.latent import axis_values, interpolate, manifold, project, tiled
from restorae.model import Model, make_card
from restorae.networks import ConvVAE, LatentUNet, Network, UNet
from tests.linear_vae import linear_model

SMALL = ConvVAE(height=7, width=10, features=3, hidden=5, latent_dim=3)


def trained(network: Network, seed: int = 0) -> Model:
    """A model with random weights everywhere, as after training."""
    module = network.build().requires_grad_(False)
    source = torch.Generator().manual_seed(seed)
    for weights in module.parameters():
        spread = (2 / weights[0].numel()) ** 0.5 if weights.dim() > 1 else 0.1
        weights.copy_(torch.randn(weights.shape, generator=source) * spread)
    return Model(network, module, card=make_card(network, module, restores=False))


# ------------------------------------------------------------------------------------------------- the manifold


@pytest.mark.parametrize(("n", "extent"), [(1, 1.0), (2, 0.5), (5, 1.0), (8, 2.0)])
def test_z0_runs_to_the_right_and_z1_upwards(n, extent):
    """In this model the first pixel is bright with z[0], the second with z[1], and nothing is curved."""
    found = manifold(linear_model(strengths=(0.1, 0.05)), n, extent)
    bias = np.linspace(0.3, 0.7, 15)
    assert found.images.shape == (n, n, 3, 5)
    for row in range(n):
        for column in range(n):
            expected = bias.copy()
            expected[0] += 0.1 * found.values[column]
            expected[1] += 0.05 * found.values[n - 1 - row]
            assert np.allclose(found.images[row, column].ravel(), expected, atol=1e-6), (
                f"row {row}, column {column}"
            )


def test_any_two_dimensions_are_walked_along_and_the_others_rest():
    model = linear_model(latent_dim=4, strengths=(0.1, 0.1, 0.1, 0.1))
    found = manifold(model, 3, dimensions=(3, 1))
    changes = found.images.reshape(3, 3, 15) - np.linspace(0.3, 0.7, 15)
    assert np.abs(changes[..., [0, 2]]).max() < 1e-6
    assert np.allclose(changes[..., 3], 0.1 * found.values[None, :].repeat(3, 0), atol=1e-6)
    assert np.allclose(changes[..., 1], 0.1 * found.values[::-1, None].repeat(3, 1), atol=1e-6)
    assert found.dimensions == (3, 1)
    (axis,) = found.figure(size=3).axes
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("z[3]", "z[1]")
    assert np.array_equal(axis.images[0].get_array(), found.canvas)


def test_a_manifold_is_what_decoding_each_latent_gives():
    model = trained(SMALL)
    found = manifold(model, 4, 2.0, dimensions=(0, 2))
    for row, up in enumerate(found.values[::-1]):
        for column, right in enumerate(found.values):
            alone = model.decode(np.array([[right, 0, up]], np.float32))[0]
            assert np.allclose(found.images[row, column], alone, atol=0.02), (
                "decoded alone it is another image"
            )


def test_a_manifold_is_decoded_in_one_go(monkeypatch):
    model, calls = trained(SMALL), []
    decode = model.module.decode
    monkeypatch.setattr(
        model.module, "decode", lambda latents: calls.append(len(latents)) or decode(latents)
    )
    manifold(model, 30)
    assert calls == [900]


def test_a_colour_manifold_has_colours():
    found = manifold(trained(ConvVAE(height=4, width=6, features=2, hidden=3, channels=3)), 3)
    assert found.images.shape == (3, 3, 4, 6, 3)
    assert found.canvas.shape == (12, 18, 3)


@given(
    st.integers(1, 5),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 6),
    st.sampled_from([(), (3,)]),
)
def test_tiles_lie_where_their_row_and_column_say(rows, columns, height, width, colours):
    images = np.random.default_rng(0).random((rows, columns, height, width, *colours))
    canvas = tiled(images)
    assert canvas.shape == (rows * height, columns * width, *colours)
    for row in range(rows):
        for column in range(columns):
            piece = canvas[row * height : (row + 1) * height, column * width : (column + 1) * width]
            assert np.array_equal(piece, images[row, column])


@given(st.integers(1, 40), st.floats(0.01, 6))
def test_linear_values_are_evenly_spaced(n, extent):
    values = axis_values(n, extent, "linear")
    assert values.shape == (n,)
    assert values.dtype == np.float32
    assert np.allclose(values, np.linspace(-extent, extent, n) if n > 1 else [0], atol=1e-5)


@given(st.integers(1, 40), st.floats(0.01, 5))
def test_quantile_values_are_equally_likely_apart(n, extent):
    values = axis_values(n, extent, "quantile")
    outermost = norm.cdf(extent)
    expected = norm.ppf(np.linspace(1 - outermost, outermost, n)) if n > 1 else [0]
    assert values.dtype == np.float32
    assert np.allclose(values, expected, atol=1e-4)
    if n > 2:
        rngs = np.diff(norm.cdf(values.astype(float)))
        assert np.allclose(rngs, rngs.mean(), atol=1e-6)


@pytest.mark.parametrize("spacing", ["linear", "quantile"])
def test_both_spacings_run_from_end_to_end(spacing):
    values = axis_values(9, 1.5, spacing)
    assert values[[0, 4, 8]].tolist() == pytest.approx([-1.5, 0, 1.5], abs=1e-5)
    assert (np.diff(values) > 0).all()


@pytest.mark.parametrize("extent", [0, -1, math.nan, math.inf])
def test_a_range_is_a_number_above_zero(extent):
    with pytest.raises(UsageError, match="The range must be a number above 0"):
        manifold(trained(SMALL), 3, extent)


@pytest.mark.parametrize("extent", [6.0, 8.0, 20.0])
def test_quantiles_of_a_wide_range_reach_its_ends(extent):
    values = axis_values(5, extent, "quantile")
    assert np.isfinite(values).all()
    assert values[[0, -1]].tolist() == pytest.approx([-extent, extent], rel=1e-4)


def test_a_plane_needs_two_dimensions():
    with pytest.raises(
        UsageError,
        match="A manifold shows two latent dimensions and this model has one",
    ):
        manifold(trained(ConvVAE(height=4, width=4, features=2, hidden=3, latent_dim=1)))


@pytest.mark.parametrize("dimensions", [(0, 0), (0, 3), (-1, 0), (5, 6)])
def test_dimensions_that_are_not_there_are_refused_with_those_that_are(dimensions):
    with pytest.raises(UsageError, match=f"from 0 to 2, got {dimensions[0]} and {dimensions[1]}"):
        manifold(trained(SMALL), 3, dimensions=dimensions)


@pytest.mark.parametrize("n", [0, -2])
def test_a_manifold_has_an_image(n):
    with pytest.raises(UsageError, match=f"at least one image along each axis, got n={n}"):
        manifold(trained(SMALL), n)


@pytest.mark.parametrize(
    "network",
    [UNet(widths=(2, 3)), LatentUNet(widths=(2, 3)), LatentUNet(widths=(2, 3), latent_dim=1)],
    ids=str,
)
def test_a_restorer_has_no_manifold(network):
    with pytest.raises(UsageError, match="is no auto-encoder"):
        manifold(trained(network), 3)


# ------------------------------------------------------------------------------------------------- walks


def test_an_interpolation_begins_and_ends_with_the_reconstructions():
    model = trained(SMALL)
    start, end = np.random.default_rng(0).random((2, 7, 10)).astype(np.float32)
    images, latents = interpolate(model, start, end, steps=5)
    assert images.shape == (5, 7, 10)
    assert np.allclose(images[0], model.reconstruct(start), atol=0.02)
    assert np.allclose(images[-1], model.reconstruct(end), atol=0.02)
    assert torch.allclose(latents[[0, -1]], model.encode(np.stack([start, end])).mean, atol=0.02)
    assert np.allclose(images, model.decode(latents.numpy()), atol=1e-6)


@given(st.integers(2, 30))
def test_an_interpolation_is_straight_and_even(steps):
    model = linear_model(strengths=(0.1, 0.1))
    start, end = np.random.default_rng(0).random((2, 3, 5)).astype(np.float32)
    images, latents = interpolate(model, start, end, steps)
    assert latents.shape == (steps, 2)
    expected = np.linspace(latents[0].numpy(), latents[-1].numpy(), steps)
    assert np.allclose(latents.numpy(), expected, atol=1e-5)
    assert np.allclose(images, np.linspace(images[0], images[-1], steps), atol=1e-5), (
        "this decoder is linear, so images are, too"
    )


def test_an_interpolation_from_an_image_to_itself_stands_still():
    image = np.random.default_rng(0).random((7, 10)).astype(np.float32)
    images, _ = interpolate(trained(SMALL), image, image, 4)
    assert np.allclose(images, images[:1], atol=1e-5)


@pytest.mark.parametrize("steps", [1, 0, -5])
def test_an_interpolation_has_two_ends(steps):
    with pytest.raises(UsageError, match=f"at least 2 images, not {steps}"):
        interpolate(trained(SMALL), np.zeros((7, 10)), np.zeros((7, 10)), steps)


def test_an_interpolation_goes_between_single_images_of_the_models_size():
    model, one = trained(SMALL), np.zeros((7, 10))
    with pytest.raises(ShapeMismatch, match="one image at each end, got 1 and 3"):
        interpolate(model, one, np.zeros((3, 7, 10)))
    with pytest.raises(ShapeMismatch, match=r"7 × 10 .*got 9 × 9"):
        interpolate(model, one, np.zeros((9, 9)))


@pytest.mark.parametrize("network", [UNet(widths=(2, 3)), LatentUNet(widths=(2, 3))], ids=str)
def test_a_restorer_cannot_be_walked_in(network):
    with pytest.raises(UsageError, match="is no auto-encoder"):
        interpolate(trained(network), np.zeros((7, 10)), np.zeros((7, 10)))


# ------------------------------------------------------------------------------------------------- projections


def cloud(count: int, latent_dim: int, seed: int = 0) -> torch.Tensor:
    """Points that spread differently along every direction, away from the origin."""
    source = torch.Generator().manual_seed(seed)
    turned = torch.linalg.qr(torch.randn(latent_dim, latent_dim, generator=source)).Q
    return (
        torch.randn(count, latent_dim, generator=source) * 2.0 ** -torch.arange(latent_dim)
    ) @ turned + 3


@given(st.integers(3, 12), st.integers(5, 200), st.integers(0, 100))
def test_more_dimensions_come_to_their_principal_components(latent_dim, count, seed):
    means = cloud(count, latent_dim, seed)
    found = project(means)
    theirs = PCA(2, svd_solver="full").fit(means.double().numpy())
    expected = theirs.transform(means.double().numpy())
    for axis in range(2):
        sign = np.sign((expected[:, axis] * found.points[:, axis]).sum())
        assert np.allclose(found.points[:, axis], sign * expected[:, axis], atol=1e-4)
    assert found.points.dtype == np.float32
    assert found.axes == ("first principal component", "second principal component")
    share = theirs.explained_variance_ratio_.sum()
    assert (
        f"{latent_dim} latent dimensions, projected onto their first two principal components ({share:.0%}"
        in found.note
    )


def test_two_runs_agree_on_the_direction():
    means = cloud(100, 5)
    assert np.allclose(project(means.flip(0)).points[::-1], project(means).points, atol=1e-4)
    assert np.allclose(project(means + 7).points, project(means).points, atol=1e-3)


def test_two_dimensions_are_shown_as_they_are():
    means = cloud(20, 2)
    found = project(means)
    assert np.array_equal(found.points, means.numpy())
    assert (found.axes, found.note) == (("z[0]", "z[1]"), "")


def test_one_dimension_is_a_line_and_the_note_says_so():
    means = cloud(20, 1)
    found = project(means)
    assert np.array_equal(found.points[:, 0], means[:, 0].numpy())
    assert not found.points[:, 1].any()
    assert "one latent dimension" in found.note


@pytest.mark.parametrize(
    "means", [torch.zeros(10, 4), torch.ones(1, 3)], ids=["collapsed", "one image"]
)
def test_points_that_do_not_spread_stay_finite(means):
    found = project(means)
    assert found.points.shape == (len(means), 2)
    assert np.abs(found.points).max() < 1e-6
