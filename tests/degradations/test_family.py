"""Every degradation: the promises of `draw`, `apply` and `degrade`, which a new kind is held to on the day it is born."""

from __future__ import annotations

import json
from functools import cache

import hypothesis
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorae.degradations import (
    Blur,
    Chain,
    Composite,
    Degradation,
    Draw,
    GaussianNoise,
    Masking,
    OneOf,
    SaltAndPepper,
)
from restorae.errors import BadSpec, ShapeMismatch
from restorae.parts import kinds
from restorae.randomness import generator
from restorae.ranges import Range

FAMILY = sorted(
    (part for part in kinds(Degradation) if part.__module__.startswith("restorae.")),
    key=lambda part: part.kind,
)

HARMLESS: dict[str, tuple[dict[str, object], float]] = {
    "film": ({"age": 0.0}, 1e-5),
    "banding": ({"strength": 0.0}, 0.0),
    "bleed-through": ({"strength": 0.0}, 0.0),
    "blur": ({"sigma": 0.0}, 0.0),
    "chain": ({"parts": ()}, 0.0),
    "one-of": ({"choices": ()}, 0.0),
    "colour-cast": ({"strength": 0.0}, 0.0),
    "creases": ({"strength": 0.0, "lines": 0.0}, 0.0),
    "downscale": ({"factor": 1.0}, 0.0),
    "dust": ({"strength": 0.0}, 0.0),
    "fading": ({"strength": 0.0}, 0.0),
    "folds": ({"strength": 0.0}, 0.0),
    "gaussian-noise": ({"mean": 0.0, "sigma": 0.0}, 0.0),
    "hair": ({"strength": 0.0}, 0.0),
    "halftone": ({"strength": 0.0}, 0.0),
    "jpeg": ({"quality": 100, "subsampling": "4:4:4"}, 4 / 255),
    "masking": ({"count": 0}, 0.0),
    "motion-blur": ({"length": 0.0}, 0.0),
    "poisson-noise": ({"peak": 1e9}, 2e-4),
    "quantise": ({"levels": 65536}, 1e-5),
    "salt-and-pepper": ({"amount": 0.0}, 0.0),
    "scratches": ({"strength": 0.0}, 0.0),
    "speckle": ({"sigma": 0.0}, 0.0),
    "stains": ({"strength": 0.0}, 0.0),
    "vignette": ({"strength": 0.0}, 0.0),
}
"""For each kind the settings that harm nothing, and how far the result may then be from the image."""

NARROWER = {"film": (0.0, 1.0), "jpeg": (0.0, 1.0), "poisson-noise": (0.0, 1.2)}
"""The values of images that a kind can leave as they are, where it cannot below black and above white."""

EXAMPLES: dict[str, list[dict[str, object]]] = {
    "banding": [{"direction": "vertical", "stripes": "5..50"}],
    "chain": [
        {"parts": ["blur(sigma=0.5..1.5)", "gaussian-noise(sigma=0.05..0.2)"]},
        {
            "parts": [
                "masking(count=1..3)",
                "chain(parts=[speckle,salt-and-pepper(amount=0.1..0.3)])",
            ]
        },
    ],
    "creases": [{"count": "0..80", "size": "0.2..1", "strength": "0..0.3", "lines": "0..1"}],
    "downscale": [{"factor": "1..4", "method": "bicubic"}],
    "dust": [{"count": "0..20", "size": "0.01..0.2", "light": "0..1"}],
    "folds": [{"count": 1, "width": "0.01..0.1", "tilt": 45}],
    "gaussian-noise": [{"mean": 0.5, "sigma": 0.3, "clip": True}, {"alike": True}],
    "one-of": [
        {"choices": ["gaussian-noise(sigma=0.1..0.3)", "blur(sigma=1..2) | speckle"]},
        {
            "choices": ["speckle", "chain(parts=[one-of(choices=[poisson-noise])])"],
            "weights": [1, 3],
        },
    ],
    "hair": [{"count": "0..3", "length": 0.8, "width": "0.01..0.05"}],
    "jpeg": [{"quality": "20..95", "subsampling": "4:4:4"}],
    "motion-blur": [{"length": "0..7", "angle": "-90..90"}],
    "scratches": [{"count": "0..3", "width": "0.01..0.1", "length": 0.5, "tilt": 90}],
    "masking": [{"count": 2, "size": "0.1..0.6", "value": "-0.5..1.5"}],
}
"""Settings beyond the defaults and beyond ranges for everything, where they take another way through the code."""

