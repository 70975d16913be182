"""Stains, folds, creases and what bleeds through: how much they cover, and where."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from restorae.degradations import BleedThrough, Creases, Degradation, Folds, Stains
from restorae.randomness import generator
from restorae.shapes import Images


def seen(part: Degradation, clean: Images, seed: int = 0) -> Images:
    return part.draw(generator(seed), len(clean)).apply(clean)


def test_a_stain_multiplies_and_takes_no_more_than_its_strength(seeded):
    white, black = torch.ones(20, 3, 60, 60), torch.zeros(20, 3, 60, 60)
    part = Stains(count=1, strength=0.4)
    light = seen(part, white)
    assert (seen(part, black) == 0).all()
    clean = seeded(20, 3, 60, 60)
    assert torch.allclose(seen(part, clean), clean * light, atol=1e-6)
    assert light.min().item() >= 0.6 - 1e-5
    assert light.amin((1, 2, 3)).max() < 1
    assert (light[:, 2] <= light[:, 0] + 1e-6).all(), "a brown stain takes more blue than red"


def test_stains_cover_what_their_number_and_size_say():
    # the mean square of a diameter between a third of d and all of it is (1 + 1/3 + 1/9) / 3 of d²
    part = Stains(count=1, size=0.3)
    covered = (seen(part, torch.ones(400, 1, 64, 64)) < 0.99).float().mean().item()
    mean_square = (1 + 1 / 3 + 1 / 9) / 3 * 0.3**2
    # centres are uniform, so that pieces beyond the border are lost: 2 / π of a radius for each side at first order
    reach = 0.3 * 2 / 3
    expected = math.pi / 4 * mean_square * (1 - reach * 4 / (3 * math.pi) * 2 / 2)
    assert covered == pytest.approx(expected, rel=0.25)  # ragged edges grow and shrink it


def test_a_rim_is_darker_than_what_it_surrounds():
    image = seen(Stains(count=1, size=0.9, strength=0.8), torch.ones(30, 1, 100, 100))
    for one in image[:, 0].numpy():
        inside = one < 0.97
        if inside.mean() < 0.1:
            continue
        depth = gaussian_filter(inside.astype(float), 3)
        assert one[inside & (depth < 0.8)].min() < np.median(one[depth > 0.99]), (
            "the drying edge is darkest"
        )


def test_the_same_stains_and_folds_at_every_size():
    for part in (Stains(), Folds(width=0.05)):
        draw = part.draw(generator(1), 1)
        small, large = (draw.apply(torch.full((1, 1, side, side), 0.5)) for side in (100, 300))
        shrunk = torch.nn.functional.avg_pool2d(large, 3)
        assert torch.corrcoef(torch.stack([small.flatten(), shrunk.flatten()]))[0, 1] > 0.95


def test_stains_of_a_large_image_are_those_of_a_small_one():
    draw = Stains().draw(generator(1), 1)
    small, large = (draw.apply(torch.ones(1, 1, side, side)) for side in (250, 750))
    assert (small - torch.nn.functional.avg_pool2d(large, 3)).abs().mean() < 2e-3


@pytest.mark.parametrize("size", [(120, 200), (200, 120)])
def test_a_fold_runs_from_side_to_side_as_bright_pieces_of_its_width(size):
    clean = torch.full((60, 1, *size), 0.3)
    bare = seen(Folds(count=1, width=0.05, tilt=0, strength=1, shading=0, paper=0.9), clean)[:, 0]
    flakes = bare > 0.6
    covered = flakes.float().mean((1, 2))
    assert (covered > 0).all()
    assert covered.max().item() <= 0.05 * min(size) / min(size) * 1.1
    assert torch.allclose(bare.amax(), torch.tensor(0.9), atol=1e-3)
    upright, along = 0, []
    for one in flakes:
        row, column = torch.nonzero(one, as_tuple=True)
        high, wide = (int(side.max() - side.min()) + 1 for side in (row, column))
        upright += high > wide
        # it stays within its width, and weaves a little
        assert min(high, wide) < 0.05 * min(size) * 2 + 2
        assert max(high, wide) > 0.5 * (size[0] if high > wide else size[1])
        along.append(one.any(0 if wide > high else 1).float().mean().item())
    assert 0.6 < np.mean(along) < 0.95, "a fold is broken: not every place along it has flaked off"
    assert np.std(along) > 0.03
    assert upright / 60 == pytest.approx(size[1] / sum(size), abs=0.22)


def test_a_fold_s_light_and_shadow_are_equal_and_lie_beside_it():
    clean = torch.full((20, 1, 100, 100), 0.5)
    shaded = seen(Folds(count=1, width=0, tilt=30, strength=1, shading=0.2), clean) - 0.5
    assert shaded.abs().max().item() == pytest.approx(0.1, rel=0.02)
    assert (shaded == 0).float().mean() > 0.6
    assert shaded.mean().abs() < 0.002
    assert seen(Folds(count=1, width=0, shading=0), clean).equal(clean)


def test_a_fold_leans_no_more_than_its_tilt():
    for one in seen(
        Folds(count=1, width=0.03, tilt=10, strength=1, shading=0, paper=1),
        torch.zeros(20, 1, 150, 150),
    )[:, 0]:
        row, column = np.nonzero(one.numpy() > 0.5)
        direction = np.linalg.eigh(np.cov(row, column))[1][:, -1]
        lean = np.degrees(np.arctan2(*sorted(np.abs(direction))))
        assert lean < 10 + 3


def test_what_bleeds_through_is_the_mirror_image():
    page = torch.ones(1, 1, 30, 50)
    page[..., 4:9, 3:20] = 0.2
    dark = seen(BleedThrough(strength=0.5, blur=0, shift=0), page)
    expected = page * (1 - 0.5 * (1 - page.flip(-1)))
    assert torch.allclose(dark, expected, atol=1e-6)


def test_it_is_moved_no_more_than_said_and_softened(seeded):
    page = torch.ones(30, 1, 40, 60)
    page[..., 18:22, 28:32] = 0
    dark = seen(BleedThrough(strength=0.5, blur=0, shift=0.2), page)
    places = []
    for one in dark[:, 0]:
        row, column = torch.nonzero((one > 0.4) & (one < 0.6), as_tuple=True)
        if len(row) == 16:  # not hidden by the spot itself
            places.append((row.float().mean().item() - 19.5, column.float().mean().item() - 29.5))
    assert len(places) > 15
    assert max(abs(down) for down, _ in places) <= 8
    assert max(abs(right) for _, right in places) <= 12
    assert len(set(places)) > 10
    soft = seen(BleedThrough(strength=0.5, blur=3, shift=0), page)
    assert soft.min() == 0
    assert 1 - soft[0, 0, 20, 34] > 0.02


def test_blank_paper_stays_blank_whatever_its_tone():
    page = torch.full((2, 3, 9, 9), 0.7)
    assert torch.allclose(seen(BleedThrough(strength=1), page), page, atol=1e-5)


def test_a_crease_is_light_on_one_side_and_dark_on_the_other(seeded):
    side, reach = 90, 0.6 * 90 / 2
    part = Creases(count=1, size=0.6, strength=0.2, lines=0)
    light = seen(part, torch.ones(40, 1, side, side))[:, 0] - 1
    assert light.abs().max().item() <= 0.2 + 1e-6
    whole = [one for one in light if not (one[[0, -1]].any() or one[:, [0, -1]].any())]
    assert len(whole) > 5
    for one in whole:
        # as much is gained on the one side as is lost on the other, and no farther off than its reach
        assert abs(one.sum().item()) < 0.02 * one.abs().sum().item()
        rows, columns = torch.nonzero(one, as_tuple=True)
        across = torch.hypot((rows - rows.float().mean()), (columns - columns.float().mean()))
        assert reach / 3 - 2 < across.max().item() < reach + 1
        # the light jumps from one pixel to the next but one, and fades slowly elsewhere
        jumps = max(
            (one[2:] - one[:-2]).abs().max().item(), (one[:, 2:] - one[:, :-2]).abs().max().item()
        )
        assert jumps > 1.2 * one.abs().max().item()
    clean = seeded(40, 3, side, side)
    assert torch.allclose(seen(part, clean), clean * (1 + light[:, None]), atol=1e-6)


def test_the_line_in_a_crease_is_fine_and_bright_or_dark():
    lines = (
        seen(Creases(count=1, size=0.8, strength=0, lines=0.5), torch.ones(40, 1, 100, 100))[:, 0]
        - 1
    )
    lines = lines[lines.abs().amax((1, 2)) > 0.02]  # a few only touch the image
    bright = lines.amax((1, 2)) > -lines.amin((1, 2))
    assert 0.25 < bright.float().mean().item() < 0.75, "half of all creases are ridges"
    assert ((lines >= 0).all((1, 2)) | (lines <= 0).all((1, 2))).all(), (
        "a line is bright or dark, not both"
    )
    assert lines.abs().max().item() <= 0.5 + 1e-6
    # the longest has 80 pixels, and a line reaches a pixel to each side of its middle
    assert 10 < (lines != 0).sum((1, 2)).max().item() < 80 * 3


def test_more_creases_change_more_of_the_paper():
    changed = [
        (seen(Creases(count=count), torch.ones(8, 1, 80, 80)) != 1).float().mean().item()
        for count in (0, 3, 12, 48)
    ]
    assert changed[0] == 0
    assert changed == sorted(changed)
    assert changed[-1] > 0.9


def test_creases_run_in_all_directions():
    lines = (
        seen(Creases(count=1, size=0.8, strength=0, lines=1), torch.ones(120, 1, 80, 80))[:, 0] != 1
    )
    lines = lines[lines.sum((1, 2)) > 20]
    eighths = []
    for one in lines:
        down, across = np.linalg.eigh(np.cov(*np.nonzero(one.numpy())))[1][:, -1]
        eighths.append(int(np.degrees(np.arctan2(down, across)) % 180 // 45))
    shares = np.bincount(eighths, minlength=4) / len(eighths)
    assert len(eighths) > 60
    assert shares.min() > 0.1, (
        f"of the four ranges of 45 degrees they take {shares.round(2)}, a quarter each is expected"
    )


def test_as_many_creases_as_were_drawn():
    # so long that each reaches into the image, wherever it lies
    changed = (
        (seen(Degradation.of("creases(count=0..1,size=2)"), torch.ones(200, 1, 30, 30)) != 1)
        .flatten(1)
        .any(1)
    )
    assert changed.float().mean().item() == pytest.approx(0.5, abs=0.12), (
        "none and one are as likely"
    )


@pytest.mark.parametrize("shape", [(50, 200), (200, 50)], ids=str)
def test_the_length_of_a_crease_is_a_fraction_of_the_shorter_side(shape):
    changed = seen(Creases(count=1, size=0.8, strength=0.5), torch.ones(60, 1, *shape))[:, 0] != 1
    longest = max(int(changed.any(across).sum(1).max()) for across in (1, 2))
    assert 30 < longest <= 0.8 * 50 + 1


def test_creases_that_meet_take_no_more_light_than_there_is():
    dark = seen(Creases(count=100, size=1, strength=1, lines=1), torch.ones(1, 1, 60, 60))
    assert dark.min().item() == 0
