"""Old films made of new ones: what is kept, and that the record says all of the damage."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from restorae.degradations import Degradation, OldFilm
from restorae.degradations.old_film import FilmDamager, Window
from restorae.degradations.on_clips import degrader_of_clip
from restorae.film import degrade_film, plan_films
from tests.clips import Clip, decoded, packets


def _degrade(source: Path, target: Path, spec: str, seed: int = 3) -> dict[str, object]:
    (task,) = plan_films([source], target)
    done = degrade_film(task, Degradation.of(spec), seed, lossless=True)
    return json.loads(done.record.read_text())  # type: ignore[no-any-return]


def test_sound_and_time_stamps_are_kept_and_pieces_are_gone(tmp_path: Path) -> None:
    Clip(codec="libx264", sound="pcm_s16le").save(tmp_path / "clip.mov")
    _degrade(tmp_path / "clip.mov", tmp_path / "old.mov", "film(age=0.7)")
    before, after = decoded(tmp_path / "clip.mov"), decoded(tmp_path / "old.mov")
    assert [time for time, _ in after] == [time for time, _ in before]
    assert packets(tmp_path / "old.mov") == packets(tmp_path / "clip.mov")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "clip.mov",
        "old.mov",
        "old.mov.json",
    ]


def test_the_record_gives_the_same_film_again(tmp_path: Path) -> None:
    made = Clip(layout="gray", height=48, width=64).save(tmp_path / "clip.mkv")
    record = _degrade(tmp_path / "clip.mkv", tmp_path / "old.mkv", "film(age=0.2..0.9)")
    degradation = OldFilm.of(record["degradation"])
    damager = FilmDamager(degradation, record["seed"], window=Window(48, 64))  # type: ignore[arg-type]
    assert damager.film.dust == record["drawn"]["dust"]  # type: ignore[index]
    luma = torch.from_numpy(np.stack([planes[0] for planes in made]).astype(np.float32))
    expected = damager.damage((luma[:, None] - 16) / 219).frames * 219 + 16
    for (_, (plane,)), frame in zip(decoded(tmp_path / "old.mkv"), expected, strict=True):
        assert np.abs(plane - frame[0].numpy()).max() < 0.51


@pytest.mark.parametrize("layout", ["yuv444p", "yuv420p10le", "gbrp10le"])
def test_colours_that_nothing_happens_to_stay(tmp_path: Path, layout: str) -> None:
    """Converted to red, green and blue and back: within two levels of 8 bits."""
    grey = Clip(layout=layout, shade=[120] * 3, stamps=(0, 3000, 6000))
    made = grey.save(tmp_path / "clip.mkv")
    _degrade(tmp_path / "clip.mkv", tmp_path / "old.mkv", "film(age=0)")
    scale = 4 if "10" in layout else 1
    for (_, planes), expected in zip(decoded(tmp_path / "old.mkv"), made, strict=True):
        for plane, before in zip(planes, expected, strict=True):
            difference = plane.astype(int) - before.astype(int)
            assert abs(difference.mean()) < 0.6 * scale
            assert np.abs(difference).max() <= 4 * scale


def test_damage_of_a_clip_is_drawn_once_and_new_in_every_frame() -> None:
    spec = "gaussian-noise(sigma=0.01..0.3) | one-of(choices=[blur, film(age=0.5)])"
    clean = torch.rand(4, 1, 40, 48)

    def degraded(seed: int, *parts: int) -> torch.Tensor:
        steps = degrader_of_clip(Degradation.of(spec), seed, 40, 48)
        return torch.cat([steps.degrade(part) for part in clean.split(list(parts))])

    for seed in range(3):
        torch.testing.assert_close(degraded(seed, 4), degraded(seed, 1, 2, 1))
    steps = degrader_of_clip(Degradation.of("gaussian-noise(sigma=0.01..0.3)"), 0, 200, 200)
    noise = steps.degrade(torch.zeros(3, 1, 200, 200))
    assert noise.std((1, 2, 3)).tolist() == pytest.approx([steps.drawn["sigma"]] * 3, rel=0.03)
    assert abs((noise[0] * noise[1]).mean()) < 0.02 * noise.var()
