"""The bundled `photo-restorer`: old prints, grey and colour."""

from __future__ import annotations

import pytest
import skimage.data
import torch

from restorae.degradations import Degradation
from restorae.model import Model, load
from restorae.pixels import to_grey, to_working
from restorae.randomness import generator
from restorae.shapes import Images

OLD = (
    "fading(strength=0.4) | colour-cast(strength=0.2,hue=35) | scratches(count=3,width=0.01) | dust(count=20,size=0.02) | "
    "gaussian-noise(sigma=0.05)"
)


@pytest.fixture(scope="module")
def model() -> Model:
    return load("photo-restorer")


def psnr(restored: Images, clean: Images) -> float:
    return (-10 * (restored.clamp(0, 1) - clean).square().mean().log10()).item()


@pytest.fixture(scope="module", params=["grey", "colour"])
def clean(request: pytest.FixtureRequest) -> Images:
    photo = to_working(skimage.data.astronaut()[:256, 100:356])[None]
    return to_grey(photo) if request.param == "grey" else photo


def test_an_old_print_comes_nearer_to_what_it_was(model: Model, clean: Images) -> None:
    old = Degradation.of(OLD).draw(generator(2), 1).apply(clean)
    restored = psnr(model.restore_images(old), clean)
    assert restored > psnr(old, clean) + 2.5
    assert restored > psnr(load("photo-denoiser").restore_images(old), clean) + 1.5, (
        "which takes off the noise and nothing else"
    )


@pytest.mark.parametrize(
    "damage",
    [
        "scratches(count=6,width=0.012,length=0.6)",
        "dust(count=60,size=0.02)",
        "hair(count=4,width=0.01)",
    ],
)
def test_what_lies_on_the_print_is_taken_off(model: Model, clean: Images, damage: str) -> None:
    old = Degradation.of(damage).draw(generator(3), 1).apply(clean)
    harmed = (old - clean).abs().amax(1) > 0.1
    assert harmed.float().mean() > 0.003
    wrong, left = (
        (images - clean).abs().mean(1)[harmed].mean().item()
        for images in (old, model.restore_images(old))
    )
    assert left < 0.7 * wrong


def test_of_what_is_well_only_the_tones_change(model: Model, clean: Images) -> None:
    """It cannot know that a photograph has not faded; what is drawn in it stays."""
    restored = model.restore_images(clean)[0]
    fitted = []
    for before, after in zip(clean[0], restored, strict=True):
        ones = torch.stack([after.flatten(), torch.ones(after.numel())], 1)
        fitted.append(
            (ones @ torch.linalg.lstsq(ones, before.flatten()[:, None]).solution).view_as(before)
        )
    assert psnr(torch.stack(fitted), clean[0]) > 27
