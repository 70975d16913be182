"""What every test stands on: no network, no GPU, nobody's cache and nobody's data."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest
import torch
from hypothesis import settings

from restorae.formats.libraries import import_pyvips

import_pyvips()  # before a test imports pyvips itself, whose log can end the process

# the same examples on every run, so that a failure in CI is one at home
settings.register_profile("house", deadline=None, max_examples=20, derandomize=True, database=None)
settings.load_profile("house")

DATA_OF_THIS_MACHINE = os.environ.get("RESTORAE_DATA")

# the tests' networks are small, and workers share the cores; commands in processes of their own are told by the variable
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["RESTORAE_PRECISION"] = (
    "float32"  # the same numbers on every machine; bfloat16 has tests of its own
)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing of the person who runs the tests is seen: data sets, cache, proxies."""
    monkeypatch.delenv("RESTORAE_DATA", raising=False)
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    place = tmp_path_factory.getbasetemp() / "no-cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    # else matplotlib, imported by whichever test comes first, writes its list of fonts into that test's folder
    monkeypatch.setenv("MPLCONFIGDIR", str(place / "matplotlib"))
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name, *_, **__: str(place / name))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of restorae's, for this test alone."""
    place = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name, *_, **__: str(place / name))
    return place / "restorae"


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of real data sets that RESTORAE_DATA names, and that variable as it was."""
    if not (DATA_OF_THIS_MACHINE and Path(DATA_OF_THIS_MACHINE, "mnist").is_dir()):
        told = "RESTORAE_DATA does not name a folder that holds mnist/: the real data sets are not tested."
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    monkeypatch.setenv("RESTORAE_DATA", DATA_OF_THIS_MACHINE)
    return Path(DATA_OF_THIS_MACHINE)


@pytest.fixture
def seeded() -> Callable[..., torch.Tensor]:
    """Uniform random tensors of a shape, always the same for the same seed."""

    def draw(*shape: int, seed: int = 0) -> torch.Tensor:
        return torch.rand(shape, generator=torch.Generator().manual_seed(seed))

    return draw