RANGES = ("0.2..0.6", "1..3", "5..50")
WIDER = {"jpeg": ("5..50",)}
"""Ranges for kinds of which so few values would look alike."""


@cache
def ranged(kind: type[Degradation]) -> dict[str, Range]:
    """A range for every setting of a kind that can be one, found by asking."""
    found = {}
    for name in kind.model_fields:
        for text in WIDER.get(kind.kind, RANGES):
            try:
                made = kind(**{name: text})
            except BadSpec:
                continue
            if isinstance(getattr(made, name), Range):
                found[name] = getattr(made, name)
                break
    return found


MEMBERS = list(
    {
        str(part): part
        for kind in FAMILY
        for part in (
            kind(),
            kind(**ranged(kind)),
            *(kind(**settings) for settings in EXAMPLES.get(kind.kind, [])),
        )
    }.values()
)
each_kind = pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.kind)
each_member = pytest.mark.parametrize("part", MEMBERS, ids=str)
SHAPES = [(3, 1, 8, 8), (2, 3, 7, 5), (2, 1, 1, 1), (1, 3, 1, 9), (2, 1, 28, 28)]


def some_images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def is_random(part: Degradation) -> bool:
    """Whether two draws differ on an image with something in it."""
    image = some_images(1, 1, 16, 16)
    return not torch.equal(
        part.draw(generator(1), 1).apply(image), part.draw(generator(2), 1).apply(image)
    )


# ------------------------------------------------------------------------------------------------- how it is written


@each_kind
def test_a_kind_explains_itself(kind):
    assert kind.__doc__
    assert ">>>" in kind.__doc__, f"{kind.kind}: show in its docstring how it is used"
    silent = [name for name, field in kind.model_fields.items() if not field.description]
    assert not silent, f"{kind.kind}: write a sentence with a unit under {', '.join(silent)}"


@each_member
def test_text_and_dictionary_give_the_part_back(part):
    assert Degradation.of(str(part)) == part
    assert Degradation.of(json.loads(json.dumps(part.to_dict()))) == part


# ------------------------------------------------------------------------------------------------- what comes out


@each_member
def test_shape_and_type_are_kept_and_the_input_is_left_alone(part):
    for shape in SHAPES:
        clean = some_images(*shape)
        before = clean.clone()
        for degraded in (
            part.draw(generator(0), len(clean)).apply(clean),
            part.degrade(clean, generator(0)),
        ):
            assert (degraded.shape, degraded.dtype) == (shape, torch.float32)
            assert degraded.isfinite().all(), shape
            assert torch.equal(clean, before), shape


@each_kind
def test_zero_strength_changes_nothing(kind):
    assert kind.kind in HARMLESS, (
        f"say in HARMLESS with which settings {kind.kind!r} changes nothing"
    )
    settings, tolerance = HARMLESS[kind.kind]
    low, high = NARROWER.get(kind.kind, (-0.1, 1.1))
    part, clean = kind(**settings), some_images(3, 3, 9, 7) * (high - low) + low
    for degraded in (part.draw(generator(0), 3).apply(clean), part.degrade(clean, generator(0))):
        assert torch.allclose(degraded, clean, rtol=0, atol=tolerance)


@each_kind
def test_the_default_strength_changes_something(kind):
    if issubclass(kind, Composite):
        pytest.skip("made of nothing by default")
    clean = some_images(1, 1, 128, 128)
    assert not torch.allclose(kind().draw(generator(0), 1).apply(clean), clean, atol=1e-3)


