"""Every classical restorer: the promises of the family, and for each what it does, against something independent."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
import torch
from skimage import data
from skimage.restoration import estimate_sigma
from skimage.util import img_as_float32

from restorae.degradations import Masking, SaltAndPepper
from restorae.errors import BadSpec, ShapeMismatch, UnknownKind
from restorae.parts import kinds
from restorae.randomness import generator
from restorae.regions import plan_exact
from restorae.restoring.classical import (
    Background,
    Classical,
    Inpaint,
    Median,
    NonLocalMeans,
    TotalVariation,
    Wavelet,
    noise_in,
)
from restorae.tiling import apply

FAMILY = sorted(
    (part for part in kinds(Classical) if part.__module__.startswith("restorae.")),
    key=lambda part: part.kind,
)

EXAMPLES: dict[str, list[dict[str, object]]] = {
    "background": [{"radius": 4}],
    "median": [{"radius": 0}, {"radius": 3}],
    "nlm": [{"sigma": 0.1}, {"sigma": 0.2, "patch": 3, "reach": 4, "strength": 1.2}],
    "tv": [{"weight": 0.1, "iterations": 12}],
    "wavelet": [{"sigma": 0.1}],
}
"""Settings beyond the defaults, where they take another way through the code."""

MEMBERS = [kind(**settings) for kind in FAMILY for settings in ({}, *EXAMPLES.get(kind.kind, []))]
each_kind = pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.kind)
each_member = pytest.mark.parametrize("part", MEMBERS, ids=str)
each_with_halo = pytest.mark.parametrize(
    "part", [part for part in MEMBERS if part.halo is not None], ids=str
)
SHAPES = [(2, 1, 1, 1), (1, 3, 1, 9), (1, 5, 13, 2), (2, 3, 7, 5), (1, 1, 33, 28)]


def some_images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def given(part: Classical, images: torch.Tensor) -> torch.Tensor:
    """The images as that part takes them: with a mask behind them where it needs one, a hole in a corner."""
    if not part.needs_mask:
        return images
    mask = torch.zeros_like(images[:, :1])
    mask[..., : (images.shape[-2] + 1) // 2, : (images.shape[-1] + 1) // 2] = 1
    return torch.cat([images, mask], dim=1)


def photo(name: str) -> torch.Tensor:
    """A piece of one of scikit-image's images, (1, channel, 128, 128)."""
    image = torch.from_numpy(img_as_float32(getattr(data, name)()).copy())
    image = image.permute(2, 0, 1) if image.ndim == 3 else image[None]
    return image[None, :, 60:316:2, 120:376:2].contiguous()


def psnr(restored: torch.Tensor, clean: torch.Tensor) -> float:
    return -10 * (restored.clamp(0, 1) - clean).square().mean().log10().item()


# ------------------------------------------------------------------------------------------------- how it is written


@each_kind
def test_a_kind_explains_itself(kind):
    assert kind.__doc__
    assert ">>>" in kind.__doc__, f"{kind.kind}: show in its docstring how it is used"
    silent = [name for name, field in kind.model_fields.items() if not field.description]
    assert not silent, f"{kind.kind}: write a sentence with a unit under {', '.join(silent)}"


@each_member
def test_text_and_dictionary_give_the_part_back(part):
    assert Classical.of(str(part)) == part
    assert Classical.of(json.loads(json.dumps(part.to_dict()))) == part
    prepared = part.prepared(some_images(1, 1, 16, 16))
    assert Classical.of(str(prepared)) == prepared


def test_mistakes_are_answered_with_what_to_do():
    with pytest.raises(
        UnknownKind, match=r"no classical restorer 'medain'\. Did you mean 'median'"
    ):
        Classical.of("medain")
    with pytest.raises(BadSpec, match="expected an odd number, got 4"):
        Classical.of("nlm(patch=4)")
    with pytest.raises(ShapeMismatch, match="Append the mask to the image's channels"):
        Inpaint().apply(some_images(1, 1, 8, 8))


# ------------------------------------------------------------------------------------------------- what comes out


@each_member
def test_shape_and_type_are_kept_and_the_input_is_left_alone(part):
    for shape in SHAPES:
        before = given(part, some_images(*shape))
        passed = before.clone()
        restored = part.apply(passed)
        assert (restored.shape, restored.dtype) == (shape, torch.float32)
        assert restored.isfinite().all(), shape
        assert torch.equal(passed, before), shape


