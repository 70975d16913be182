"""Parts: names, texts and dictionaries that become settings, and what is said when they cannot."""

from __future__ import annotations

import gc
import math
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from restorae.degradations import Blur, Chain, Degradation, GaussianNoise, Masking, SaltAndPepper
from restorae.errors import BadSpec, UnknownKind
from restorae.losses import MSE, Loss, PixelLoss
from restorae.networks import Conv, Dense, Network, UNet
from restorae.parts import Part, kinds
from restorae.ranges import Range, RangeField, Within
from restorae.shapes import Images
from restorae.specs import parse_spec, split_outside_brackets, to_text

FINITE = st.floats(allow_nan=False, allow_infinity=False)


class Toy(Part, family="toy"):
    """A family for these tests."""


class Box(Toy, kind="box"):
    """A toy with settings of many types."""

    size: float = 1.0
    """Size."""
    sides: tuple[int, ...] = (1, 2)
    """Sides."""
    lid: bool = False
    """Lid."""
    colour: str = "red"
    """Colour."""
    inside: Toy | None = None
    """Another toy."""
    weight: Annotated[float | RangeField, Within(0.0, 10.0)] = 1.0
    """Weight."""


class Ball(Toy):
    """A toy whose kind follows from its name."""


# ---------------------------------------------------------------------------------------------------- reading a text


@pytest.mark.parametrize(
    ("text", "name", "settings"),
    [
        ("blur", "blur", {}),
        (" blur ( ) ", "blur", {}),
        ("blur(sigma=2)", "blur", {"sigma": 2}),
        ("blur( sigma = 2.5 )", "blur", {"sigma": 2.5}),
        ("a(x=1,y=-2.5e-3,z=true,w=False)", "a", {"x": 1, "y": -0.0025, "z": True, "w": False}),
        ("a(x=0.0..0.2)", "a", {"x": "0.0..0.2"}),
        ("a(x=[1,2,3],y=[])", "a", {"x": [1, 2, 3], "y": []}),
        ("a(x=[[1,2],[3]])", "a", {"x": [[1, 2], [3]]}),
        ("a(x=[b(y=1,z=[2,3]),c])", "a", {"x": ["b(y=1,z=[2,3])", "c"]}),
        ("a(x=b(y=c(z=1),w=2),v=3)", "a", {"x": "b(y=c(z=1),w=2)", "v": 3}),
        ("a(batch-size=4)", "a", {"batch_size": 4}),
        ("a(x='word')", "a", {"x": "word"}),
    ],
)
def test_a_text_is_a_name_with_settings(text, name, settings):
    assert parse_spec(text) == (name, settings)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cannot be read"),
        ("blur(sigma=1", "cannot be read"),
        ("(sigma=1)", "cannot be read"),
        ("2blur", "cannot be read"),
        ("blur sigma=1", "cannot be read"),
        ("blur(sigma)", "settings as name=value"),
        ("blur(=1)", "settings as name=value"),
        ("blur(sigma=)", "settings as name=value"),
        ("blur(sigma=1,)", "settings as name=value"),
        ("blur(sigma=1,sigma=2)", "'sigma' appears twice"),
        ("blur(batch-size=1,batch_size=1)", "'batch_size' appears twice"),
    ],
)
def test_a_text_of_another_form_is_refused_and_quoted(text, told):
    with pytest.raises(BadSpec, match=told) as caught:
        parse_spec(text)
    assert repr(text) in str(caught.value)


@given(st.text(alphabet="ab(),=[]|. 1", max_size=12))
def test_any_text_is_read_or_refused(text):
    try:
        name, settings = parse_spec(text)
    except BadSpec:
        return
    assert name
    assert all(key for key in settings)


@given(st.lists(st.text(alphabet="ab=1. ", min_size=1, max_size=5), min_size=1, max_size=4))
def test_splitting_undoes_joining(pieces):
    joined = ",".join(f"f({piece},{piece})" for piece in pieces)
    assert split_outside_brackets(joined, ",") == [f"f({piece},{piece})" for piece in pieces]


@given(
    st.recursive(
        st.booleans() | st.integers() | FINITE | st.text("abc-", min_size=1, max_size=4),
        lambda inner: st.lists(inner),
    )
)
def test_a_value_written_as_text_is_read_back_without_loss(value):
    (read,) = parse_spec(f"a(x={to_text(value)})")[1].values()
    assert read == value


# --------------------------------------------------------------------------------------------- from whatever was given


def test_a_part_is_made_from_text_dictionary_class_or_itself():
    expected = GaussianNoise(mean=0.5, sigma=Range(low=0.0, high=0.2))
    assert Degradation.of("gaussian-noise(mean=0.5,sigma=0.0..0.2)") == expected
    assert Degradation.of({"kind": "gaussian-noise", "mean": 0.5, "sigma": "0.0..0.2"}) == expected
    assert Degradation.of(expected) is expected
    assert Degradation.of(GaussianNoise) == GaussianNoise()


