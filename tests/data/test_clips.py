"""Clips to train on: what counts as a clip, that motion is motion, and that an example depends on its seed alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from restorae.data import ClipExamples, Material, open_material
from restorae.data.footage import FrameFootage
from restorae.data.image_set import ArrayImages
from restorae.data.moving_stills import move_over
from restorae.degradations import OldFilm
from restorae.errors import BadImage, BadSpec, DataUnavailable
from restorae.randomness import generator


def _texture(side: int) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(float(side)), torch.arange(float(side)), indexing="ij")
    return (0.5 + 0.2 * torch.sin(0.31 * x + 0.1 * y) + 0.2 * torch.cos(0.23 * y))[None]


def _save(folder: Path, names: list[str], size: tuple[int, int] = (32, 24)) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        pixels = np.full((size[1], size[0]), 10 * number, np.uint8)
        Image.fromarray(pixels).save(folder / name)


def test_numbered_frames_are_a_clip_and_other_images_are_stills(tmp_path: Path) -> None:
    _save(tmp_path / "all" / "walk", [f"shot-{number:04}.png" for number in range(7, 14)])
    _save(tmp_path / "all" / "gap", [f"{number}.png" for number in (1, 2, 3, 4, 6)])
    _save(tmp_path / "all" / "photos", ["anna.png", "bert.png"])
    material = open_material([tmp_path / "all"])
    (walk,) = material.clips
    assert (len(walk), walk.size) == (7, (24, 32))
    assert sorted(map(len, material.stills)) == [2, 5]
    # frames come in the order of their numbers
    assert [round(255 * value) for value in walk.read(2, 3).mean((1, 2, 3)).tolist()] == [
        20,
        30,
        40,
    ]
    (part,) = open_material([f"{tmp_path / 'all' / 'walk'}#2-4"]).clips
    assert len(part) == 3
    assert torch.equal(part.read(0, 1), walk.read(2, 1))
    with pytest.raises(BadSpec):
        open_material([f"{tmp_path / 'all'}#4-2"])
    with pytest.raises(DataUnavailable):
        open_material([tmp_path / "nowhere"])


def test_the_camera_moves_at_most_as_fast_as_it_should() -> None:
    """Against the best whole shift between the first frames, found by trying all."""
    moved = []
    for seed in range(8):
        clip = move_over(_texture(160), [], frames=2, patch=48, generator=generator(seed))
        first, second = clip[0, 0], clip[1, 0]
        inner = first[14:-14, 14:-14]
        errors = {
            (down, right): (second[14 + down : 34 + down, 14 + right : 34 + right] - inner)
            .square()
            .mean()
            .item()
            for down in range(-14, 15)
            for right in range(-14, 15)
        }
        best = min(errors, key=lambda shift: errors[shift])
        assert errors[best] < 0.003
        moved.append(np.hypot(*best))
    assert max(moved) > 2
    assert max(moved) <= 15  # the fastest is 12, and hands shake


def test_what_a_cutout_hides_is_uncovered_again() -> None:
    background, black = torch.ones(1, 120, 120), torch.zeros(1, 90, 90)
    clip = move_over(background, [black], frames=5, patch=64, generator=generator(5))
    covered = clip[:, 0] < 0.5
    assert 0.02 < covered.float().mean() < 0.6
    assert (covered.any(0) & ~covered.all(0)).any()


def _examples(**settings: object) -> ClipExamples:
    stills = ArrayImages((_texture(128)[0, None].numpy() * 255).astype(np.uint8)[0][None])
    frames = ArrayImages(np.random.default_rng(0).integers(0, 255, (8, 60, 70), np.uint8))
    material = Material(clips=(FrameFootage(frames, "noise"),), stills=(stills,))
    return ClipExamples(material, OldFilm(age="0.2..0.8"), patch=48, draws=8, **settings)  # type: ignore[arg-type]


def test_a_batch_depends_on_seed_epoch_and_index_alone() -> None:
    examples = _examples(seed=4)
    batches = list(examples.batches(2, 2))
    assert batches[0].degraded.shape == (2, 5, 1, 48, 48)
    (last,) = examples.batches(2, 2, start=3)
    assert torch.equal(last.degraded, batches[3].degraded)
    assert torch.equal(last.change, batches[3].change)
    assert not torch.equal(next(examples.batches(1, 2)).clean, batches[0].clean)


def test_clean_frames_are_those_of_the_footage() -> None:
    examples = _examples(still_share=0.0)
    clip = examples.clean_clip(generator(1))
    frames = examples.material.clips[0].read(0, 8)
    versions = [frames, frames.flip(0), frames.flip(-1), frames.flip(0, -1)]
    windows = torch.cat(
        [each.unfold(2, 48, 1).unfold(3, 48, 1)[:, 0].flatten(1, 2) for each in versions]
    )
    for frame in clip[:, 0]:
        assert (windows == frame).flatten(2).all(-1).any()


def test_clips_that_are_too_short_are_refused() -> None:
    frames = ArrayImages(np.zeros((4, 60, 70), np.uint8))
    with pytest.raises(BadImage):
        ClipExamples(Material(clips=(FrameFootage(frames, "four"),), stills=()), OldFilm())


def test_what_is_held_out_does_not_depend_on_order_or_company() -> None:
    random = np.random.default_rng(1)
    stills = ArrayImages(random.integers(0, 255, (40, 16, 16), np.uint8))
    clips = tuple(
        FrameFootage(ArrayImages(random.integers(0, 255, (6, 16, 16), np.uint8)), str(number))
        for number in range(40)
    )
    kept, held = Material(clips=clips, stills=(stills,)).split(0.3)
    assert 4 < len(held.clips) < 20
    assert {clip.name for clip in kept.clips} | {clip.name for clip in held.clips} == {
        clip.name for clip in clips
    }
    again = Material(clips=clips[::-2], stills=(stills.subset([3, 1, 2, 0]),)).split(0.3)[1]
    assert {clip.name for clip in again.clips} == {clip.name for clip in held.clips} & {
        clip.name for clip in clips[::-2]
    }
    assert sum(map(len, kept.stills)) + sum(map(len, held.stills)) == 40
