"""Every loss: what training relies on, and each against its formula written anew."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorae.errors import BadSpec
from restorae.losses import BCE, L1, MSE, Charbonnier, Loss
from restorae.parts import kinds

FAMILY = sorted((part for part in kinds(Loss) if part.__module__.startswith("restorae.")), key=lambda part: part.kind)
MEMBERS = [part() for part in FAMILY] + [Charbonnier(epsilon=0.1)]

each_kind = pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.kind)
each_member = pytest.mark.parametrize("loss", MEMBERS, ids=str)


def pair(*shape: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Two batches with values well inside [0, 1]."""
    source = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=source) * 0.9 + 0.05, torch.rand(shape, generator=source) * 0.9 + 0.05


@each_kind
def test_a_kind_explains_itself(kind):
    assert kind.__doc__
    assert ">>>" in kind.__doc__, f"{kind.kind}: show in its docstring how it is used"
    silent = [name for name, field in kind.model_fields.items() if not field.description]
    assert not silent, f"{kind.kind}: write a sentence under {', '.join(silent)}"


@each_member
def test_text_and_dictionary_give_the_loss_back(loss):
    assert Loss.of(str(loss)) == loss
    assert Loss.of(loss.to_dict()) == loss


@each_member
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 1, 7, 5), (3, 3, 4, 4)], ids=str)
def test_it_is_a_finite_scalar_and_leaves_its_inputs_alone(loss, shape):
    restored, clean = pair(*shape)
    before = restored.clone(), clean.clone()
    value = loss.between(restored, clean)
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert torch.equal(restored, before[0])
    assert torch.equal(clean, before[1])


@each_member
def test_it_is_the_mean_over_the_batch(loss):
    restored, clean = pair(6, 3, 5, 4)
    alone = [loss.between(one[None], truth[None]).item() for one, truth in zip(restored, clean, strict=True)]
    assert loss.between(restored, clean).item() == pytest.approx(sum(alone) / 6, rel=1e-5)


@each_member
@given(st.integers(0, 1000), st.floats(0.05, 0.95))
def test_it_falls_on_the_way_to_the_clean_picture(loss, seed, share):
    restored, clean = pair(2, 1, 4, 4, seed=seed)
    nearer = restored + share * (clean - restored)
    best = loss.between(clean, clean)
    assert best < loss.between(nearer, clean) < loss.between(restored, clean)


@each_member
@pytest.mark.parametrize("outside", [-3.0, -0.2, 1.3, 40.0])
def test_a_step_down_the_gradient_leads_back_from_outside(loss, outside):
    restored = torch.full((1, 1, 3, 3), outside, requires_grad=True)
    clean = torch.full((1, 1, 3, 3), 0.5)
    (gradient,) = torch.autograd.grad(loss.between(restored, clean), restored)
    assert gradient.isfinite().all()
    assert (gradient * (outside - 0.5) > 0).all(), "no gradient leads back towards the clean picture"


@each_member
@pytest.mark.parametrize("where", ["at the clean picture", "all black", "all white"])
def test_gradients_are_finite_where_networks_start_and_end(loss, where):
    clean = torch.tensor([0.0, 1.0, 0.5, 0.0]).reshape(1, 1, 2, 2)
    restored = {"at the clean picture": clean.clone(), "all black": clean * 0, "all white": clean * 0 + 1}[where].requires_grad_(True)
    (gradient,) = torch.autograd.grad(loss.between(restored, clean), restored)
    assert gradient.isfinite().all()


@each_member
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_network_that_diverged_gives_a_loss_that_says_so(loss, bad):
    # the training loop ends with a sentence when the loss is not finite; a loss that raises would end it with a traceback
    restored, clean = pair(1, 1, 2, 2)
    restored[0, 0, 0, 0] = bad
    assert not loss.between(restored, clean).isfinite()


# ------------------------------------------------------------------------------------------------- formulas

FORMULAS = {
    MSE(): lambda x, y: np.mean((x - y) ** 2),
    L1(): lambda x, y: np.mean(np.abs(x - y)),
    Charbonnier(): lambda x, y: np.mean(np.sqrt((x - y) ** 2 + 1e-6)),
    Charbonnier(epsilon=0.5): lambda x, y: np.mean(np.sqrt((x - y) ** 2 + 0.25)),
    BCE(): lambda x, y: -np.mean(y * np.log(x) + (1 - y) * np.log(1 - x)),
}


@pytest.mark.parametrize(("loss", "formula"), FORMULAS.items(), ids=map(str, FORMULAS))
@given(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6), st.integers(0, 1000))
def test_the_value_is_the_formulas(loss, formula, count, height, width, seed):
    restored, clean = pair(count, 1, height, width, seed=seed)
    assert loss.between(restored, clean).item() == pytest.approx(formula(restored.double().numpy(), clean.double().numpy()), rel=1e-4)


def test_every_kind_is_held_against_its_formula():
    untested = {part.kind for part in FAMILY} - {loss.kind for loss in FORMULAS}
    assert not untested, f"write the formula of {', '.join(sorted(untested))} into FORMULAS"


def test_bce_is_cut_where_the_logarithm_would_be_infinite():
    black, white = torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1)
    assert BCE().between(black, white).item() == pytest.approx(-math.log(0.001), rel=1e-4)
    assert BCE().between(white, black).item() == pytest.approx(-math.log(0.001), rel=1e-3)
    assert BCE().between(torch.full_like(white, 7.0), white).item() == pytest.approx(-math.log(0.999), rel=1e-2)


def test_charbonnier_lies_between_square_and_absolute():
    restored, clean = pair(2, 1, 8, 8)
    assert Charbonnier(epsilon=1e-6).between(restored, clean).item() == pytest.approx(L1().between(restored, clean).item(), rel=1e-4)
    wide = 100.0
    square = MSE().between(restored, clean).item() / (2 * wide)
    assert Charbonnier(epsilon=wide).between(restored.double(), clean.double()).item() - wide == pytest.approx(square, rel=1e-3)


@pytest.mark.parametrize("epsilon", [0, -1, math.nan])
def test_charbonniers_epsilon_is_a_length(epsilon):
    with pytest.raises(BadSpec, match="epsilon"):
        Charbonnier(epsilon=epsilon)
