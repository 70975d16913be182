"""Which bundled model restores where none is named: each file by itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image as Pillow

from restorae.errors import UsageError
from restorae.formats import open_original
from restorae.pixels import to_working
from restorae.restoring import (
    LOG,
    PAGES,
    PHOTOS,
    RestoreRequest,
    choose_model,
    model_choice,
    plan_tasks,
    restore_files,
)
from restorae.restoring.model_choice import choose_for_file, choose_for_set
from restorae.shapes import Image
from tests.command import pixels
from tests.test_page_detection import page_of_lines

PHOTO, PAGE = to_working(skimage.data.astronaut()), to_working(skimage.data.page())


@pytest.mark.parametrize(
    ("image", "name"),
    [
        (PHOTO, PHOTOS),
        (PAGE, PAGES),
        (torch.rand(1, 28, 28), "digits-denoiser"),
        (torch.rand(3, 28, 28), PHOTOS),
        (torch.rand(7, 90, 80), PHOTOS),
    ],
    ids=["a photograph", "a page", "a digit", "a small colour image", "seven channels"],
)
def test_the_model_suits_the_image(image: Image, name: str) -> None:
    assert choose_model(image).name == name


def test_most_of_a_set_decide_for_it_and_photographs_where_it_is_mixed() -> None:
    assert choose_for_set([PAGE, PHOTO, PAGE, PAGE]).name == PAGES
    assert choose_for_set([PHOTO, PAGE, PAGE]).name == PHOTOS
    assert choose_for_set([]).name == PHOTOS


def test_a_mixed_folder_is_restored_as_each_file_alone(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Pillow.fromarray(skimage.data.page()).save(tmp_path / "in" / "page.png")
    noise = np.random.default_rng(0).integers(-20, 21, (200, 200, 1))
    for name, photo in (
        ("photo", skimage.data.astronaut()),
        ("grey", skimage.data.camera()[..., None]),
    ):
        noisy = np.clip(photo[:200, :200] + noise, 0, 255).astype(np.uint8)
        Pillow.fromarray(noisy.squeeze()).save(tmp_path / "in" / f"{name}.png")
    report = restore_files(
        plan_tasks([tmp_path / "in"], tmp_path / "out"),
        RestoreRequest(),
        log=tmp_path / "out" / LOG,
    )
    assert {name: len(reasons) for name, reasons in report.chosen.items()} == {PAGES: 1, PHOTOS: 2}
    for path in sorted((tmp_path / "in").iterdir()):
        alone = tmp_path / "alone" / path.name
        restore_files(plan_tasks([path], alone), RestoreRequest())
        assert np.array_equal(pixels(alone), pixels(tmp_path / "out" / path.name)), path.name
    lines = [json.loads(line) for line in (tmp_path / "out" / LOG).read_text().splitlines()]
    assert all(line["model"] and line["chosen_because"] for line in lines)


def test_values_that_are_not_finite_are_checked_too(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((3, 70, 80), np.nan, np.float32))
    assert choose_for_file(open_original(tmp_path / "a.npy")).name == PHOTOS


def test_what_a_mask_marks_is_filled(tmp_path: Path) -> None:
    Pillow.fromarray(skimage.data.page()).save(tmp_path / "a.png")
    found = choose_for_file(open_original(tmp_path / "a.png"), with_mask=True)
    assert found.name == "classical:inpaint"


def test_without_bundled_models_one_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_choice, "bundled", dict)
    with pytest.raises(UsageError) as refused:
        choose_model(PHOTO)
    assert refused.value.message.fixes[0].setting == "model"


def test_a_page_with_a_photograph_is_not_whitened(tmp_path: Path) -> None:
    page = np.asarray(page_of_lines(0.95)[0].repeat(5, 2) * 255, np.uint8)
    page[-450:-50, 40:552] = skimage.data.camera()[:400]  # below the middle rows
    Pillow.fromarray(page).save(tmp_path / "a.png")
    found = choose_for_file(open_original(tmp_path / "a.png"))
    assert (found.name, "photograph on it" in found.reason) == (PHOTOS, True)
    page[-450:-50] = page[:400]
    Pillow.fromarray(page).save(tmp_path / "a.png")
    assert choose_for_file(open_original(tmp_path / "a.png")).name == PAGES