@each_member
def test_no_images_give_no_images(part):
    assert part.apply(given(part, some_images(0, 3, 8, 8))).shape == (0, 3, 8, 8)


@each_member
def test_a_batch_is_its_images_one_by_one(part):
    came = given(part, some_images(3, 3, 12, 11) * torch.tensor([1.0, 0.5, 0.1]).view(-1, 1, 1, 1))
    together = part.apply(came)
    for place in range(3):
        alone = part.apply(came[place : place + 1])
        assert torch.equal(alone[0], together[place]), (
            f"image {place} depends on what else is in the batch"
        )


@each_member
def test_a_prepared_part_does_what_it_would_have_measured_and_measures_no_more(part):
    image = some_images(1, 1, 24, 24)
    prepared = part.prepared(image)
    assert prepared.prepared(image * 0.1) == prepared
    assert torch.equal(prepared.apply(given(part, image)), part.apply(given(part, image)))


@each_member
def test_constants_stay_constant(part):
    for value, channels in product((0.0, 0.6, 1.7), (1, 3, 5)):
        restored = part.apply(given(part, torch.full((1, channels, 21, 30), value)))
        expected = (
            float(value > 0) if isinstance(part, Background) else value
        )  # paper becomes white
        assert (restored - expected).abs().max() < 1e-5, (value, channels)


@each_member
def test_values_beyond_0_and_1_are_not_cut_off(part):
    if isinstance(part, Background):
        pytest.skip("paper becomes white, 1, wherever it was")
    wide = photo("camera") * 4 - 2
    restored = part.apply(given(part, wide))
    assert restored.min() < -1.2
    assert restored.max() > 1.2


@pytest.mark.parametrize(
    "part",
    [Median(radius=2), TotalVariation(weight=0.1), NonLocalMeans(sigma=0.1), Wavelet(sigma=0.1)],
    ids=str,
)
@pytest.mark.parametrize("channels", [2, 5])
def test_channels_that_are_no_colours_are_restored_one_by_one(part, channels):
    colours = some_images(1, channels, 20, 22)
    apart = torch.cat([part.apply(colours[:, [channel]]) for channel in range(channels)], dim=1)
    assert torch.allclose(part.apply(colours), apart, atol=1e-6)


# ------------------------------------------------------------------------------------------------- context


@each_with_halo
def test_the_declared_halo_is_the_measured_one(part):
    side = 4 * part.halo + 9
    image = some_images(1, 1, side, side) * 0.2 + 0.4
    prepared = part.prepared(image)
    before, middle, measured = prepared.apply(image), side // 2, 0
    # a change in one pixel reaches as far as the result differs; which change shows most depends on the method
    for value in (-0.3, 0.0, 1.0):
        changed = image.clone()
        changed[..., middle, middle] = value
        rows, columns = (
            (prepared.apply(changed) - before)[0, 0].abs().gt(1e-9).nonzero(as_tuple=True)
        )
        if len(rows):
            measured = max(
                measured, int((rows - middle).abs().max()), int((columns - middle).abs().max())
            )
    assert measured <= part.halo, (
        f"{part}: declared halo {part.halo}, measured {measured}: write {measured}"
    )
    if isinstance(part, (Median, NonLocalMeans)):  # the others see that far only in principle
        assert measured == part.halo, (
            f"{part}: declared halo {part.halo}, measured {measured}: write {measured}"
        )


@each_with_halo
@pytest.mark.parametrize("channels", [1, 3])
def test_tiles_with_that_halo_are_the_whole(part, channels):
    height, width = 4 * part.halo + 37, 2 * part.halo + 20
    ramp = torch.linspace(0.5, 1, width)
    image = (0.2 + 0.6 * some_images(1, channels, height, width)) * ramp
    prepared = part.prepared(image)
    plan = plan_exact(height, width, tile=2 * part.halo + 16, halo=part.halo)
    assert len(plan) > 3
    assert (apply(prepared.apply, image, plan) - prepared.apply(image)).abs().max() <= 1e-5


# ------------------------------------------------------------------------------------------------- noise


