"""A preview: drawn images, each as it will be restored, upright and pixel for pixel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from restorae.restoring import (
    Failure,
    FileTask,
    RestoreRequest,
    plan_tasks,
    preview_files,
    restore_files,
)
from restorae.restoring.preview import SIDE
from tests.command import pixels

MEDIAN = RestoreRequest(model="classical:median")


def preview(
    tasks: list[FileTask], request: RestoreRequest, count: int, seed: int = 0
) -> tuple[list[tuple[str, tuple[torch.Tensor, torch.Tensor]]], list[Failure]]:
    return preview_files(tasks, replace(request, seed=seed), count=count)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, values: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, **options)
    return path


def as_bytes(image: torch.Tensor) -> np.ndarray:
    """A shown image as stored pixels: (height, width[, 3])."""
    values = (image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return values[..., 0] if values.shape[2] == 1 else values


def test_the_same_seed_draws_the_same_images(tmp_path: Path) -> None:
    for place in range(9):
        save(tmp_path / "in" / f"{place}.png", noise(20, 30, seed=place))
    tasks = plan_tasks([tmp_path / "in"], tmp_path / "out")

    def names(count: int, seed: int) -> list[str]:
        return [name for name, _ in preview(tasks, MEDIAN, count, seed)[0]]

    assert names(4, 0) == names(4, 0) == sorted(names(4, 0))
    assert len({tuple(names(4, seed)) for seed in range(8)}) > 1
    assert names(99, 0) == [f"{place}.png" for place in range(9)]
    assert not (tmp_path / "out").exists(), "a preview writes nothing"


@pytest.mark.parametrize("shape", [(700, 801), (90, 1500), (1200, 60, 3), (5, 7)], ids=str)
def test_what_is_shown_is_the_middle_as_the_run_will_write_it(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    before = noise(*shape)
    save(tmp_path / "in" / "a.png", before)
    tasks = plan_tasks([tmp_path / "in"], tmp_path / "out")
    ((_, (shown, restored)),), failures = preview(tasks, MEDIAN, 1)
    assert failures == []
    assert restore_files(tasks, MEDIAN).failures == []
    rows, columns = (
        slice(max(0, (side - SIDE) // 2), max(0, (side - SIDE) // 2) + SIDE) for side in shape[:2]
    )
    assert np.array_equal(as_bytes(shown), before[rows, columns])
    assert np.array_equal(as_bytes(restored), pixels(tmp_path / "out" / "a.png")[rows, columns])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_shown_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "in" / "a.png", noise(30, 50, 3), exif=exif)
    ((_, (shown, _)),), _ = preview(plan_tasks([path], tmp_path / "out"), MEDIAN, 1)
    with Image.open(path) as image:
        assert np.array_equal(as_bytes(shown), np.asarray(ImageOps.exif_transpose(image)))


def test_a_mask_and_a_strength_are_heeded(tmp_path: Path) -> None:
    before, mask = noise(500, 600), np.zeros((500, 600), np.uint8)
    mask[240:260] = 255
    save(tmp_path / "in" / "a.png", before)
    save(tmp_path / "masks" / "a.png", mask)
    order = replace(MEDIAN, strength=0.5, mask=tmp_path / "masks")
    tasks = plan_tasks([tmp_path / "in"], tmp_path / "out")
    ((_, (_, restored)),), _ = preview(tasks, order, 1)
    assert restore_files(tasks, order).failures == []
    written = pixels(tmp_path / "out" / "a.png")
    assert np.array_equal(as_bytes(restored), written[90:410, 140:460])
    assert np.array_equal(written[:240], before[:240])
    assert not np.array_equal(written[240:260], before[240:260])


def test_alpha_is_not_shown_and_sixteen_bits_by_their_own_range(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.png", noise(40, 50, 4))
    dark = np.random.default_rng(0).integers(100, 900, (40, 50), dtype=np.uint16)
    save(tmp_path / "in" / "b.png", dark)
    ((_, (colour, _)), (_, (deep, _))), _ = preview(
        plan_tasks([tmp_path / "in"], tmp_path / "out"), MEDIAN, 2
    )
    assert np.array_equal(as_bytes(colour), noise(40, 50, 4)[..., :3])
    low, high = np.percentile(dark, (0.1, 99.9))
    np.testing.assert_allclose(deep[0], np.clip((dark - low) / (high - low), 0, 1), atol=1e-5)


def test_what_cannot_be_shown_is_returned_with_its_reason(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.png", noise(40, 50))
    save(tmp_path / "in" / "b.png", noise(10, 10))
    save(tmp_path / "mask.png", noise(40, 50))
    (tmp_path / "in" / "c.png").write_bytes(b"hello")
    shown, failures = preview(
        plan_tasks([tmp_path / "in"], tmp_path / "out"),
        replace(MEDIAN, mask=tmp_path / "mask.png"),
        3,
    )
    assert [name for name, _ in shown] == ["a.png"]
    assert [failure.source.name for failure in failures] == ["b.png", "c.png"]
    assert "is 10 × 10 pixels, its mask 50 × 40" in str(failures[0])


def test_an_array_shows_as_many_of_its_images_as_are_asked_for(tmp_path: Path) -> None:
    images = noise(20, 12, 10)
    np.save(tmp_path / "digits.npy", images)
    shown, failures = preview(plan_tasks([tmp_path / "digits.npy"], tmp_path / "out"), MEDIAN, 4)
    assert failures == []
    assert [name for name, _ in shown] == [f"digits.npy, page {n}" for n in (1, 6, 11, 16)]
    low, high = images.min(), images.max()
    for (_, (before, _)), index in zip(shown, (0, 5, 10, 15), strict=True):
        assert np.abs(before[0].numpy() * (high - low) + low - images[index]).max() < 0.6


def test_names_that_are_no_text_can_be_drawn(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    try:
        with (tmp_path / "in" / "caf\udce9\n.png").open("wb") as handle:
            Image.fromarray(noise(20, 30)).save(handle, "png")
    except OSError:
        pytest.skip("no file can have such a name here")
    shown, _ = preview(plan_tasks([tmp_path / "in"], tmp_path / "out"), MEDIAN, 1)
    assert [name for name, _ in shown] == ["caf\\udce9\\n.png"]
