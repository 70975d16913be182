"""What the tests of the command line work on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from restorae.model import Model, make_card
from restorae.networks import Conv, ConvVAE, LatentUNet, Network
from restorae.training import Recipe, train


def untrained(network: Network, path: Path, **facts: object) -> Path:
    """A model file of a network with drawn weights: enough to run commands on."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = network.build()
    return Model(network, module, card=make_card(network, module, name=path.name, **facts)).save(
        path
    )


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A restorer's file: a small network with drawn weights."""
    return untrained(Conv(features=4), tmp_path_factory.mktemp("model") / "small")


@pytest.fixture(scope="session")
def small_vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a small variational auto-encoder that has learned the embedded digits, two latent dimensions."""
    recipe = Recipe(
        clean="digits",
        network="conv-vae(features=8)",
        learning_rate=0.01,
        batch_size=16,
        warmup=30,
        epochs=4,
    )
    path = tmp_path_factory.mktemp("vae") / "vae"
    train(recipe, path)
    return path.with_suffix(".safetensors")


@pytest.fixture(scope="session")
def vae_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Files of variational auto-encoders with drawn weights and given settings, such as `latent_dim=5`."""

    def make(**settings: int) -> Path:
        return untrained(
            ConvVAE(**{"features": 4, **settings}),
            tmp_path_factory.mktemp("vae-of") / "drawn",
            restores=False,
        )

    return make


@pytest.fixture(scope="session")
def small_latent_unet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a restorer with a latent, its weights drawn: its restorations of one image differ."""
    return untrained(LatentUNet(widths=(8, 8)), tmp_path_factory.mktemp("latent-unet") / "draws")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with a tree of small grey and colour images."""
    from PIL import Image

    source = np.random.default_rng(0)
    folder = tmp_path / "images"
    (folder / "inner folder").mkdir(parents=True)
    Image.fromarray(source.integers(0, 256, (30, 41), dtype=np.uint8)).save(folder / "grey.png")
    Image.fromarray(source.integers(0, 256, (33, 20, 3), dtype=np.uint8)).save(
        folder / "inner folder" / "colour.jpg"
    )
    return folder