@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_noise_that_is_measured_is_the_noise_that_was_added(sigma, channels):
    sample = photo("moon").repeat(1, channels, 1, 1) + sigma * noise(1, channels, 128, 128)
    assert noise_in(sample) == pytest.approx(sigma, rel=0.05)
    assert NonLocalMeans().prepared(sample).sigma == noise_in(sample)
    assert Wavelet().prepared(sample).sigma == noise_in(sample)
    assert TotalVariation().prepared(sample).weight == pytest.approx(0.8 * sigma, rel=0.05)
    assert noise_in(sample) == pytest.approx(
        np.mean([estimate_sigma(each.numpy()) for each in sample[0]]), rel=1e-3
    )


def test_white_paper_without_noise_does_not_hide_the_noise_of_the_rest():
    sample = 0.5 + 0.1 * noise(1, 1, 128, 128)
    sample[..., :100] = 1
    assert noise_in(sample) == pytest.approx(0.1, rel=0.1)
    assert noise_in(torch.ones(1, 1, 64, 64)) == 0


@pytest.mark.parametrize("kind", ["nlm", "tv", "wavelet"])
@pytest.mark.parametrize("name", ["camera", "coins", "moon", "astronaut"])
def test_psnr_rises_by_4_db_without_the_noise_level(kind, name):
    clean = photo(name)
    noisy = clean + 0.1 * noise(*clean.shape)
    gain = psnr(Classical.of(kind).apply(noisy), clean) - psnr(noisy, clean)
    assert gain > 4, f"{kind} gains {gain:.2f} dB on {name}"


@pytest.mark.parametrize("kind", ["nlm", "wavelet"])
def test_colours_together_are_better_than_one_by_one(kind):
    clean = photo("astronaut")
    noisy = clean + 0.1 * noise(*clean.shape)
    part = Classical.of(f"{kind}(sigma=0.1)")
    apart = torch.cat([part.apply(noisy[:, [channel]]) for channel in range(3)], dim=1)
    assert psnr(part.apply(noisy), clean) > psnr(apart, clean) + 0.5


@pytest.mark.parametrize("kind", ["nlm", "tv", "wavelet", "median"])
def test_the_image_s_border_is_restored_as_well_as_its_middle(kind):
    slope = torch.linspace(0.2, 0.8, 96).expand(1, 1, 64, 96)  # wraps around badly
    left = Classical.of(kind).apply(slope + 0.1 * noise(1, 1, 64, 96)) - slope
    border = torch.cat(
        [
            left[..., :4].flatten(),
            left[..., -4:].flatten(),
            left[..., :4, :].flatten(),
            left[..., -4:, :].flatten(),
        ]
    )
    assert border.square().mean().sqrt() < 1.8 * left[..., 16:-16, 16:-16].square().mean().sqrt()


def test_the_median_takes_salt_and_pepper_away():
    clean = photo("camera")
    spoilt = SaltAndPepper(amount=0.1).draw(generator(0), 1).apply(clean)
    assert psnr(Median().apply(spoilt), clean) > psnr(spoilt, clean) + 8


def test_the_median_is_the_median():
    image = some_images(1, 1, 9, 8)
    middle = Median(radius=2).apply(image)[0, 0, 4, 3]
    assert middle == image[0, 0, 2:7, 1:6].median()


# ------------------------------------------------------------------------------------------------- holes


