"""What the tests of the command line work on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from restorae.model import Model, make_card
from restorae.networks import Conv


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of a small network with drawn weights: enough to run commands on."""
    torch.manual_seed(0)
    network = Conv(features=4)
    module = network.build()
    return Model(network, module, make_card(network, module, name="small")).save(tmp_path_factory.mktemp("model") / "small")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with a tree of small grey and colour pictures."""
    from PIL import Image

    source = np.random.default_rng(0)
    folder = tmp_path / "pictures"
    (folder / "inner folder").mkdir(parents=True)
    Image.fromarray(source.integers(0, 256, (30, 41), dtype=np.uint8)).save(folder / "grey.png")
    Image.fromarray(source.integers(0, 256, (33, 20, 3), dtype=np.uint8)).save(folder / "inner folder" / "colour.jpg")
    return folder
