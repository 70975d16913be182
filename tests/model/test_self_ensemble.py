"""Self-ensemble: an image restored turned and mirrored, and the results averaged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import skimage.data
import torch

from restorae.errors import BadSpec, ShapeMismatch, UsageError
from restorae.model import Model, load, make_card
from restorae.model.inference import restore_at_once
from restorae.model.self_ensemble import SIZES, multiple_for
from restorae.networks import Network, UNet, pad_to_multiple
from restorae.pixels import to_working
from restorae.randomness import generator
from restorae.restoring import ModelRestorer, RestoreRequest
from restorae.restoring.restorer import FrameFacts
from restorae.tiling import apply, plan_for


def model_of(network: Network) -> Model:
    torch.manual_seed(0)
    module = network.build().eval()
    with torch.no_grad():
        for weights in module.parameters():  # nothing starts at zero, where it would do nothing
            weights.normal_(0, 0.1)
    return Model(network, module, card=make_card(network, module))


def restored(model: Model, images: torch.Tensor, views: int = 1) -> torch.Tensor:
    return model.restore_images(images, "float32", views)


@pytest.fixture(scope="module")
def model() -> Model:
    return model_of(UNet(widths=(8, 16), channels=1).for_patches())


@pytest.mark.parametrize("views", SIZES)
def test_what_comes_out_is_the_mean_of_the_symmetries(
    model: Model, seeded: Callable[..., torch.Tensor], views: int
) -> None:
    images = seeded(1, 1, 37, 50)
    padded = pad_to_multiple(images, model.network.multiple_of)
    every = [
        (lambda x, k=k: x.rot90(k, (2, 3)), lambda x, k=k: x.rot90(-k, (2, 3))) for k in range(4)
    ] + [
        (lambda x, k=k: x.flip(3).rot90(k, (2, 3)), lambda x, k=k: x.rot90(-k, (2, 3)).flip(3)) for k in range(4)
    ]  # fmt: skip
    which = {1: (0,), 2: (0, 5), 4: (0, 2, 5, 7), 8: range(8)}[views]
    expected = torch.stack(
        [every[place][1](restored(model, every[place][0](padded))) for place in which]
    ).mean(0)[..., :37, :50]
    torch.testing.assert_close(restored(model, images, views), expected, rtol=1e-4, atol=1e-5)


def test_of_eight_views_a_turned_image_gives_the_turned_result(
    model: Model, seeded: Callable[..., torch.Tensor]
) -> None:
    images = seeded(2, 1, 32, 48)
    turned = restored(model, images.rot90(1, (2, 3)), 8).rot90(-1, (2, 3))
    torch.testing.assert_close(turned, restored(model, images, 8), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(
        restored(model, images.rot90(1, (2, 3))).rot90(-1, (2, 3)),
        restored(model, images),
        atol=1e-3,
    )


@pytest.mark.parametrize("size", [(131, 170), (64, 200), (133, 96)])
def test_tiles_of_views_are_the_views_of_the_whole(
    model: Model, seeded: Callable[..., torch.Tensor], size: tuple[int, int]
) -> None:
    images = seeded(1, 1, *size)
    halo, multiple_of = model.network.halo, multiple_for(8, model.network.multiple_of)
    plan = plan_for(*size, tile=2 * (halo or 0) + 32, halo=halo, multiple_of=multiple_of)
    assert len(plan) > 1
    tiled = apply(lambda tiles: restore_at_once(model, tiles, self_ensemble=8), images, plan)
    assert (tiled - model.restore_images(images, self_ensemble=8)).abs().max() <= 1e-5


def test_colour_grey_and_arrays_take_views(model: Model) -> None:
    photo = skimage.data.astronaut()[:40, :51]
    averaged = model.restore(photo, self_ensemble=4)
    assert averaged.shape == photo.shape
    assert averaged.dtype == photo.dtype
    alone = model.restore(photo[..., 1], self_ensemble=4)
    assert np.abs(alone.astype(int) - averaged[..., 1]).max() <= 1, "each channel by itself"


def test_views_do_good_to_what_learned_turned() -> None:
    photo = to_working(skimage.data.astronaut()[100:260, 150:330])[None]
    noisy = photo + 25 / 255 * torch.randn(photo.shape, generator=generator(0))
    model = load("photo-denoiser")
    assert model.card.learned_turned
    errors = [
        (model.restore_images(noisy, self_ensemble=views) - photo).square().mean().item()
        for views in SIZES
    ]
    assert errors == sorted(errors, reverse=True)
    assert not load("page-cleaner").card.learned_turned


@pytest.mark.parametrize("views", [0, 3, 16, -1])
def test_other_numbers_of_views_are_refused(
    model: Model, seeded: Callable[..., torch.Tensor], views: int
) -> None:
    with pytest.raises(UsageError, match="1, 2, 4 or 8"):
        model.restore_images(seeded(1, 1, 8, 8), self_ensemble=views)
    with pytest.raises(BadSpec):
        RestoreRequest(self_ensemble=views)


def test_what_has_a_shape_of_its_own_is_not_turned_out_of_it(
    seeded: Callable[..., torch.Tensor],
) -> None:
    upright = model_of(Network.of("conv-vae").fitted(1, (28, 20)))
    with pytest.raises(ShapeMismatch):
        upright.restore_images(seeded(1, 1, 28, 20), self_ensemble=2)
    with pytest.raises(ShapeMismatch):
        ModelRestorer(upright).prepare(
            FrameFacts(height=28, width=20, channels=1), RestoreRequest(self_ensemble=2)
        )
    blocks = model_of(Network.of("dense").fitted(1, (12, 8)))
    assert blocks.restore_images(seeded(1, 1, 24, 16), self_ensemble=8).shape == (1, 1, 24, 16)