def holed(clean: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Filled by `Inpaint`, which sees nothing of what was in the holes."""
    return Inpaint().apply(torch.cat([torch.where(mask > 0, -5.0, clean), mask], dim=1))


def test_what_the_mask_leaves_out_comes_back_exactly():
    clean = photo("astronaut")
    mask = (some_images(1, 1, 128, 128) < 0.2).float()
    filled = holed(clean, mask)
    kept = (mask == 0).expand_as(clean)
    assert torch.equal(filled[kept], clean[kept])
    assert filled.min() >= 0, "something of the damage is left"


def test_holes_in_a_photograph_are_filled_far_better_than_with_its_mean():
    clean = photo("camera")
    mask = (Masking(count=12, size=0.06, value=2.0).draw(generator(0), 1).apply(clean) == 2).float()
    filled, inside = holed(clean, mask), mask > 0
    plain = torch.where(inside, clean[~inside].mean(), clean)
    assert psnr(filled, clean) > psnr(plain, clean) + 8


@pytest.mark.parametrize("side", [10, 47, 60, 100, 130])
def test_a_slope_goes_on_through_a_hole_of_any_size(side):
    rows, columns = torch.linspace(0.1, 0.5, 161), torch.linspace(0, 0.4, 171)
    slope = (rows[:, None] + columns)[None, None]
    mask = torch.zeros_like(slope)
    mask[..., 16 : 16 + side, 20 : 20 + side] = 1
    off = (holed(slope, mask) - slope).abs().max().item()
    assert off < 5e-3, f"off by {off:.4f}, and a pixel of the slope is 0.005"


def test_holes_at_the_border_are_filled_too():
    clean = torch.full((1, 1, 40, 40), 0.3)
    mask = torch.zeros_like(clean)
    mask[..., :12, :] = 1
    mask[..., 25:, 33:] = 1
    assert (holed(clean, mask) - 0.3).abs().max() < 1e-5


def test_an_image_without_holes_and_one_that_is_all_hole_come_back_as_they_are():
    image = some_images(2, 3, 9, 8)
    for value in (0.0, 1.0):
        assert torch.equal(
            Inpaint().apply(torch.cat([image, torch.full((2, 1, 9, 8), value)], dim=1)), image
        )


def test_one_known_pixel_is_enough_to_fill_from():
    image, mask = torch.zeros(1, 1, 70, 70), torch.ones(1, 1, 70, 70)
    image[..., 40, 3], mask[..., 40, 3] = 0.7, 0
    assert (Inpaint().apply(torch.cat([image, mask], dim=1)) - 0.7).abs().max() < 1e-5


# ------------------------------------------------------------------------------------------------- shading


def page(height: int = 120, width: int = 160) -> torch.Tensor:
    """White paper with strokes of ink 3 px wide."""
    sheet = torch.ones(1, 1, height, width)
    for row in range(10, height - 4, 12):
        for column in range(6, width - 8, 9):
            sheet[..., row : row + 3, column : column + 6] = 0.2
            sheet[..., row - 4 : row + 3, column : column + 3] = 0.2
    return sheet


def test_paper_becomes_white_and_ink_stays_under_a_slope_of_light():
    sheet = page()
    light = torch.linspace(0.45, 0.9, 160) * torch.linspace(1, 0.85, 120)[:, None]
    flattened = Background(radius=10).apply(sheet * light)
    assert (flattened - sheet).abs().max() < 0.02, f"off by {(flattened - sheet).abs().max():.3f}"


def test_paper_becomes_white_under_a_curved_shadow_and_noise():
    sheet = page()
    rows, columns = torch.meshgrid(
        torch.linspace(-1, 1, 120), torch.linspace(-1, 1, 160), indexing="ij"
    )
    light = 0.9 - 0.4 * torch.exp(-4 * ((rows - 0.3) ** 2 + (columns + 0.4) ** 2))
    flattened = Background(radius=10).apply(sheet * light + 0.02 * noise(1, 1, 120, 160))
    paper = flattened[sheet == 1]
    assert paper.mean().item() == pytest.approx(1, abs=0.01)
    assert paper.std() < 0.05
    assert flattened[sheet < 1].mean().item() == pytest.approx(0.2, abs=0.03)


def test_yellow_paper_becomes_white():
    sheet = page().repeat(1, 3, 1, 1) * torch.tensor([0.9, 0.8, 0.5]).view(1, 3, 1, 1)
    assert (Background(radius=10).apply(sheet) - page()).abs().max() < 1e-3


def test_a_real_page_in_the_shadow_becomes_even():
    photographed = torch.from_numpy(img_as_float32(data.page()).copy())[None, None]
    flattened = Background().apply(photographed)

    def paper(sheet: torch.Tensor) -> torch.Tensor:
        """What four fifths of the pixels are darker than, in blocks of 32 px: the paper between the letters."""
        blocks = sheet[0, 0, :160, :384].unfold(0, 32, 32).unfold(1, 32, 32).flatten(2)
        return blocks.quantile(0.8, dim=-1)

    assert paper(photographed).max() - paper(photographed).min() > 0.4
    assert (paper(flattened) - 1).abs().max() < 0.1