@pytest.mark.parametrize("value", [3, None, 2.5, ["blur"], MSE(), MSE, object])
def test_what_is_no_part_of_the_family_is_refused(value):
    with pytest.raises(BadSpec, match="is not a degradation"):
        Degradation.of(value)


@pytest.mark.parametrize(
    ("family", "name", "offered"),
    [
        (Degradation, "gausian-noise", "gaussian-noise"),
        (Network, "cnv", "conv"),
        (Network, "u-nett", "unet"),
        (Degradation, "nois", "gaussian-noise"),
        (Loss, "charbonier", "charbonnier"),
    ],
)
def test_a_misspelt_kind_is_answered_with_the_nearest(family, name, offered):
    with pytest.raises(UnknownKind, match=f"Did you mean '{offered}'"):
        family.of(name)
    with pytest.raises(UnknownKind, match=f"Did you mean '{offered}'"):
        family.of({"kind": name})


@pytest.mark.parametrize(
    ("family", "text", "meant"),
    [
        (Loss, "MSE", "mse"),
        (Loss, "mae", "l1"),
        (Loss, "binary_crossentropy", "bce"),
        (Degradation, "noise(sigma=0.3)", "gaussian-noise(sigma=0.3)"),
        (Degradation, "GaussianNoise | blur", "gaussian-noise | blur"),
        (Network, "U-Net", "unet"),
    ],
)
def test_names_from_other_libraries_are_understood(family, text, meant):
    assert str(family.of(text)) == meant


def test_a_value_without_a_name_is_answered_with_the_settings():
    with pytest.raises(BadSpec, match=r"gaussian-noise has the settings mean, sigma"):
        Degradation.of("gaussian-noise(0.3)")


def test_a_kind_unlike_any_other_is_answered_with_all():
    with pytest.raises(UnknownKind) as caught:
        Loss.of("zzzzzz")
    assert all(part.kind in str(caught.value) for part in kinds(Loss))
    assert "Did you mean" not in str(caught.value)


def test_a_dictionary_without_kind_is_refused():
    with pytest.raises(BadSpec, match="needs a 'kind'"):
        Network.of({"features": 3})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gaussian-noise(sgma=1)", "gaussian-noise has no setting 'sgma'. Did you mean 'sigma'"),
        ("gaussian-noise(sigma=0.2..0.1)", r"reversed. Write 0.1\.\.0.2"),
        ("gaussian-noise(sigma=nan)", "sigma=nan cannot be used: nan is not a finite number"),
        ("gaussian-noise(sigma=inf)", "not a finite number"),
        ("gaussian-noise(sigma=0..inf)", "not a finite number"),
        ("gaussian-noise(sigma=nan..1)", "not a finite number"),
        ("gaussian-noise(sigma=a..b)", "not a range. Write two numbers as low..high"),
        ("gaussian-noise(sigma=-0.1)", "-0.1 is below 0"),
        ("salt-and-pepper(amount=0.5..1.5)", "1.5 is outside 0 to 1"),
        ("salt-and-pepper(amount=-0.5..0.5)", "-0.5 is outside 0 to 1"),
        ("blur(sigma=wide)", "sigma='wide' cannot be used"),
        ("masking(count=1.5)", "count=1.5 cannot be used"),
        ("gaussian-noise(clip=maybe)", "clip='maybe' cannot be used"),
        ("blur(sigma=1,sigma=1)", "appears twice"),
        ("blur | ", "cannot be read"),
        ("blur | no-such-thing", "There is no degradation 'no-such-thing'"),
        ("chain(parts=[blur,gausian-noise])", "Did you mean 'gaussian-noise'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_expected(text, told):
    with pytest.raises((BadSpec, UnknownKind), match=told):
        Degradation.of(text)


def test_every_wrong_setting_is_named_at_once():
    with pytest.raises(BadSpec) as caught:
        Box(size="big", sides=3, lidd=True)
    assert all(f"{name}" in str(caught.value) for name in ("size='big'", "sides=3", "'lidd'"))


def test_a_missing_setting_is_named():
    with pytest.raises(BadSpec, match="Range needs 'high'"):
        Range(low=1.0)


@pytest.mark.parametrize("low_high", ["0.5..2.5", "1..2.5"])
def test_a_range_of_whole_numbers_has_whole_ends(low_high):
    with pytest.raises(BadSpec, match="count"):
        Masking(count=low_high)


def test_settings_do_not_change():
    part = Blur()
    with pytest.raises(Exception, match="frozen"):
        part.sigma = 2.0


@given(FINITE, FINITE)
def test_a_range_reads_back_what_it_writes(one, other):
    low, high = sorted((one, other))
    noise = GaussianNoise(mean=Range(low=low, high=high))
    assert Degradation.of(str(noise)) == noise


def test_bounds_are_reported_in_the_schema():
    described = SaltAndPepper.model_json_schema()["properties"]["amount"]
    assert (described["minimum"], described["maximum"]) == (0, 1)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.001, 10.001])
def test_within_refuses_what_lies_outside(value):
    with pytest.raises(ValueError, match=r"outside|finite"):
        Within(0.0, 10.0).check(value)


