"""Masking: holes of the right number, size and place."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import find_objects, label

from restorae.degradations import Degradation, Masking
from restorae.errors import BadSpec
from restorae.randomness import generator


def holes(part: Masking, *shape: int, seed: int = 0) -> torch.Tensor:
    """True where an image of ones was masked with something else."""
    return part.draw(generator(seed), shape[0]).apply(torch.ones(shape)) != 1


@given(st.integers(2, 60), st.integers(2, 60), st.floats(0.05, 1), st.integers(0, 1000))
def test_one_hole_is_a_rectangle_of_its_fraction_wholly_inside(height, width, size, seed):
    holed = holes(Masking(count=1, size=size), 1, 1, height, width, seed=seed)[0, 0]
    rows, columns = (int(holed.any(side).sum()) for side in (1, 0))
    assert int(holed.sum()) == rows * columns, "a hole is a rectangle"
    # a side of s pixels covers the middles of s pixels, one more or less where it starts between them
    assert abs(rows - size * height) <= 1
    assert abs(columns - size * width) <= 1


def test_a_hole_of_the_whole_size_is_the_whole_image():
    assert holes(Masking(count=1, size=1.0), 3, 3, 17, 5).all()


def test_the_same_draw_makes_the_same_holes_at_every_size():
    draw = Masking(count=2, size=0.3).draw(generator(1), 1)
    small, large = (draw.apply(torch.ones(1, 1, side, side)) != 1 for side in (40, 400))
    nearest = torch.nn.functional.interpolate(small.float(), scale_factor=10, mode="nearest") > 0.5
    assert (
        nearest != large
    ).float().mean() < 0.06  # they differ by less than a small pixel along each edge


def test_as_many_holes_as_are_counted():
    # small holes in a large image rarely touch: most images show every one
    shown = []
    for seed in range(12):
        holed = holes(Masking(count=4, size=0.02), 1, 1, 300, 300, seed=seed)[0, 0].numpy()
        regions, count = label(holed)
        shown.append(count)
        assert count <= 4
        assert (
            all(
                5 <= side.stop - side.start <= 7
                for region in find_objects(regions)
                for side in region
            )
            or count < 4
        )
    assert shown.count(4) >= 9


def test_a_range_of_counts_includes_both_ends():
    draw = Masking(count="0..2", size=0.02).draw(generator(0), 200)
    holed = draw.apply(torch.ones(200, 1, 100, 100)) != 1
    for count, one in zip(draw.amounts["count"], holed, strict=True):
        assert label(one[0].numpy())[1] <= count
        assert one.any().item() == (count > 0)
    assert set(draw.amounts["count"]) == {0.0, 1.0, 2.0}


def test_holes_lie_everywhere_alike():
    covered = holes(Masking(count=1, size=0.1), 4000, 1, 10, 10).float().mean((0, 1))
    inner = covered[2:-2, 2:-2]
    assert inner.mean().item() == pytest.approx(
        0.01 / 0.81, rel=0.15
    )  # places are uniform where a whole hole has room
    assert torch.allclose(covered, covered.flip(0), atol=0.012)
    assert torch.allclose(covered, covered.T, atol=0.012)


def test_every_channel_has_the_same_holes():
    holed = holes(Masking(count=3), 4, 3, 20, 20)
    assert torch.equal(holed[:, 0], holed[:, 1])
    assert torch.equal(holed[:, 0], holed[:, 2])


@pytest.mark.parametrize("value", [0.0, 0.5, -1.0, 2.0])
def test_holes_are_filled_with_their_value_and_nothing_else_changes(value):
    clean = torch.rand(2, 1, 20, 20, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.7
    degraded = Masking(count=1, size=0.5, value=value).draw(generator(0), 2).apply(clean)
    changed = degraded != clean
    assert (degraded[changed] == value).all()
    assert changed.float().mean().item() == pytest.approx(0.25, abs=0.06)


def test_a_range_of_values_is_one_value_per_image():
    degraded = (
        Masking(count=3, value="0..0.5").draw(generator(0), 5).apply(torch.ones(5, 1, 20, 20))
    )
    filled = [set(one[one != 1].tolist()) for one in degraded]
    assert all(len(values) == 1 for values in filled)
    assert len({values.pop() for values in filled}) == 5


@pytest.mark.parametrize(
    "text",
    [
        "masking(count=-1)",
        "masking(count=1001)",
        "masking(size=1.1)",
        "masking(size=-0.1..0.5)",
        "masking(value=nan)",
    ],
)
def test_holes_that_cannot_be_are_refused(text):
    with pytest.raises(BadSpec, match=r"outside|finite"):
        Degradation.of(text)
