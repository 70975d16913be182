"""Losses for noisy images alone: what is hidden, what is compared, and that their least value is at the clean image."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from restorae.losses import Batch, BlindSpot, Neighbours
from restorae.losses.self_supervised import halves
from restorae.networks import UNet


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def measured(loss, module: nn.Module, noisy: torch.Tensor, seed: int = 0) -> float:
    return loss.measure(
        Batch(
            network=UNet(patch=1, widths=(4,), encoder_blocks=(0,), decoder_blocks=()),
            module=module,
            degraded=noisy,
            clean=noisy,
            step=10**6,
            generator=rng(seed),
        )
    )["loss"].item()


class Answer(nn.Module):
    """Gives back an image that is known, whatever it is shown; at half size its half."""

    def __init__(self, clean: torch.Tensor) -> None:
        super().__init__()
        self.clean = clean

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (
            self.clean
            if images.shape[-1] == self.clean.shape[-1]
            else nn.functional.avg_pool2d(self.clean, 2)
        )


def test_halves_are_neighbours_of_one_cell():
    images = torch.arange(2 * 3 * 8 * 6, dtype=torch.float32).reshape(2, 3, 8, 6)
    choice = torch.randint(8, (2, 4, 3), generator=rng())
    one, other = halves(images, choice)
    assert one.shape == other.shape == (2, 3, 4, 3)
    apart = (one - other).abs()
    assert set(apart.unique().tolist()) == {1.0, 6.0}, (
        "neighbours in a row differ by 1 here, in a column by 6"
    )
    assert torch.equal(apart[:, 0], apart[:, 1]), "all channels of a place make the same choice"
    cells = nn.functional.pixel_unshuffle(images, 2).view(2, 3, 4, 4, 3)
    assert (cells == one[:, :, None]).any(2).all()


@pytest.mark.parametrize("loss", [Neighbours(), BlindSpot(), BlindSpot(along="rows")], ids=str)
def test_the_clean_image_is_the_best_answer(loss):
    """Against the noisy image itself, a blurred one and one that is too bright."""
    smooth = torch.linspace(0.2, 0.8, 64).expand(1, 1, 64, 64).contiguous()
    noisy = smooth + 0.1 * torch.randn(smooth.shape, generator=rng(1))
    best = sum(measured(loss, Answer(smooth), noisy, seed) for seed in range(5))
    for wrong in (
        smooth + 0.05,
        smooth * 0.8,
        torch.full_like(smooth, 0.5),
        smooth + 0.05 * torch.randn(smooth.shape, generator=rng(2)),
    ):
        assert sum(measured(loss, Answer(wrong), noisy, seed) for seed in range(5)) > best


def test_one_pixel_in_each_cell_is_predicted():
    centres = BlindSpot(cell=4).centres(torch.zeros(3, 2, 16, 24), rng())
    assert centres.shape == (3, 1, 16, 24)
    assert torch.equal(nn.functional.avg_pool2d(centres.float(), 4) * 16, torch.ones(3, 1, 4, 6))
    assert not torch.equal(centres[0], centres[1])


@pytest.mark.parametrize(("along", "window"), [("rows", (1, 11)), ("columns", (11, 1))])
def test_what_shares_the_noise_is_hidden_too(along, window):
    loss = BlindSpot(along=along, reach=5)
    single = torch.zeros(1, 1, 31, 31, dtype=torch.bool)
    single[0, 0, 15, 15] = True
    rows, columns = loss.hidden(single)[0, 0].nonzero().T
    assert (int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1) == window


class Looks(nn.Module):
    """Remembers what it was shown."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.shown = images.clone()
        return images


@pytest.mark.parametrize("along", ["neither", "rows", "columns"])
def test_a_hidden_pixel_does_not_influence_its_own_prediction(along):
    loss, looks = BlindSpot(along=along), Looks()
    noisy = torch.rand(1, 1, 33, 33, generator=rng())
    measured(loss, looks, noisy)
    before = looks.shown
    hidden = loss.hidden(loss.centres(noisy, rng()))
    place = tuple(loss.centres(noisy, rng())[0, 0].nonzero()[7])
    changed = noisy.clone()
    changed[0, 0][place] += 100
    measured(loss, looks, changed)
    assert looks.shown[0, 0][place] == before[0, 0][place]
    assert torch.equal(before[~hidden], noisy[~hidden]), "what is not hidden is shown as it is"
