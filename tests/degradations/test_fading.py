"""Fading, colour casts and vignettes: where black, white and the corners end."""

from __future__ import annotations

import colorsys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorae.degradations import ColourCast, Degradation, Fading, Vignette
from restorae.randomness import generator
from restorae.shapes import Images

share = st.floats(0, 1)


def seen(part: Degradation, clean: Images) -> Images:
    return part.draw(generator(0), len(clean)).apply(clean)


@given(share, share, share)
def test_black_is_lifted_and_white_dulled_by_what_the_settings_say(strength, contrast, tone):
    clean = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2).expand(1, 3, 5, 2)
    faded = seen(Fading(strength=strength, contrast=contrast, tone=tone, unevenness=0), clean)
    assert torch.allclose(faded[..., 0], torch.tensor(strength * contrast * tone), atol=1e-5)
    assert torch.allclose(
        faded[..., 1], torch.tensor(1 - strength * contrast * (1 - tone)), atol=1e-5
    )


@given(share, share, st.tuples(share, share, share))
def test_a_colour_keeps_its_brightness_and_loses_its_saturation(strength, saturation, colour):
    clean = torch.tensor(colour).reshape(1, 3, 1, 1)
    faded = (
        seen(Fading(strength=strength, contrast=0, saturation=saturation, unevenness=0), clean)
        .flatten()
        .tolist()
    )
    before, after = (colorsys.rgb_to_yiq(*one) for one in (colour, faded))
    assert after[0] == pytest.approx(
        before[0], abs=0.01
    )  # colorsys rounds the weights of brightness to two digits
    for axis in (1, 2):
        assert after[axis] == pytest.approx(before[axis] * (1 - strength * saturation), abs=0.01)


def test_an_uneven_print_fades_by_its_unevenness_smoothly():
    part = Fading(strength=0.3, contrast=1, tone=1, unevenness=0.2)
    strength = part.draw(generator(0), 300).apply(
        torch.zeros(300, 1, 40, 40)
    )  # black ends at the strength
    assert strength.mean().item() == pytest.approx(0.3, abs=0.005)
    assert strength.std().item() == pytest.approx(0.06, rel=0.1)
    assert (strength[..., 1:] - strength[..., :-1]).abs().max() < 0.03, "no edges"


@given(st.floats(-360, 360), share)
def test_a_cast_on_white_has_its_hue(hue, strength):
    cast = seen(ColourCast(hue=hue, strength=strength), torch.ones(1, 3, 2, 2))
    red, green, blue = cast[0, :, 0, 0].double().tolist()
    # the opponent colours of a cosine are a circle: its angle is the hue, its radius the strength
    angle = (
        torch.atan2(torch.tensor(3**0.5 * (green - blue)), torch.tensor(2 * red - green - blue))
        .rad2deg()
        .item()
    )
    if strength > 0.01:
        assert (angle - hue + 180) % 360 - 180 == pytest.approx(0, abs=0.1)
    assert min(red, green, blue) >= 1 - strength - 1e-6
    assert max(red, green, blue) <= 1


def test_the_opposite_colour_loses_the_strength_and_its_own_nothing():
    assert seen(
        ColourCast(hue=0, strength=0.4), torch.ones(1, 3, 1, 1)
    ).flatten().tolist() == pytest.approx([1, 0.7, 0.7])
    assert seen(ColourCast(hue=180, strength=0.4), torch.ones(1, 3, 1, 1))[
        0, 0
    ].item() == pytest.approx(0.6)


def test_a_grey_image_shows_what_a_cast_takes_of_its_brightness():
    part = ColourCast(hue=40, strength=0.5)
    colour, grey = (seen(part, torch.ones(1, channels, 1, 1)).flatten() for channels in (3, 1))
    assert grey.item() == pytest.approx(
        (colour * torch.tensor([0.299, 0.587, 0.114])).sum().item(), abs=1e-6
    )


@given(share, share, st.integers(3, 90), st.integers(3, 90))
def test_a_vignette_takes_its_strength_at_the_corner_and_nothing_in_the_middle(
    strength, edge, height, width
):
    light = seen(
        Vignette(strength=strength, edge=edge), torch.ones(1, 1, 2 * height + 1, 2 * width + 1)
    )[0, 0]
    assert light[height, width] == 1
    # the corner pixel's middle lies half a pixel within: the loss grows by twice its distance at most, by four times at edge 1
    room = 4 * strength * (1 / (2 * height + 1) + 1 / (2 * width + 1))
    for row in (0, -1):
        for column in (0, -1):
            assert 1 - strength - 1e-6 <= light[row, column].item() <= 1 - strength + room
    assert torch.allclose(light, light.flip(0), atol=1e-6)
    assert torch.allclose(light, light.flip(1), atol=1e-6)
    assert (light[0, 1:width] >= light[0, : width - 1] - 1e-6).all()


def test_half_way_to_the_corner_a_quarter_or_a_sixteenth_is_lost():
    clean = torch.ones(1, 1, 401, 401)
    for edge, lost in ((0.0, 1 / 4), (1.0, 1 / 16)):
        light = seen(Vignette(strength=0.8, edge=edge), clean)[0, 0, 300, 300]
        assert light.item() == pytest.approx(1 - 0.8 * lost, abs=0.005)
