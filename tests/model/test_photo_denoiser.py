"""The bundled `photo-denoiser`: blind, for grey and colour, and no worse for what surrounds a region."""

from __future__ import annotations

import pytest
import skimage.data
import torch

from restorae.model import Model, load
from restorae.pixels import to_grey, to_working
from restorae.randomness import generator
from restorae.restoring.classical import Classical
from restorae.shapes import Images

SIGMAS = (15, 25, 50)
SIDE = 96
PLACES = ((150, 150), (200, 60), (60, 250), (300, 180))


@pytest.fixture(scope="module")
def model() -> Model:
    return load("photo-denoiser")


@pytest.fixture(scope="module")
def photo() -> Images:
    return to_working(skimage.data.astronaut())[None]


def noisy(photo: Images, sigma: float) -> Images:
    return photo + sigma / 255 * torch.randn(photo.shape, generator=generator(0))


def psnr(restored: Images, clean: Images) -> float:
    return (-10 * (restored.clamp(0, 1) - clean).square().mean().log10()).item()


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("grey", [True, False], ids=["grey", "colour"])
def test_it_beats_classical_methods_at_any_noise_level_without_knowing_it(
    model: Model, photo: Images, sigma: int, grey: bool
) -> None:
    clean = (to_grey(photo) if grey else photo)[..., :256, 100:356]
    degraded = noisy(clean, sigma)
    best = max(
        psnr(Classical.of(f"{method}(sigma={sigma / 255})").apply(degraded), clean)
        for method in ("nlm", "wavelet")
    )
    assert psnr(model.restore_images(degraded), clean) > best + 0.5


def test_three_equal_channels_are_grey(model: Model, photo: Images) -> None:
    """A grey print that was stored in colour has the same noise in each channel, which is nothing that colour teaches."""
    colour = noisy(photo, 25)[..., :128, 100:228]
    grey = to_grey(colour)
    restored = model.restore_images(torch.cat([colour, grey.expand(-1, 3, -1, -1), colour]))
    assert torch.allclose(restored[1], model.restore_images(grey)[0].expand(3, -1, -1), atol=1e-6)
    assert torch.allclose(restored[[0, 2]], model.restore_images(colour), atol=1e-6)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_a_region_in_its_image_scores_as_the_region_alone(
    model: Model, photo: Images, sigma: int
) -> None:
    """A network that judges the noise by the borders of its patches loses as its surroundings grow (by 2 dB, where it was measured)."""
    clean = to_grey(photo)
    degraded = noisy(clean, sigma)

    def mean_score(around: int) -> float:
        scores = []
        for top, left in PLACES:
            inside = model.restore_images(
                degraded[
                    ..., top - around : top + SIDE + around, left - around : left + SIDE + around
                ]
            )
            region = inside[..., around : around + SIDE, around : around + SIDE]
            scores.append(psnr(region, clean[..., top : top + SIDE, left : left + SIDE]))
        return sum(scores) / len(scores)

    alone = mean_score(0)
    for around in (32, 56):
        assert mean_score(around) > alone - 0.1, (
            f"{around} px around it make a region worse: {mean_score(around):.2f} from {alone:.2f} dB"
        )


def test_what_is_hardly_noisy_is_hardly_changed(model: Model, photo: Images) -> None:
    assert psnr(model.restore_images(photo[..., :256, :256]), photo[..., :256, :256]) > 33
