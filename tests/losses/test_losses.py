"""Every loss: what training relies on, and each against its formula written anew."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorae.errors import BadSpec
from restorae.evaluating import Tally
from restorae.losses import BCE, L1, MSE, PSNR, Batch, Charbonnier, Loss, NegativeELBO, PixelLoss
from restorae.networks import (
    Conv,
    ConvVAE,
    Dense,
    FilmUNet,
    LatentUNet,
    Network,
    UNet,
    pad_to_multiple,
)
from restorae.parts import kinds

FAMILY = sorted(
    (part for part in kinds(Loss) if part.__module__.startswith("restorae.")),
    key=lambda part: part.kind,
)
MEMBERS = [part() for part in FAMILY] + [
    Charbonnier(epsilon=0.1),
    NegativeELBO(beta=4, kl_warmup=10, free_bits=0.5),
    NegativeELBO(importance_samples=3),
]
PIXEL_LOSSES = [loss for loss in MEMBERS if isinstance(loss, PixelLoss)]
NETWORKS = [
    Conv(features=2),
    Dense(height=5, width=7, hidden=(6,)),
    UNet(widths=(2, 3)),
    ConvVAE(height=5, width=7, features=2, hidden=4),
    LatentUNet(widths=(2, 3), latent_dim=1),
    FilmUNet(body=UNet(widths=(2, 3), residual=True)),
]

each_kind = pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.kind)
each_member = pytest.mark.parametrize("loss", MEMBERS, ids=str)
each_pixel_loss = pytest.mark.parametrize("loss", PIXEL_LOSSES, ids=str)
each_network = pytest.mark.parametrize("network", NETWORKS, ids=str)


def pair(*shape: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Two batches with values well inside [0, 1]."""
    source = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=source) * 0.9 + 0.05, torch.rand(
        shape, generator=source
    ) * 0.9 + 0.05


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


# ------------------------------------------------------------------------------------------------- every loss, on a batch


