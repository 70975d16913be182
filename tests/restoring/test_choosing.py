"""Which model restores where none is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image as Pillow

from restorae.errors import UsageError
from restorae.model import bundled
from restorae.pixels import to_working
from restorae.restoring import PAGES, PHOTOS, choose_for_files, choose_model, choosing
from restorae.restoring.jobs import plan
from restorae.shapes import Image

PHOTO, PAGE = to_working(skimage.data.astronaut()), to_working(skimage.data.page())
FOR_PAGES = PAGES if PAGES in bundled() else PHOTOS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def chosen(folder: Path, **settings: bool) -> str:
    return choose_for_files(plan([folder], folder.parent / "out"), **settings).name


@pytest.mark.parametrize(
    ("images", "name"),
    [
        ([PHOTO], PHOTOS),
        ([PAGE], FOR_PAGES),
        ([PHOTO, PAGE, PAGE], PHOTOS),
        ([PAGE, PHOTO, PAGE, PAGE], FOR_PAGES),
        ([torch.rand(1, 28, 28)], "digits-denoiser"),
        ([torch.rand(3, 28, 28)], PHOTOS),
        ([torch.rand(7, 90, 80)], PHOTOS),
        ([], PHOTOS),
    ],
    ids=[
        "a photograph",
        "a page",
        "mixed",
        "mostly pages",
        "a digit",
        "a small colour picture",
        "seven channels",
        "nothing readable",
    ],
)
def test_the_model_suits_the_pictures(images: list[Image], name: str) -> None:
    choice = choose_model(images)
    assert choice.name == name
    assert choice.reason


def test_mixed_pictures_are_told_of() -> None:
    assert "2 of 3 that were looked at seem to be pages" in choose_model([PAGE, PHOTO, PAGE]).reason


def test_files_are_looked_at_and_broken_ones_passed_over(folder: Path) -> None:
    Pillow.fromarray(skimage.data.page()).save(folder / "a.png")
    (folder / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert chosen(folder) == FOR_PAGES


def test_micrographs_and_floats_are_taken_for_photographs(folder: Path) -> None:
    Pillow.fromarray(np.random.default_rng(0).integers(100, 900, (80, 90)).astype(np.uint16)).save(
        folder / "a.tif"
    )
    np.save(folder / "b.npy", np.full((3, 70, 80), np.nan, np.float32))
    assert chosen(folder) == PHOTOS


def test_what_a_mask_marks_is_filled(folder: Path) -> None:
    Pillow.fromarray(skimage.data.page()).save(folder / "a.png")
    assert chosen(folder, with_mask=True) == "classical:inpaint"


def test_no_more_than_a_dozen_files_are_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        Pillow.new("L", (70, 70), number).save(folder / f"{number}.png")
    seen = []

    def counted(images: Iterator[Image]) -> choosing.Choice:
        seen.extend(images)
        return choosing.Choice("", "")

    monkeypatch.setattr(choosing, "choose_model", counted)
    chosen(folder)
    assert 8 <= len(seen) <= 12


def test_without_bundled_models_one_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "bundled", dict)
    with pytest.raises(UsageError, match="--model"):
        choose_model([PHOTO])
