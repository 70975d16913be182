"""A clean image that no model was named for is left as it is, byte for byte; a noisy one is restored."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import tifffile
from PIL import Image

import restorae
from restorae.restoring import LOG, PHOTOS, RestoreRequest, plan_tasks, restore_files
from restorae.restoring.batch_report import BatchReport
from tests.command import pixels

CLEAN = skimage.data.astronaut()[:320, :320]
NOISY = np.clip(CLEAN + np.random.default_rng(0).normal(0, 4, CLEAN.shape).round(), 0, 255).astype(
    np.uint8
)


def restored(source: Path, out: Path, overwrite: bool = False, **settings: object) -> BatchReport:
    request = RestoreRequest(**settings)
    tasks = plan_tasks([source], out, overwrite, kind=request.format, **request.companions())
    return restore_files(tasks, request, log=out / LOG if out.is_dir() else None)


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    path = tmp_path / "clean.jpg"
    Image.fromarray(CLEAN).save(path, quality=90)
    return path


def test_clean_file_is_copied_byte_for_byte(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    report = restored(clean, tmp_path / "out")
    assert (report.restored, report.unchanged, report.chosen) == (1, 1, {})
    assert (tmp_path / "out" / "clean.jpg").read_bytes() == clean.read_bytes()
    line = json.loads((tmp_path / "out" / LOG).read_text())
    assert (line["status"], line["reason"]) == ("unchanged", "no noise found; nothing changed")


def test_clean_file_in_place_stays_as_it_is(clean: Path) -> None:
    before = (clean.read_bytes(), clean.stat().st_mtime_ns, clean.stat().st_ino)
    assert restored(clean, clean, overwrite=True).unchanged == 1
    assert (clean.read_bytes(), clean.stat().st_mtime_ns, clean.stat().st_ino) == before


def test_clean_file_is_converted_with_its_values(clean: Path, tmp_path: Path) -> None:
    assert restored(clean, tmp_path / "out.png").unchanged == 1
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), pixels(clean))


def test_noisy_file_is_restored(tmp_path: Path) -> None:
    Image.fromarray(NOISY).save(tmp_path / "noisy.png")
    report = restored(tmp_path / "noisy.png", tmp_path / "out.png")
    assert (report.unchanged, [*report.chosen]) == (0, [PHOTOS])
    before, after = (
        np.mean((values.astype(float) - CLEAN) ** 2)
        for values in (NOISY, pixels(tmp_path / "out.png"))
    )
    assert after < before / 2


@pytest.mark.parametrize(
    "settings", [{"model": PHOTOS}, {"error_map": True}], ids=["named model", "error map"]
)
def test_who_asks_for_more_gets_it(
    clean: Path, tmp_path: Path, settings: dict[str, object]
) -> None:
    assert restored(clean, tmp_path / "out.png", **settings).unchanged == 0


def test_images_in_memory_likewise(clean: Path) -> None:
    np.testing.assert_array_equal(restorae.restore(pixels(clean)), pixels(clean))
    assert (restorae.restore(NOISY) != NOISY).mean() > 0.5


def test_grey_image_of_16_bits_is_told_of_training(tmp_path: Path) -> None:
    """A photograph of 8 bits is not."""
    grey = NOISY[..., 0]
    tifffile.imwrite(tmp_path / "deep.tif", grey.astype(np.uint16) * 16)
    tifffile.imwrite(tmp_path / "plain.tif", grey)
    assert restored(tmp_path / "deep.tif", tmp_path / "a.tif").measurements == 1
    assert restored(tmp_path / "plain.tif", tmp_path / "b.tif").measurements == 0
