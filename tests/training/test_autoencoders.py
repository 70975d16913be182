"""Plain auto-encoders: the same image in and out, through a code of a few numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import restorae
from restorae import Recipe, train
from restorae.errors import SettingsConflict, UsageError
from restorae.latent import interpolate, manifold
from restorae.networks import ConvVAE
from restorae.progress import Progress
from restorae.training.given import Given
from restorae.training.setup import prepare

SOURCE = np.random.default_rng(0)
COMPONENTS = SOURCE.normal(size=(2, 8, 8)) * np.array([0.1, 0.03])[:, None, None]
IMAGES = (0.5 + np.tensordot(SOURCE.normal(size=(200, 2)), COMPONENTS, 1)).astype(np.float32)
QUICK = {"steps": 3, "batch_size": 16, "progress": False}

pytestmark = pytest.mark.filterwarnings("ignore:After 3 steps")


@pytest.mark.parametrize(
    ("network", "steps"),
    [
        ("dense-autoencoder", 200),
        pytest.param("conv-autoencoder", 400, marks=pytest.mark.slow),
    ],
)
def test_two_numbers_say_more_than_two_principal_components(network: str, steps: int) -> None:
    digits = restorae.open_images("digits", "train")
    images = digits.batch(range(360))[:, 0].numpy()
    model = train(
        images, network=network, steps=steps, batch_size=32, precision="float32", progress=False
    )
    pixels = images.reshape(len(images), -1)
    centred = pixels - pixels.mean(0)
    _, values, _ = np.linalg.svd(centred, full_matrices=False)
    best_linear = np.square(values[2:]).sum() / centred.size
    assert np.square(images - model.reconstruct(images)).mean() < best_linear


def test_it_learns_more_than_the_mean_image() -> None:
    model = train(
        IMAGES,
        network="dense-autoencoder(latent_dim=16,hidden=[])",
        steps=200,
        batch_size=64,
        learning_rate=2e-2,
        precision="float32",
        progress=Progress(),
    )
    left = np.square(IMAGES - model.reconstruct(IMAGES)).mean()
    assert left < np.square(IMAGES - IMAGES.mean(0)).mean() / 3


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        ("conv-autoencoder(latent_dim=3,features=2)", (3,)),
        ("dense-autoencoder(latent_dim=3,hidden=[8])", (3,)),
        ("dense(hidden=[8,5,8])", (5,)),
        ("conv(features=2)", (2, 2, 2)),
    ],
)
def test_it_decodes_what_it_encodes_and_a_file_keeps_that(
    tmp_path: Path, network: str, shape: tuple[int, ...]
) -> None:
    model = train(IMAGES, out=tmp_path / "model", network=network, **QUICK)
    codes = model.encode(IMAGES[:5])
    assert codes.mean.shape == (5, *shape)
    assert (codes.std == 0).all(), "a code is one point"
    decoded = model.decode(codes.mean.numpy())
    assert np.allclose(decoded, model.reconstruct(IMAGES[:5]).clip(0, 1), atol=1e-5)
    again = restorae.load(tmp_path / "model.safetensors")
    assert np.array_equal(again.reconstruct(IMAGES), model.reconstruct(IMAGES))


def test_its_plane_is_drawn_as_that_of_a_variational_one() -> None:
    model = train(IMAGES, network="conv-autoencoder(features=2)", **QUICK)
    assert manifold(model, n=3).images.shape == (3, 3, 8, 8)
    assert interpolate(model, IMAGES[0], IMAGES[1], steps=4)[0].shape == (4, 8, 8)


def test_it_neither_restores_nor_samples() -> None:
    model = train(IMAGES, network="conv-autoencoder(features=2)", **QUICK)
    with pytest.raises(UsageError, match="not to restore"):
        model.restore(IMAGES)
    with pytest.raises(UsageError, match="nothing says how its codes are distributed"):
        model.sample(2)


def test_the_convolutional_one_is_the_variational_one_without_the_variance() -> None:
    plain, variational = (
        sum(weights.numel() for weights in network.build().parameters())
        for network in (restorae.Network.of("conv-autoencoder"), ConvVAE())
    )
    assert variational - plain == 16 * 2 + 2  # the head of the log-variance


def test_a_recipe_says_that_it_is_one() -> None:
    setup = prepare(
        Recipe(autoencode=True), given=Given(clean=restorae.open_images("digits", "test"))
    )
    assert setup.recipe.network.kind == "conv-autoencoder"
    assert Recipe(**setup.recipe.model_dump()).autoencode
    with pytest.raises(SettingsConflict, match="learns clean images"):
        Recipe(autoencode=True, degradation="blur")


def test_codes_of_the_wrong_number_are_refused() -> None:
    model = train(IMAGES, network="conv-autoencoder(features=2)", **QUICK)
    with pytest.raises(restorae.RestoraeError, match=r"\(count, 2\), got \(4, 3\)"):
        model.decode(torch.zeros(4, 3))