def batch(network: Network, count: int = 4, step: int = 0, seed: int = 3) -> Batch:
    """One step of a training of that network, five by seven pixels, its weights always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        module = network.build()
    degraded, clean = pair(count, 1, 5, 7)
    if network.neighbours:
        degraded, clean = degraded.repeat(1, network.channels, 1, 1), clean.repeat(1, 2, 1, 1)
    return Batch(
        network=network,
        module=module,
        degraded=degraded,
        clean=clean,
        step=step,
        generator=torch.Generator().manual_seed(seed),
    )


def fits(loss: Loss, network: Network) -> bool:
    try:
        loss.check(network)
    except BadSpec:
        return False
    return True


FITTING = [(loss, network) for loss in MEMBERS for network in NETWORKS if fits(loss, network)]
REFUSED = [(loss, network) for loss in MEMBERS for network in NETWORKS if not fits(loss, network)]
each_fitting = pytest.mark.parametrize(("loss", "network"), FITTING, ids=str)


@pytest.mark.parametrize(("loss", "network"), REFUSED, ids=str)
def test_a_network_that_a_loss_cannot_be_measured_on_is_refused_with_both_names(loss, network):
    with pytest.raises(BadSpec, match=rf"(?s)(?=.*\b{loss.kind}\b)(?=.*\b{network.kind}\b)"):
        loss.check(network)


@each_fitting
def test_a_batch_is_measured_and_left_alone(loss, network):
    step = batch(network)
    before = step.degraded.clone(), step.clean.clone()
    measured = loss.measure(step)
    assert all(figure.shape == () and figure.isfinite() for figure in measured.values())
    assert all(figure.requires_grad == (name == "loss") for name, figure in measured.items()), (
        "only the loss itself is learned from"
    )
    measured["loss"].backward()
    gradients = [weights.grad for weights in step.module.parameters() if weights.grad is not None]
    assert any(gradient.any() for gradient in gradients)
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert torch.equal(step.degraded, before[0])
    assert torch.equal(step.clean, before[1])


@each_fitting
def test_the_same_step_is_measured_the_same(loss, network):
    before = torch.get_rng_state()
    first, again = (loss.measure(batch(network)) for _ in range(2))
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert torch.equal(torch.get_rng_state(), before), "chance comes from the step's own generator"


def test_every_loss_has_a_network_and_every_network_a_loss():
    assert {id(loss) for loss, _ in FITTING} == {id(loss) for loss in MEMBERS}
    assert {id(network) for _, network in FITTING} == {id(network) for network in NETWORKS}


@each_network
@each_pixel_loss
def test_a_pixel_loss_compares_what_the_network_restores_with_the_clean_image(loss, network):
    step = batch(network)
    measured = loss.measure(step)
    restored = step.module(pad_to_multiple(step.degraded, network.multiple_of))[..., :5, :7]
    assert measured.keys() == {"loss"}
    assert measured["loss"].item() == pytest.approx(
        loss.between(restored, step.clean).item(), rel=1e-5
    )


# ------------------------------------------------------------------------------------------------- every loss that compares pixels


@each_pixel_loss
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


@each_pixel_loss
def test_it_is_the_mean_over_the_batch(loss):
    restored, clean = pair(6, 3, 5, 4)
    alone = [
        loss.between(one[None], truth[None]).item()
        for one, truth in zip(restored, clean, strict=True)
    ]
    assert loss.between(restored, clean).item() == pytest.approx(sum(alone) / 6, rel=1e-5)


@each_pixel_loss
@given(st.integers(0, 1000), st.floats(0.05, 0.95))
def test_it_falls_on_the_way_to_the_clean_image(loss, seed, share):
    restored, clean = pair(2, 1, 4, 4, seed=seed)
    nearer = restored + share * (clean - restored)
    best = loss.between(clean, clean)
    assert best < loss.between(nearer, clean) < loss.between(restored, clean)


@each_pixel_loss
@pytest.mark.parametrize("outside", [-3.0, -0.2, 1.3, 40.0])
def test_a_step_down_the_gradient_leads_back_from_outside(loss, outside):
    restored = torch.full((1, 1, 3, 3), outside, requires_grad=True)
    clean = torch.full((1, 1, 3, 3), 0.5)
    (gradient,) = torch.autograd.grad(loss.between(restored, clean), restored)
    assert gradient.isfinite().all()
    assert (gradient * (outside - 0.5) > 0).all(), "no gradient leads back towards the clean image"


@each_pixel_loss
@pytest.mark.parametrize("where", ["at the clean image", "all black", "all white"])
def test_gradients_are_finite_where_networks_start_and_end(loss, where):
    clean = torch.tensor([0.0, 1.0, 0.5, 0.0]).reshape(1, 1, 2, 2)
    restored = {
        "at the clean image": clean.clone(),
        "all black": clean * 0,
        "all white": clean * 0 + 1,
    }[where].requires_grad_(True)
    (gradient,) = torch.autograd.grad(loss.between(restored, clean), restored)
    assert gradient.isfinite().all()


@each_pixel_loss
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
    PSNR(): lambda x, y: np.mean(10 * np.log10(np.mean((x - y) ** 2, axis=(1, 2, 3)) + 1e-6)),
    BCE(): lambda x, y: -np.mean(y * np.log(x) + (1 - y) * np.log(1 - x)),
}


@pytest.mark.parametrize(("loss", "formula"), FORMULAS.items(), ids=map(str, FORMULAS))
@given(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6), st.integers(0, 1000))
def test_the_value_is_the_formulas(loss, formula, count, height, width, seed):
    restored, clean = pair(count, 1, height, width, seed=seed)
    assert loss.between(restored, clean).item() == pytest.approx(
        formula(restored.double().numpy(), clean.double().numpy()), rel=1e-4
    )


def test_every_kind_is_held_against_its_formula():
    untested = {part.kind for part in FAMILY if issubclass(part, PixelLoss)} - {
        loss.kind for loss in FORMULAS
    }
    assert not untested, f"write the formula of {', '.join(sorted(untested))} into FORMULAS"


def test_the_psnr_loss_is_the_psnr_that_evaluate_reports():
    restored, clean = pair(5, 3, 16, 16)
    tally = Tally()
    tally.add(restored, clean)
    assert -PSNR(floor=1e-12).between(restored, clean).item() == pytest.approx(
        tally.scores().psnr, abs=1e-4
    )


def test_a_tenth_of_the_error_is_worth_the_same_in_every_image():
    _, clean = pair(2, 1, 8, 8)
    noise = 0.2 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    light, heavy = (
        torch.tensor([0.1, 1.0]).view(2, 1, 1, 1),
        torch.tensor([1.0, 1.0]).view(2, 1, 1, 1),
    )
    both = [
        PSNR(floor=1e-12).between(clean + noise * share * light, clean).item()
        for share in (1.0, 0.1)
    ]
    alone = [
        PSNR(floor=1e-12).between(clean + noise * share * heavy, clean).item()
        for share in (1.0, 0.1)
    ]
    assert both[0] - both[1] == pytest.approx(20, abs=1e-3)
    assert alone[0] - alone[1] == pytest.approx(20, abs=1e-3)
    # and the slope at the lightly damaged image is the steeper by as much as it is nearer
    restored = (clean + noise * light).requires_grad_(True)
    (gradient,) = torch.autograd.grad(PSNR(floor=1e-12).between(restored, clean), restored)
    steepness = gradient.flatten(1).norm(dim=1) * (noise * light).flatten(1).norm(dim=1)
    assert steepness[0].item() == pytest.approx(steepness[1].item(), rel=1e-4)


def test_an_image_that_is_right_already_asks_for_nothing_beside_one_that_is_not():
    restored, clean = pair(2, 1, 6, 6)
    restored[0] = clean[0]
    restored.requires_grad_(True)
    (gradient,) = torch.autograd.grad(PSNR().between(restored, clean), restored)
    (alone,) = torch.autograd.grad(PSNR().between(restored[1:], clean[1:]), restored)
    assert not gradient[0].any()
    assert torch.allclose(gradient[1], alone[1] / 2), "half the mean of two"


def test_bce_is_cut_where_the_logarithm_would_be_infinite():
    black, white = torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1)
    assert BCE().between(black, white).item() == pytest.approx(-math.log(0.001), rel=1e-4)
    assert BCE().between(white, black).item() == pytest.approx(-math.log(0.001), rel=1e-3)
    assert BCE().between(torch.full_like(white, 7.0), white).item() == pytest.approx(
        -math.log(0.999), rel=1e-2
    )


def test_charbonnier_lies_between_square_and_absolute():
    restored, clean = pair(2, 1, 8, 8)
    assert Charbonnier(epsilon=1e-6).between(restored, clean).item() == pytest.approx(
        L1().between(restored, clean).item(), rel=1e-4
    )
    wide = 100.0
    square = MSE().between(restored, clean).item() / (2 * wide)
    assert Charbonnier(epsilon=wide).between(
        restored.double(), clean.double()
    ).item() - wide == pytest.approx(square, rel=1e-3)


@pytest.mark.parametrize("epsilon", [0, -1, math.nan])
def test_charbonniers_epsilon_is_a_length(epsilon):
    with pytest.raises(BadSpec, match="epsilon"):
        Charbonnier(epsilon=epsilon)
