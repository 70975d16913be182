"""A restoration taken apart: defects by themselves, tone by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from restorae.errors import SettingsConflict, UsageError
from restorae.model.separating import separate
from restorae.restoring import Capabilities, RestoreRequest, plan_tasks, restore_files
from restorae.separation import REACH, Separation

DEFECTS = Separation(tone=0, defects_only=True)


def photo(side: int = 240) -> torch.Tensor:
    """A photograph, (1, 3, side, side)."""
    array = skimage.data.astronaut()[:side, :side].astype(np.float32) / 255
    return torch.from_numpy(array.transpose(2, 0, 1))[None].contiguous()


def faded(clean: torch.Tensor) -> torch.Tensor:
    """Less contrast, yellower, and darker towards the right."""
    ramp = torch.linspace(1.0, 0.8, clean.shape[3])
    return (0.15 + 0.7 * clean * torch.tensor([1.0, 0.95, 0.8])[:, None, None]) * ramp


def scratched(images: torch.Tensor, width: int = 5) -> torch.Tensor:
    """A white scratch from top to bottom."""
    images = images.clone()
    images[..., 100 : 100 + width] = 1.0
    return images


def test_a_scratch_is_repaired_and_nothing_else_is_changed() -> None:
    clean = photo()
    degraded = scratched(clean)
    restored, defects = separate(degraded, clean, DEFECTS)
    inside = slice(100, 105)
    assert (restored - clean)[..., inside].abs().mean() < 0.1 * (degraded - clean)[
        ..., inside
    ].abs().mean()
    far = torch.ones(240, dtype=torch.bool)
    far[80:125] = False
    assert torch.equal(restored[..., far], degraded[..., far])
    assert defects[..., far].max() == 0


def test_tone_and_defects_are_had_apart() -> None:
    clean = photo()
    degraded = scratched(faded(clean))
    whole, _ = separate(degraded, clean, Separation())
    assert torch.allclose(whole, clean, atol=1e-5)
    away = (..., slice(150, 240))
    no_tone, _ = separate(degraded, clean, Separation(tone=0))
    full_tone, _ = separate(degraded, clean, Separation(tone=1, defects_only=True))

    def brightness_off(images: torch.Tensor) -> float:
        return float((images - clean)[away].mean().abs())

    assert brightness_off(full_tone) < 0.25 * brightness_off(degraded)
    assert brightness_off(no_tone) == pytest.approx(brightness_off(degraded), rel=0.2)


def test_what_is_wide_is_no_defect() -> None:
    clean = torch.full((1, 1, 240, 240), 0.5)
    _, narrow = separate(scratched(clean, width=5), clean, DEFECTS)
    _, wide = separate(scratched(clean, width=40), clean, DEFECTS)
    assert narrow[..., 102].mean() > 0.9
    assert wide.max() == 0


def restored_file(source: Path, target: Path, **settings: object) -> None:
    request = RestoreRequest(model="photo-restorer", **settings)  # type: ignore[arg-type]
    tasks = plan_tasks([source], target, with_defect_mask=request.defect_mask)
    assert restore_files(tasks, request).failures == []


def test_the_mask_that_is_written_can_be_given_back(tmp_path: Path) -> None:
    source = tmp_path / "in.png"
    values = (scratched(photo()) * 255).round().byte()[0].permute(1, 2, 0).numpy()
    Image.fromarray(values).save(source)
    restored_file(source, tmp_path / "out.png", defect_mask=True)
    mask = Image.open(tmp_path / "out-defects.png")
    assert (mask.mode, mask.size) == ("L", (240, 240))
    marked = np.asarray(mask) > 0
    assert marked[:, 102].mean() > 0.8
    changed = (np.asarray(Image.open(tmp_path / "out.png")) != values).any(2)
    assert not (changed & ~marked).any(), "only defects are changed by default"
    edited = np.asarray(mask).copy()
    edited[:120] = 0
    Image.fromarray(edited).save(tmp_path / "edited.png")
    restored_file(source, tmp_path / "again.png", mask=tmp_path / "edited.png")
    again = np.asarray(Image.open(tmp_path / "again.png"))
    assert np.array_equal(again[:120], values[:120])
    assert (again[120:, 102] != values[120:, 102]).any()


def test_the_model_s_default_gives_way_to_what_is_asked() -> None:
    prints = Capabilities(name="prints", halo=10, repairs="defects")
    photos = Capabilities(name="photos", halo=10)
    assert RestoreRequest().separation(prints) == DEFECTS
    assert RestoreRequest(tone=0.5).separation(prints) == Separation(0.5, defects_only=True)
    assert RestoreRequest(repair="all").separation(prints).is_whole
    assert RestoreRequest(mask=Path("m.png")).separation(prints) == Separation(tone=0)
    assert RestoreRequest().separation(photos).is_whole
    assert photos.halo_for(RestoreRequest()) == 10
    assert photos.halo_for(RestoreRequest(tone=0)) == 10 + REACH


def test_error_bounds_hold_for_whole_restorations_only() -> None:
    prints = Capabilities(
        name="prints", halo=10, repairs="defects", is_network=True, has_error_bounds=True
    )
    with pytest.raises(UsageError, match="whole restorations"):
        RestoreRequest(error_map=True).check(prints)
    RestoreRequest(error_map=True, repair="all").check(prints)
    with pytest.raises(SettingsConflict):
        RestoreRequest(error_map=True, tone=0.5).check(prints)