# ------------------------------------------------------------------------------------------------------- as text again


@pytest.mark.parametrize(
    "part",
    [
        Box(),
        Ball(),
        Box(size=-1e-9, sides=(), lid=True, colour="dark-blue"),
        Box(inside=Box(sides=(3, 4), inside=Ball()), weight="0.25..1.5"),
    ],
    ids=str,
)
def test_text_and_dictionary_give_the_part_back(part):
    assert Toy.of(str(part)) == part
    assert Toy.of(part.to_dict()) == part


def test_only_settings_that_differ_are_written():
    assert str(Box(size=2.0)) == "box(size=2)"
    assert str(Box()) == "box"
    assert str(Ball()) == "ball"


@pytest.mark.parametrize(
    "chain",
    [
        Chain(),
        Chain(parts=(Blur(sigma=2.0),)),
        Chain(parts=(Blur(), GaussianNoise(sigma="0.1..0.2"))),
        Chain(parts=(Chain(parts=(Blur(), GaussianNoise())), Masking())),
        Chain(parts=(Chain(), Blur())),
    ],
    ids=lambda chain: repr(str(chain)),
)
def test_a_chain_gives_itself_back(chain):
    assert Degradation.of(chain.to_dict()) == chain
    assert Degradation.of(str(chain)) == chain


def test_a_chain_may_be_written_with_bars():
    assert Degradation.of("blur(sigma=2) | gaussian-noise|masking(count=1..3)") == Chain(
        parts=(Blur(sigma=2), GaussianNoise(), Masking(count="1..3"))
    )


# --------------------------------------------------------------------------------------------------- a user's own class


def own(kind: str, default: float) -> type[Degradation]:
    """What a notebook cell does each time it runs."""

    class Mine(Degradation, kind=kind):
        """A person's own."""

        strength: float = default
        """Strength."""

        def change(self, images: Images, amounts: object, rng: object) -> Images:
            return images * self.strength

    return Mine


def test_an_own_class_joins_by_being_defined():
    mine = own("own-joins", 0.5)
    assert Degradation.named("own-joins") is mine
    assert Degradation.of("own-joins(strength=0.25) | blur") == Chain(
        parts=(mine(strength=0.25), Blur())
    )


def test_a_cell_that_is_run_again_replaces_its_class():
    first = own("own-again", 0.5)
    second = own("own-again", 0.25)
    assert first is not second
    assert Degradation.named("own-again") is second
    assert Degradation.of("own-again").strength == 0.25
    assert [part.kind for part in kinds(Degradation)].count("own-again") == 1


def test_another_class_may_not_take_a_name_of_ours():
    with pytest.raises(
        BadSpec,
        match=r"has the kind 'blur', but that degradation exists already \(restorae.degradations.blur.Blur\)",
    ):
        own("blur", 1.0)
    assert Degradation.named("blur") is Blur
    gc.collect()
    assert Degradation.named("blur") is Blur


def test_families_do_not_share_names():
    class Blurry(PixelLoss, kind="blur"):
        """A loss may be called as a degradation is."""

        def between(self, restored, clean):
            return (restored - clean).abs().max()

    assert Loss.named("blur") is Blurry
    assert Degradation.named("blur") is Blur


def test_an_own_class_says_where_it_was_defined_and_ours_do_not():
    mine = own("own-home", 0.5)
    saved = mine(strength=2.0).to_dict()
    assert saved == {
        "kind": "own-home",
        "strength": 2.0,
        "defined_in": f"{__name__}:{mine.__qualname__}",
    }
    assert Degradation.of(saved) == mine(strength=2.0)
    assert "defined_in" not in Blur().to_dict()


def test_an_own_class_inside_a_chain_says_where_it_was_defined():
    mine = own("own-link", 0.5)
    assert Chain(parts=(mine(),)).to_dict()["parts"][0]["defined_in"].startswith(__name__)


def test_an_own_class_that_is_not_here_is_named_with_what_to_import():
    with pytest.raises(
        UnknownKind,
        match=r"defined in their_lab:Grain, which has not been imported.*import='their_lab.py'",
    ):
        Degradation.of({"kind": "grain", "defined_in": "their_lab:Grain", "strength": 2.0})


def test_an_abstract_class_is_no_kind():
    class Halfway(Degradation):
        """No `change` yet."""

    assert "halfway" not in {part.kind for part in kinds(Degradation)}
    with pytest.raises(UnknownKind):
        Degradation.of("halfway")


def test_kinds_finds_the_whole_family_from_any_member():
    assert (
        {part.kind for part in kinds(Conv)}
        == {part.kind for part in kinds(Network)}
        >= {"conv", "dense", "unet"}
    )
    assert {Conv, Dense, UNet} <= set(kinds(Network))


def test_a_setting_keeps_the_bounds_of_its_field():
    class Bounded(Toy, kind="bounded"):
        """Bounds by pydantic's Field."""

        count: int = Field(1, ge=1)
        """Count."""

    with pytest.raises(BadSpec, match="bounded: count=0 cannot be used"):
        Toy.of("bounded(count=0)")
