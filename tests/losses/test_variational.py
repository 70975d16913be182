"""The variational bound, computed anew from PyTorch's distributions, and against a model that can be solved on paper."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from restorae.errors import BadSpec
from restorae.losses import Batch, NegativeELBO
from restorae.networks import (
    Conv,
    ConvVAE,
    LatentNetwork,
    LatentUNet,
    ResidualVAE,
    UNet,
    pad_to_multiple,
)
from tests.linear_vae import LinearVAE

NETWORKS = {
    "conv-vae": ConvVAE(height=8, width=8, features=3, hidden=5, latent_dim=3),
    "conv-vae of an odd size": ConvVAE(height=5, width=7, features=3, hidden=5),
    "conv-vae, colour, gaussian": ConvVAE(
        height=5, width=6, features=3, hidden=5, channels=3, likelihood="gaussian", sigma=0.2
    ),
    "residual-vae": ResidualVAE(height=9, width=4, features=3, latent_dim=4),
    "latent-unet": LatentUNet(widths=(3, 4), latent_dim=2),
    "latent-unet, bernoulli": LatentUNet(widths=(3, 4), latent_dim=1, likelihood="bernoulli"),
}
each_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


def built(network: LatentNetwork, seed: int = 0) -> nn.Module:
    """The network with random weights everywhere, as after training."""
    module = network.build().eval().requires_grad_(False)
    source = torch.Generator().manual_seed(seed)
    for weights in module.parameters():
        spread = (1 / weights[0].numel()) ** 0.5 if weights.dim() > 1 else 0.1
        weights.copy_(spread * torch.randn(weights.shape, generator=source))
    return module


def batch(network: LatentNetwork, count: int = 4, step: int = 0, seed: int = 7) -> Batch:
    height, width = getattr(network, "height", 5), getattr(network, "width", 7)
    source = torch.Generator().manual_seed(1)
    degraded, clean = (
        torch.rand(count, network.channels, height, width, generator=source) for _ in range(2)
    )
    return Batch(
        network=network,
        module=built(network),
        degraded=degraded,
        clean=clean,
        step=step,
        generator=torch.Generator().manual_seed(seed),
    )


def by_hand(step: Batch, samples: int = 1) -> Mapping[str, Tensor]:
    """For each draw and image its reconstruction, log-densities and divergence, in double precision."""
    network, module, (height, width) = step.network, step.module, step.clean.shape[-2:]
    assert isinstance(network, LatentNetwork)
    degraded, clean = (
        pad_to_multiple(images, network.multiple_of) for images in (step.degraded, step.clean)
    )
    if isinstance(network, LatentUNet):
        fine, coarse, expected = module.see(degraded)
        believed = module.recognise(degraded, clean)
        prior_mean, prior_std = expected.mean.double(), torch.exp(expected.log_var.double() / 2)
    else:
        believed = module.encode(degraded)
        prior_mean, prior_std = (
            torch.zeros(believed.mean.shape).double(),
            torch.ones(believed.mean.shape).double(),
        )
    sides = believed.mean.dim() - 1
    posterior = Independent(
        Normal(believed.mean.double(), torch.exp(believed.log_var.double() / 2)), sides
    )
    prior = Independent(Normal(prior_mean, prior_std), sides)
    noise = torch.randn(
        samples * len(clean), *believed.mean.shape[1:], generator=torch.Generator().manual_seed(7)
    ).double()
    rows: dict[str, list[Tensor]] = {"likelihood": [], "prior": [], "posterior": []}
    for part in noise.split(len(clean)):
        latents = posterior.mean + posterior.stddev * part
        decoded = (
            module.decode(fine, coarse, latents.float())
            if isinstance(network, LatentUNet)
            else module.decode(latents.float())
        )
        decoded = decoded[..., :height, :width].double()
        if network.likelihood == "bernoulli":
            law = Independent(Bernoulli(logits=decoded, validate_args=False), 3)
        else:
            law = Independent(Normal(decoded, network.sigma), 3)
        rows["likelihood"].append(law.log_prob(step.clean.double()))
        rows["prior"].append(prior.log_prob(latents))
        rows["posterior"].append(posterior.log_prob(latents))
    by_dimension = kl_divergence(posterior.base_dist, prior.base_dist)
    return {name: torch.stack(each) for name, each in rows.items()} | {"kl": by_dimension}


# ------------------------------------------------------------------------------------------------- the bound


@each_network
def test_the_bound_is_summed_over_pixels_and_latents_and_averaged_over_the_batch(network):
    step = batch(network)
    expected, measured = by_hand(step), NegativeELBO().measure(step)
    reconstruction, kl = -expected["likelihood"].sum() / 4, expected["kl"].sum() / 4
    assert measured["reconstruction"].item() == pytest.approx(reconstruction.item(), rel=1e-4)
    assert measured["kl"].item() == pytest.approx(kl.item(), rel=1e-4)
    assert measured["loss"].item() == pytest.approx((reconstruction + kl).item(), rel=1e-4)


@each_network
@pytest.mark.parametrize("beta", [0.0, 0.5, 4.0])
def test_beta_weighs_the_divergence_and_leaves_what_is_reported_alone(network, beta):
    plain, weighed = (NegativeELBO(beta=weight).measure(batch(network)) for weight in (1, beta))
    assert torch.equal(weighed["reconstruction"], plain["reconstruction"])
    assert torch.equal(weighed["kl"], plain["kl"])
    assert weighed["loss"].item() == pytest.approx(
        (plain["reconstruction"] + beta * plain["kl"]).item(), rel=1e-6
    )


@pytest.mark.parametrize(
    ("step", "share"), [(0, 0.1), (4, 0.5), (9, 1.0), (10, 1.0), (10_000, 1.0)]
)
def test_a_warm_up_raises_the_weight_step_by_step(step, share):
    network = NETWORKS["conv-vae"]
    plain = NegativeELBO().measure(batch(network))
    warming = NegativeELBO(kl_warmup=10, beta=2).measure(batch(network, step=step))
    assert warming["loss"].item() == pytest.approx(
        (plain["reconstruction"] + share * 2 * plain["kl"]).item(), rel=1e-6
    )
    assert torch.equal(warming["kl"], plain["kl"])


@given(st.floats(0, 3))
def test_free_bits_are_free_for_each_dimension_on_the_mean_of_the_batch(free):
    network = NETWORKS["conv-vae"]
    expected, measured = (
        by_hand(batch(network)),
        NegativeELBO(free_bits=free).measure(batch(network)),
    )
    means = expected["kl"].mean(0)
    charged = sum(max(nats, free) for nats in means.tolist())
    assert measured["loss"].item() == pytest.approx(
        -expected["likelihood"].mean().item() + charged, rel=1e-4
    )
    assert measured["kl"].item() == pytest.approx(means.sum().item(), rel=1e-4)


def test_a_dimension_within_its_free_bits_is_not_pushed():
    network = NETWORKS["conv-vae"]
    shares = by_hand(batch(network))["kl"].mean(0)
    between = (shares.sort().values[0] + shares.sort().values[1]).item() / 2

    def push(free: float) -> Tensor:
        step = batch(network)
        step.module.encoder.z_log_var.bias.requires_grad_(True)
        (pushed,) = torch.autograd.grad(
            NegativeELBO(free_bits=free, beta=1000).measure(step)["loss"]
            - NegativeELBO(beta=0).measure(batch(network))["loss"],
            step.module.encoder.z_log_var.bias,
        )
        return pushed

    without, limited = push(0.0), push(between)
    cheapest = shares.argmin()
    kept = torch.arange(3) != cheapest
    assert torch.allclose(limited[kept], without[kept], rtol=1e-4)
    assert limited[cheapest].abs() < 0.05 * without[cheapest].abs(), (
        "only the reconstruction still pushes it"
    )


@pytest.mark.parametrize(
    ("height", "width", "channels"), [(5, 7, 1), (1, 1, 3), (6, 6, 1), (8, 4, 3)]
)
def test_only_real_pixels_count(height, width, channels):
    network = ConvVAE(height=height, width=width, channels=channels, features=3, hidden=5)
    step = batch(network)
    for weights in step.module.decoder.output.parameters():
        weights.zero_()  # every logit is 0, so that every pixel costs ln 2 whatever it is
    assert NegativeELBO().measure(step)["reconstruction"].item() == pytest.approx(
        channels * height * width * math.log(2), rel=1e-5
    )


def test_what_the_decoder_paints_beyond_the_image_costs_nothing():
    network = LinearVAE(height=3, width=5)
    step = batch(network)
    law = Independent(Normal(step.module.decode(step.module.explain(
        pad_to_multiple(step.degraded, (4, 4)), step.clean, torch.Generator().manual_seed(7)
    ).latents)[..., :3, :5], network.sigma), 3)  # fmt: skip
    assert NegativeELBO().measure(step)["reconstruction"].item() == pytest.approx(
        -law.log_prob(step.clean).mean().item(), rel=1e-4
    )


def test_the_clean_image_is_explained_from_the_degraded_one():
    network = NETWORKS["conv-vae"]
    step = batch(network)
    alone = Batch(
        network=network,
        module=step.module,
        degraded=step.clean,
        clean=step.clean,
        step=0,
        generator=torch.Generator().manual_seed(7),
    )
    both, one = NegativeELBO().measure(step), NegativeELBO().measure(alone)
    assert both["kl"] != one["kl"]
    assert one["loss"].item() == pytest.approx(
        (-by_hand(alone)["likelihood"].mean() + by_hand(alone)["kl"].sum() / 4).item(), rel=1e-4
    )


# ------------------------------------------------------------------------------------------------- importance weights


@each_network
@pytest.mark.parametrize("samples", [2, 5])
def test_the_importance_weighted_bound_is_the_log_of_the_mean_weight(network, samples):
    step = batch(network)
    expected, measured = (
        by_hand(step, samples),
        NegativeELBO(importance_samples=samples).measure(step),
    )
    weights = expected["likelihood"] + expected["prior"] - expected["posterior"]  # (samples, batch)
    bound = torch.log(torch.exp(weights - weights.amax(0)).mean(0)) + weights.amax(0)
    assert measured["loss"].item() == pytest.approx(-bound.mean().item(), rel=1e-4)
    assert measured["reconstruction"].item() == pytest.approx(
        -expected["likelihood"].mean().item(), rel=1e-4
    )
    assert measured["kl"].item() == pytest.approx(
        expected["kl"].flatten(1).sum(1).mean().item(), rel=1e-4
    )


def solved(count: int = 2000, stretch: float = 2.0) -> tuple[Batch, float]:
    """Images from the law of a linear model whose posterior is too wide, and their mean log-likelihood on paper."""
    network = LinearVAE(stretch=stretch)
    module = network.build()
    with torch.random.fork_rng():
        torch.manual_seed(
            100
        )  # not the seed of the latents: they must know nothing of the images' noise
        flat = module.distribution().sample((count,))
    images = flat.view(count, 1, 3, 5)
    exact = module.distribution().log_prob(flat).mean().item()
    return Batch(
        network=network,
        module=module,
        degraded=images,
        clean=images,
        step=0,
        generator=torch.Generator().manual_seed(0),
    ), exact


def measured_bound(samples: int, stretch: float = 2.0) -> float:
    return (
        -NegativeELBO(importance_samples=samples).measure(solved(stretch=stretch)[0])["loss"].item()
    )


def test_on_a_model_solved_on_paper_the_bound_is_the_log_likelihood_less_the_posteriors_error():
    _, exact = solved()
    # KL of N(m, 4 v) from the true posterior N(m, v), for each of two dimensions
    error = 2 * 0.5 * (2.0**2 - 1 - 2 * math.log(2.0))
    assert measured_bound(1) == pytest.approx(exact - error, abs=0.2)


def test_more_importance_samples_come_closer_and_never_pass():
    exact = solved()[1]
    bounds = [measured_bound(samples) for samples in (1, 2, 5, 20, 100)]
    assert bounds == sorted(bounds)
    assert bounds[0] < exact - 1
    assert exact - 0.05 < bounds[-1] < exact + 0.02


@pytest.mark.parametrize("samples", [1, 2, 30])
def test_with_the_true_posterior_every_bound_is_the_log_likelihood(samples):
    assert measured_bound(samples, stretch=1.0) == pytest.approx(
        solved(stretch=1.0)[1], abs=0.1 if samples == 1 else 1e-3
    )


# ------------------------------------------------------------------------------------------------- requests


@pytest.mark.parametrize("network", [Conv(), UNet()], ids=str)
def test_a_network_without_latent_is_refused_with_what_to_do(network):
    with pytest.raises(
        BadSpec,
        match=f"negative-elbo needs a network with a latent, such as conv-vae; {network.kind} has none",
    ):
        NegativeELBO().check(network)


@each_network
def test_a_network_with_a_latent_is_taken(network):
    NegativeELBO().check(network)


@pytest.mark.parametrize(
    "settings",
    [
        {"beta": -1},
        {"beta": -1e-9},
        {"beta": math.nan},
        {"kl_warmup": -1},
        {"free_bits": -0.1},
        {"importance_samples": 0},
    ],
    ids=str,
)
def test_settings_that_make_no_bound_are_refused(settings):
    with pytest.raises(BadSpec, match=next(iter(settings))):
        NegativeELBO(**settings)


@pytest.mark.parametrize("settings", [{"beta": 2}, {"kl_warmup": 5}, {"free_bits": 0.1}], ids=str)
def test_importance_weights_leave_no_divergence_to_weigh(settings):
    with pytest.raises(BadSpec, match="importance-weighted bound has no separate KL term"):
        NegativeELBO(importance_samples=5, **settings)


def test_the_bound_sets_no_limit_to_its_gradient_unasked():
    assert NegativeELBO.gradient_limit == 0
