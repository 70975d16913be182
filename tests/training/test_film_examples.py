"""Stacks to train a film cleaner on: aligned, damaged, and with the truth beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from restorae.data import ClipExamples, Material
from restorae.data.image_set import ArrayImages
from restorae.degradations import OldFilm
from restorae.errors import BadSpec
from restorae.film.stack import OFFSETS, PLANES
from restorae.training.film_examples import StackExamples

pytest.importorskip("cv2", reason="OpenCV is not installed (extra film).")


def _examples(age: float, **settings: object) -> StackExamples:
    y, x = np.mgrid[:200, :200]
    image = 128 + 50 * np.sin(0.31 * x + 0.1 * y) + 40 * np.cos(0.23 * y + 0.0007 * x * y)
    material = Material(clips=(), stills=(ArrayImages(image.astype(np.uint8)[None]),))
    clips = ClipExamples(material, OldFilm(age=age), patch=64, draws=16, seed=2)
    return StackExamples(clips, **settings)  # type: ignore[arg-type]


def test_without_damage_median_centre_and_truth_agree() -> None:
    stacks = _examples(0.0, missing=0.0).stacks(0, 0, 8)
    assert stacks.planes.shape == (8, PLANES, 64, 64)
    assert not stacks.marks.any()
    torch.testing.assert_close(stacks.planes[:, 1:2], stacks.clean, atol=1e-4, rtol=0)
    median, first, last = (stacks.planes[:, plane] for plane in (0, 2, 1 + len(OFFSETS)))
    clean = stacks.clean[:, 0]
    # most clips have no cut-out, and there flow finds the motion
    errors = (median - clean).abs().mean((1, 2))
    assert errors.median() < 0.01
    assert ((first + last) / 2 - clean).abs().mean((1, 2)).median() < 0.02


def test_marks_are_where_the_frame_differs_from_the_truth() -> None:
    stacks = _examples(1.0).stacks(0, 0, 16)
    centre, marked = stacks.planes[:, 1:2], stacks.marks.bool()
    error = (centre - stacks.clean).abs()
    assert 0.0005 < stacks.marks.mean() < 0.2
    assert error[marked].mean() > 2 * error[~marked].mean()


def test_a_side_is_missing_in_its_share_of_the_stacks() -> None:
    stacks = _examples(0.3, missing=0.25).stacks(0, 0, 16)
    validities = stacks.planes[:, 2 + len(OFFSETS) : 2 + 2 * len(OFFSETS)].amax((2, 3))
    before, after = validities[:, :2].amax(1) == 0, validities[:, 2:].amax(1) == 0
    assert (before | after)[::4].all()
    assert (before | after).sum() <= 6


def test_batches_depend_on_their_place_alone_and_windows_must_fit() -> None:
    examples = _examples(0.5)
    again = examples.stacks(1, 2, 4)
    planes, truth = list(examples.batches(1, 4, workers=2))[2]
    assert torch.equal(again.planes, planes)
    assert torch.equal(torch.cat([again.clean, again.marks], 1), truth)
    with pytest.raises(BadSpec):
        StackExamples(replace(examples.clips, frames=3))
