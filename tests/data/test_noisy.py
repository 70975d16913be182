"""Noisy images as they come: stacks, 16 bits, floats, many channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from restorae.data import open_noisy
from restorae.errors import BadImage, DataUnavailable, ShapeMismatch


def stack(*shape: int, dtype: str = "uint16", low: float = 400, high: float = 900) -> np.ndarray:
    return np.random.default_rng(0).uniform(low, high, shape).astype(dtype)


def test_every_page_of_a_stack_is_an_image_in_its_own_range(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "stack.tif", stack(5, 40, 50), photometric="minisblack")
    tifffile.imwrite(tmp_path / "single.tif", stack(30, 20, low=100, high=60_000))
    found = open_noisy(tmp_path)
    assert found.names == ["single.tif", *(f"stack.tif#{page}" for page in range(5))]
    assert found.channels == 1
    assert found.size(0) == (30, 20)
    assert found.common_size is None
    for index in range(1, 6):
        assert found[index].shape == (1, 40, 50)
        assert found[index].min() == pytest.approx(0, abs=0.01)
        assert found[index].max() == pytest.approx(1, abs=0.01)
    assert found[0].max() == pytest.approx(60_000 / 65_535, abs=0.01), (
        "what fills its type's range is taken by it"
    )


def test_images_that_do_not_fit_in_memory_are_read_when_they_are_asked_for(
    tmp_path: Path,
) -> None:
    tifffile.imwrite(tmp_path / "stack.tif", stack(4, 40, 50), photometric="minisblack")
    held, read = open_noisy(tmp_path), open_noisy(tmp_path, memory=5000)
    assert all(torch.equal(held[index], read[index]) for index in range(4))
    assert torch.equal(read.subset([2, 0])[0], held[2])


def test_channels_that_are_no_colours_become_images(tmp_path: Path) -> None:
    np.save(tmp_path / "planes.npy", stack(3, 20, 30))
    tifffile.imwrite(
        tmp_path / "five.tif", stack(20, 30, 5), planarconfig="contig", photometric="minisblack"
    )
    assert len(open_noisy(tmp_path / "planes.npy")) == 3
    assert list(open_noisy(tmp_path / "five.tif").names) == [
        f"five.tif:{channel}" for channel in range(5)
    ]


def test_values_that_are_no_numbers_are_no_noise(tmp_path: Path) -> None:
    floats = stack(32, 32, dtype="float32", low=0, high=1)
    floats[3, 4], floats[5, 6] = np.nan, np.inf
    tifffile.imwrite(tmp_path / "floats.tif", floats)
    assert open_noisy(tmp_path / "floats.tif")[0].isfinite().all()


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataUnavailable, match="nowhere"):
        open_noisy(tmp_path / "nowhere")
    with pytest.raises(BadImage, match="holds no images"):
        open_noisy(tmp_path)
    tifffile.imwrite(tmp_path / "grey.tif", stack(20, 20))
    tifffile.imwrite(tmp_path / "colour.tif", stack(20, 20, 3), photometric="rgb")
    with pytest.raises(ShapeMismatch, match="grey and colour"):
        open_noisy(tmp_path)