# ------------------------------------------------------------------------------------------------- drawing


@each_member
def test_the_same_generator_draws_the_same(part):
    assert part.draw(generator(7), 5) == part.draw(generator(7), 5)
    clean = some_images(5, 1, 6, 6)
    assert torch.equal(part.degrade(clean, generator(7)), part.degrade(clean, generator(7)))
    draw = part.draw(generator(7), 5)
    assert torch.equal(draw.apply(clean), draw.apply(clean)), "applying a draw must be pure"


@each_member
def test_another_generator_draws_another(part):
    if part in (Chain(), OneOf()):
        pytest.skip("made of nothing")
    assert part.draw(generator(1), 5) != part.draw(generator(2), 5)


@each_member
def test_equal_images_of_one_batch_are_harmed_each_in_its_own_way(part):
    if not is_random(part):
        pytest.skip("its settings leave nothing to chance")
    clean = some_images(1, 1, 40, 40).repeat(4, 1, 1, 1)
    for degraded in (part.draw(generator(3), 4).apply(clean), part.degrade(clean, generator(3))):
        assert len({one.numpy().tobytes() for one in degraded}) == 4


@each_kind
@given(seed=st.integers(0, 10_000), ends=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_what_is_drawn_lies_within_its_range(kind, seed, ends):
    low_share, high_share = sorted(ends)
    settings: dict[str, Range] = {}
    for name, widest in ranged(kind).items():
        low, high = (
            widest.low + share * (widest.high - widest.low) for share in (low_share, high_share)
        )
        whole = isinstance(kind.model_fields[name].default, int)
        settings[name] = (
            Range(low=round(low), high=round(high)) if whole else Range(low=low, high=high)
        )
    draw = kind(**settings).draw(generator(seed), 50)
    for name, limits in settings.items():
        values = draw.amounts[name]
        room = 1e-6 * max(abs(limits.low), abs(limits.high))  # drawn in float32
        assert limits.low - room <= min(values) <= max(values) <= limits.high + room
        if isinstance(kind.model_fields[name].default, int):
            assert all(value.is_integer() for value in values), f"{name} is a number of things"


@each_kind
def test_a_range_is_drawn_from_uniformly_once_per_image(kind):
    settings = ranged(kind)
    draw = kind(**settings).draw(generator(0), 4000)
    for name, limits in settings.items():
        values = torch.tensor(draw.amounts[name], dtype=torch.float64)
        assert len(values) == 4000
        whole = isinstance(kind.model_fields[name].default, int)
        if whole:
            counts = torch.bincount(values.long(), minlength=int(limits.high) + 1)[
                int(limits.low) :
            ]
            expected = 4000 / len(counts)
            assert (counts - expected).abs().max() < 5 * expected**0.5, (
                "both ends belong to the range"
            )
        else:
            width = limits.high - limits.low
            assert values.mean().item() == pytest.approx(
                (limits.low + limits.high) / 2, abs=5 * width * (1 / 12 / 4000) ** 0.5
            )
            assert values.var().item() == pytest.approx(width**2 / 12, rel=0.1)


@each_kind
def test_a_number_is_drawn_as_itself(kind):
    draw = kind().draw(generator(0), 3)
    for name in ranged(kind):
        assert draw.amounts[name] == pytest.approx([getattr(kind(), name)] * 3)


def test_amounts_and_seeds_of_one_image_are_drawn_independently():
    draw = Masking(size="0..1", value="0..1").draw(generator(0), 4000)
    size, value = (torch.tensor(draw.amounts[name]) for name in ("size", "value"))
    assert torch.corrcoef(torch.stack([size, value]))[0, 1].abs() < 5 / 4000**0.5
    assert len(set(draw.seeds)) == 4000


# ------------------------------------------------------------------------------------------------- exact mode


@each_member
def test_a_batch_is_its_images_one_by_one(part):
    clean = some_images(5, 3, 9, 7)
    draw = part.draw(generator(11), 5)
    together = draw.apply(clean)
    for place in range(5):
        alone = draw.between(place, place + 1).apply(clean[place : place + 1])
        assert torch.equal(alone[0], together[place]), (
            f"image {place} depends on what else is in the batch"
        )


@each_member
@hypothesis.settings(max_examples=6)  # of each of 64 members
@given(data=st.data())
def test_any_part_of_a_draw_is_that_part_of_the_whole(part, data):
    count = data.draw(st.integers(1, 6))
    start = data.draw(st.integers(0, count - 1))
    stop = data.draw(st.integers(start + 1, count))
    channels, height, width = (
        data.draw(st.sampled_from((1, 3))),
        data.draw(st.integers(1, 6)),
        data.draw(st.integers(1, 6)),
    )
    clean, draw = some_images(count, channels, height, width), part.draw(generator(2), count)
    piece = draw.between(start, stop)
    assert len(piece) == stop - start
    assert torch.equal(piece.apply(clean[start:stop]), draw.apply(clean)[start:stop])
    assert draw.between(0, count) == draw


@each_member
def test_a_draw_is_numbers_that_are_saved_and_replayed(part):
    draw, clean = part.draw(generator(4), 3), some_images(3, 1, 8, 9)
    saved = draw.model_dump_json()
    again = Draw.model_validate_json(saved)
    assert again == draw
    assert torch.equal(again.apply(clean), draw.apply(clean))
    assert Draw.model_validate(json.loads(saved)) == draw


@each_member
def test_a_draw_knows_for_how_many_it_was_made(part):
    draw = part.draw(generator(0), 4)
    assert len(draw) == 4
    with pytest.raises(ShapeMismatch, match="drawn for 4 images, got 3"):
        draw.apply(some_images(3, 1, 4, 4))


# ------------------------------------------------------------------------------------------------- training mode


@each_member
def test_both_modes_follow_the_same_law(part):
    count = 200
    clean = some_images(1, 1, 12, 12, seed=5).repeat(count, 1, 1, 1)
    by_draw = part.draw(generator(8), count).apply(clean) - clean
    by_degrade = part.degrade(clean, generator(9)) - clean
    for name, statistic in {
        "mean": lambda harm: harm.mean((1, 2, 3)),
        "mean square": lambda harm: harm.square().mean((1, 2, 3)),
        "product with the image": lambda harm: (harm * (clean - clean.mean())).mean((1, 2, 3)),
        "product of neighbours": lambda harm: (harm[..., 1:] * harm[..., :-1]).mean((1, 2, 3)),
    }.items():
        exact, quick = statistic(by_draw).double(), statistic(by_degrade).double()
        error = ((exact.var() + quick.var()) / count).sqrt().item()
        # five standard errors of the difference of two means; float32's rounding where nothing is drawn
        assert quick.mean().item() == pytest.approx(exact.mean().item(), abs=5 * error + 1e-6), (
            f"the {name} differs between the modes"
        )
        # the same for the spread: 0.35 of it were the statistic normal, more where rare things are far out
        error = (spread_error(exact).square() + spread_error(quick).square()).sqrt().item()
        assert quick.std().item() == pytest.approx(
            exact.std().item(), rel=0.35, abs=5 * error + 1e-6
        ), f"the spread of the {name} differs"


def spread_error(values: torch.Tensor) -> torch.Tensor:
    """The standard error of a standard deviation, by the fourth moment."""
    off = (values - values.mean()).square()
    return (off.var() / (4 * off.mean().clamp(min=1e-30) * len(values))).sqrt()


@each_member
def test_nothing_touches_the_global_generator(part):
    before = torch.get_rng_state()
    clean = some_images(2, 1, 6, 6)
    part.draw(generator(0), 2).apply(clean)
    part.degrade(clean, generator(0))
    assert torch.equal(torch.get_rng_state(), before)


# ------------------------------------------------------------------------------------------------- chains


def test_a_chain_is_its_links_one_after_the_other():
    chain = Degradation.of(
        "blur(sigma=1..2) | gaussian-noise(sigma=0.1..0.2) | masking(count=1..3)"
    )
    clean, draw = some_images(4, 1, 10, 10), chain.draw(generator(0), 4)
    assert [part.degradation.kind for part in draw.parts] == ["blur", "gaussian-noise", "masking"]
    step_by_step = clean
    for part in draw.parts:
        step_by_step = part.apply(step_by_step)
    assert torch.equal(draw.apply(clean), step_by_step)


def test_the_order_of_a_chain_matters():
    clean = torch.full((1, 1, 32, 32), 0.5)
    noise_last = (
        Chain(parts=(Blur(sigma=2), GaussianNoise(sigma=0.2))).draw(generator(0), 1).apply(clean)
    )
    blur_last = (
        Chain(parts=(GaussianNoise(sigma=0.2), Blur(sigma=2))).draw(generator(0), 1).apply(clean)
    )
    assert noise_last.std() > 3 * blur_last.std()


def test_links_of_one_kind_are_drawn_apart():
    noise = GaussianNoise(sigma=0.1)
    twice = Chain(parts=(noise, noise)).draw(generator(0), 1).apply(torch.zeros(1, 1, 100, 100))
    assert twice.std().item() == pytest.approx(
        0.1 * 2**0.5, rel=0.05
    )  # 0.2, were both the same field
    quick = Chain(parts=(noise, noise)).degrade(torch.zeros(1, 1, 100, 100), generator(0))
    assert quick.std().item() == pytest.approx(0.1 * 2**0.5, rel=0.05)


def test_chains_of_chains_can_be_cut_and_saved():
    inner = Chain(parts=(SaltAndPepper(amount="0.1..0.9"), Chain(parts=(Chain(), Blur()))))
    draw = Chain(parts=(inner, GaussianNoise())).draw(generator(0), 6)
    clean = some_images(6, 1, 5, 5)
    assert len(draw) == 6
    assert torch.equal(
        Draw.model_validate_json(draw.between(2, 5).model_dump_json()).apply(clean[2:5]),
        draw.apply(clean)[2:5],
    )


def test_a_composite_has_no_change_of_its_own():
    with pytest.raises(TypeError, match="call draw or degrade"):
        Chain(parts=(Blur(),)).change(some_images(1, 1, 4, 4), {}, None)


# ------------------------------------------------------------------------------------------------- one of several


@pytest.mark.parametrize("way", ["draw", "degrade"])
def test_each_image_gets_one_of_the_choices_as_often_as_its_weight_says(way):
    def shift(by: float) -> GaussianNoise:
        return GaussianNoise(mean=by, sigma=0)

    part = OneOf(choices=(shift(1), shift(2), Chain(parts=(shift(1), shift(3)))), weights=(1, 2, 5))
    clean = torch.zeros(4000, 1, 1, 1)
    degraded = (
        part.draw(generator(0), 4000).apply(clean)
        if way == "draw"
        else part.degrade(clean, generator(0))
    )
    assert not clean.any(), "the clean images are left as they are"
    shares = [(degraded == value).float().mean().item() for value in (1, 2, 4)]
    assert shares == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=0.03)


def test_weights_are_one_per_choice():
    with pytest.raises(BadSpec, match="got 1 weights for 2 choices"):
        Degradation.of("one-of(choices=[blur,jpeg],weights=[1])")


def test_noise_that_is_alike_is_the_same_in_all_channels():
    for draw in (True, False):
        part, clean = GaussianNoise(sigma=0.1, alike=True), torch.zeros(2, 3, 64, 64)
        noisy = (
            part.draw(generator(0), 2).apply(clean) if draw else part.degrade(clean, generator(0))
        )
        assert torch.equal(noisy[:, :1].expand(-1, 3, -1, -1), noisy)
        assert noisy.std().item() == pytest.approx(0.1, rel=0.05)
