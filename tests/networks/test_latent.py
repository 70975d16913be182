"""Networks with a latent: the lesson's layers and numbers, any size, likelihoods, and what an explanation holds."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent, Normal
from torch.nn import functional

from restorae.networks import (
    VAE,
    ConvVAE,
    LatentNetwork,
    LatentUNet,
    ResidualVAE,
    pad_to_multiple,
    send_through,
)
from restorae.networks.summary import layer_table

SMALL = {
    "conv-vae": ConvVAE(height=7, width=10, features=3, hidden=5, latent_dim=3),
    "conv-vae, colour": ConvVAE(height=8, width=4, features=3, hidden=5, channels=3),
    "conv-vae, gaussian": ConvVAE(height=6, width=6, features=3, hidden=5, likelihood="gaussian"),
    "residual-vae": ResidualVAE(height=7, width=10, features=3, latent_dim=4, fine_blocks=1),
    "latent-unet": LatentUNet(widths=(3, 4), latent_dim=2),
    "latent-unet, colour": LatentUNet(widths=(3, 4), channels=3, likelihood="bernoulli"),
}
VAES = {name: network for name, network in SMALL.items() if isinstance(network, VAE)}
each_network = pytest.mark.parametrize("network", SMALL.values(), ids=SMALL)
each_vae = pytest.mark.parametrize("network", VAES.values(), ids=VAES)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def built(network: LatentNetwork, seed: int = 0, scale: float = 1.0) -> nn.Module:
    """The network with random weights everywhere, as after training."""
    module = network.build().eval().requires_grad_(False)
    source = rng(seed)
    for weights in module.parameters():
        spread = (2 / weights[0].numel()) ** 0.5 if weights.dim() > 1 else 0.1
        weights.copy_(scale * spread * torch.randn(weights.shape, generator=source))
    return module


def some_images(network: LatentNetwork, count: int = 3, seed: int = 1) -> Tensor:
    """Images as its module takes them, padded where that is needed."""
    height, width = (network.height, network.width) if isinstance(network, VAE) else (8, 12)
    images = torch.rand(count, network.channels, height, width, generator=rng(seed))
    return pad_to_multiple(images, network.multiple_of)


# ------------------------------------------------------------------------------------------------- the lesson's network


def numbers(module: nn.Module) -> int:
    return sum(weights.numel() for weights in module.parameters())


def test_conv_vae_has_the_lessons_parameters():
    module = ConvVAE(latent_dim=2).build()
    assert (numbers(module.encoder), numbers(module.decoder)) == (69_076, 65_089)
    assert numbers(module) == 69_076 + 65_089


def test_conv_vae_has_the_lessons_layers():
    rows = [
        (row.layer, row.shape, row.parameters)
        for row in layer_table(ConvVAE().build(), 1, (28, 28))
    ]
    assert rows == [
        ("Conv2d", (32, 14, 14), 3 * 3 * 1 * 32 + 32),
        ("Conv2d", (64, 7, 7), 3 * 3 * 32 * 64 + 64),
        ("Linear", (16,), 7 * 7 * 64 * 16 + 16),
        ("Linear", (2,), 16 * 2 + 2),
        ("Linear", (2,), 16 * 2 + 2),
        ("Linear", (7 * 7 * 64,), 2 * 7 * 7 * 64 + 7 * 7 * 64),
        ("ConvTranspose2d", (64, 14, 14), 3 * 3 * 64 * 64 + 64),
        ("ConvTranspose2d", (32, 28, 28), 3 * 3 * 64 * 32 + 32),
        ("ConvTranspose2d", (1, 28, 28), 3 * 3 * 32 * 1 + 1),
    ]


@given(st.integers(1, 64), st.sampled_from([1, 3]))
def test_conv_vae_has_the_parameters_that_its_latent_and_channels_ask_for(latent_dim, channels):
    module = ConvVAE(latent_dim=latent_dim, channels=channels).build()
    assert (
        numbers(module.encoder)
        == (9 * channels * 32 + 32)
        + (9 * 32 * 64 + 64)
        + (3136 * 16 + 16)
        + 2 * (16 + 1) * latent_dim
    )
    assert (
        numbers(module.decoder)
        == (latent_dim + 1) * 3136
        + (9 * 64 * 64 + 64)
        + (9 * 64 * 32 + 32)
        + 9 * 32 * channels
        + channels
    )


class InChannelsLast(nn.Module):
    """(batch, channels, height, width) to a vector in the order height, width, channels, or back."""

    def __init__(self, back_to: tuple[int, int, int] | None = None) -> None:
        super().__init__()
        self.back_to = back_to

    def forward(self, values: Tensor) -> Tensor:
        if self.back_to is None:
            return values.permute(0, 2, 3, 1).reshape(len(values), -1)
        channels, height, width = self.back_to
        return values.reshape(-1, height, width, channels).permute(0, 3, 1, 2)


def test_conv_vae_is_the_lessons_network():
    """Layer by layer as the lesson lists them, ReLU after each but the heads and the last, flattened as Keras flattens."""
    module, images = built(ConvVAE()), torch.rand(3, 1, 28, 28, generator=rng())
    encoder, decoder = module.encoder, module.decoder
    body = nn.Sequential(
        encoder.conv1,
        nn.ReLU(),
        encoder.conv2,
        nn.ReLU(),
        InChannelsLast(),
        encoder.dense,
        nn.ReLU(),
    )
    halves = nn.Sequential(
        decoder.dense, nn.ReLU(), InChannelsLast((64, 7, 7)), decoder.up1, nn.ReLU(), decoder.up2, nn.ReLU(), decoder.output
    )  # fmt: skip
    posterior = module.encode(images)
    assert torch.allclose(posterior.mean, encoder.z_mean(body(images)), atol=1e-5)
    assert torch.allclose(posterior.log_var, encoder.z_log_var(body(images)), atol=1e-5)
    assert torch.allclose(module.decode(posterior.mean), halves(posterior.mean), atol=1e-5)
    assert torch.allclose(module(images), torch.sigmoid(halves(posterior.mean)), atol=1e-5)
    assert all(
        layer.stride == (2, 2) for layer in (encoder.conv1, encoder.conv2, decoder.up1, decoder.up2)
    )
    assert decoder.output.stride == (1, 1)


# ------------------------------------------------------------------------------------------------- any size, any latent


@given(
    st.sampled_from([ConvVAE, ResidualVAE]),
    st.integers(1, 33),
    st.integers(1, 33),
    st.sampled_from([1, 3]),
    st.integers(1, 20),
    st.sampled_from(["bernoulli", "gaussian"]),
)
def test_any_size_any_latent_grey_or_colour(kind, height, width, channels, latent_dim, likelihood):
    network = kind(
        channels=channels,
        height=height,
        width=width,
        features=2,
        latent_dim=latent_dim,
        likelihood=likelihood,
    )
    module = built(network)
    images = torch.rand(2, channels, height, width, generator=rng())
    padded = pad_to_multiple(images, network.multiple_of)
    posterior = module.encode(padded)
    assert posterior.mean.shape == posterior.log_var.shape == (2, latent_dim)
    outputs = module.decode(posterior.mean)
    assert outputs.shape == padded.shape
    restored = send_through(module, images, network.multiple_of)
    assert restored.shape == images.shape
    assert restored.isfinite().all()
    if likelihood == "bernoulli":
        assert 0 <= restored.min() <= restored.max() <= 1


@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 3]), st.integers(1, 6))
def test_a_restorer_with_a_map_of_latents_takes_any_size(height, width, channels, latent_dim):
    network = LatentUNet(widths=(2, 3), channels=channels, latent_dim=latent_dim)
    module, images = built(network), torch.rand(2, channels, height, width, generator=rng())
    assert send_through(module, images, network.multiple_of).shape == images.shape
    padded = pad_to_multiple(images, network.multiple_of)
    explained = module.explain(padded, padded, rng())
    coarse = (2, latent_dim, -(-height // 4), -(-width // 4))
    assert (
        explained.latents.shape
        == explained.posterior.mean.shape
        == explained.prior.mean.shape
        == coarse
    )
    assert module.draw(padded, rng()).shape == padded.shape


@each_network
def test_no_weights_however_wild_make_infinite_variances(network):
    images = some_images(network)
    explained = built(network, scale=8.0).explain(images, images, rng())
    for gaussian in (explained.posterior, explained.prior):
        if gaussian is not None:
            assert gaussian.log_var.abs().max() <= 20.1
            assert gaussian.std.isfinite().all()
    assert explained.posterior.kl(explained.prior).isfinite().all()


# ------------------------------------------------------------------------------------------------- likelihoods


@given(
    st.integers(1, 3),
    st.sampled_from([1, 3]),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(0, 1000),
)
def test_the_bernoulli_likelihood_is_minus_the_cross_entropy(count, channels, height, width, seed):
    source = rng(seed)
    logits = 4 * torch.randn(count, channels, height, width, generator=source)
    images = torch.rand(count, channels, height, width, generator=source)
    found = ConvVAE().log_likelihood(logits, images)
    expected = functional.binary_cross_entropy(
        torch.sigmoid(logits.double()), images.double(), reduction="none"
    ).sum((1, 2, 3))
    assert found.shape == (count,)
    assert torch.allclose(found.double(), -expected, rtol=1e-5)
    black_and_white = images.round()
    law = Independent(Bernoulli(logits=logits), 3)
    assert torch.allclose(
        ConvVAE().log_likelihood(logits, black_and_white), law.log_prob(black_and_white), rtol=1e-5
    )


@given(
    st.integers(1, 3),
    st.integers(1, 6),
    st.integers(1, 6),
    st.floats(0.01, 3),
    st.integers(0, 1000),
)
def test_the_gaussian_likelihood_is_pytorchs(count, height, width, sigma, seed):
    source = rng(seed)
    means, images = (torch.rand(count, 3, height, width, generator=source) for _ in range(2))
    network = LatentUNet(likelihood="gaussian", sigma=sigma)
    expected = Independent(Normal(means.double(), sigma), 3).log_prob(images.double())
    assert torch.allclose(
        network.log_likelihood(means, images).double(), expected, rtol=1e-4, atol=1e-3
    )


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_likelihoods_are_counted_in_float32_whatever_computed_the_outputs(likelihood):
    network, images = ConvVAE(likelihood=likelihood), torch.ones(1, 1, 40, 40)
    outputs = torch.full((1, 1, 40, 40), 0.3, dtype=torch.bfloat16)
    found = network.log_likelihood(outputs, images)
    assert found.dtype == torch.float32
    assert torch.equal(found, network.log_likelihood(outputs.float(), images)), (
        "the outputs are widened before anything is summed"
    )


@pytest.mark.parametrize("extreme", [-1e4, -200.0, 200.0, 1e4])
def test_certain_logits_stay_finite(extreme):
    logits = torch.full((1, 1, 2, 2), extreme)
    for image in (torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)):
        wrong = (image[0, 0, 0, 0].item() > 0.5) != (extreme > 0)
        assert ConvVAE().log_likelihood(logits, image).item() == pytest.approx(
            -4 * abs(extreme) if wrong else 0.0
        )


def test_images_are_the_mean_of_each_pixel():
    outputs = torch.tensor([[[[-3.0, 0.0, 5.0]]]])
    assert torch.allclose(ConvVAE().image(outputs), Bernoulli(logits=outputs).mean)
    assert torch.equal(ConvVAE(likelihood="gaussian").image(outputs), outputs)


# ------------------------------------------------------------------------------------------------- explanations and draws


@each_vae
def test_an_explanation_is_encode_draw_decode(network):
    module, images = built(network), some_images(network)
    other = some_images(network, seed=2)
    explained = module.explain(images, other, rng(5))
    posterior = module.encode(images)
    noise = torch.randn(3, network.latent_dim, generator=rng(5))
    assert torch.allclose(explained.posterior.mean, posterior.mean, atol=1e-6)
    assert torch.allclose(explained.posterior.log_var, posterior.log_var, atol=1e-6)
    assert torch.allclose(
        explained.latents, posterior.mean + torch.exp(posterior.log_var / 2) * noise, atol=1e-5
    )
    assert torch.allclose(explained.outputs, module.decode(explained.latents), atol=1e-5)
    assert explained.prior is None
    assert torch.allclose(module.draw(images, rng(5)), network.image(explained.outputs), atol=1e-5)


@each_network
@pytest.mark.parametrize("count", [2, 5])
def test_several_explanations_are_the_whole_batch_again_and_again(network, count):
    module, degraded, clean = built(network), some_images(network), some_images(network, seed=2)
    once, often = (
        module.explain(degraded, clean, rng(1)),
        module.explain(degraded, clean, rng(1), count),
    )
    batch = len(degraded)
    assert len(often.outputs) == len(often.latents) == len(often.posterior) == count * batch
    for name, gaussian, single in (
        ("posterior", often.posterior, once.posterior),
        ("prior", often.prior, once.prior),
    ):
        if gaussian is None:
            assert single is None
            continue
        for place in range(count):
            part = gaussian[place * batch : (place + 1) * batch]
            assert torch.allclose(part.mean, single.mean, atol=1e-5), name
            assert torch.allclose(part.log_var, single.log_var, atol=1e-5), name
    draws = often.latents.unflatten(0, (count, batch))
    assert all(not torch.equal(one, other) for one, other in itertools.pairwise(draws))
    if isinstance(network, VAE):
        assert torch.allclose(often.outputs, module.decode(often.latents), atol=1e-5)


@each_network
def test_draws_follow_their_generator_and_differ(network):
    module, degraded = built(network), some_images(network)
    first, again, other = (module.draw(degraded, rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert (first - other).abs().amax((1, 2, 3)).min() > 0, (
        "each image's restoration depends on the draw"
    )
    assert first.shape == degraded.shape


@each_network
def test_nothing_touches_the_global_generator(network):
    module, images = built(network), some_images(network)
    before = torch.get_rng_state()
    module.draw(images, rng())
    module.explain(images, images, rng(), 2)
    assert torch.equal(torch.get_rng_state(), before)


@each_network
def test_only_the_latent_is_random(network):
    """With a posterior and a prior of no width, every draw is the restoration at the mean."""
    module, images = built(network), some_images(network)
    with torch.no_grad():
        for name, layer in module.named_modules():
            if name.endswith("z_log_var"):
                layer.weight.zero_()
                layer.bias.fill_(-20.0)
            if name == "prior":
                layer.weight[network.latent_dim :] = 0
                layer.bias[network.latent_dim :] = -20.0
    assert torch.allclose(module.draw(images, rng(1)), module(images), atol=1e-3)


def test_a_latent_restorer_expects_from_the_degraded_and_recognises_from_both():
    network = LatentUNet(widths=(3, 4), latent_dim=2)
    module, degraded, clean, other = (
        built(network),
        *(some_images(network, seed=seed) for seed in (1, 2, 3)),
    )
    first, second = module.explain(degraded, clean, rng()), module.explain(degraded, other, rng())
    assert torch.equal(first.prior.mean, second.prior.mean), (
        "what is expected must not know the answer"
    )
    assert not torch.allclose(first.posterior.mean, second.posterior.mean)
    third = module.explain(other, clean, rng())
    assert not torch.allclose(first.prior.mean, third.prior.mean)
    assert not torch.allclose(first.posterior.mean, third.posterior.mean)


def test_a_fresh_latent_restorer_is_charged_nothing():
    network = LatentUNet()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        explained = network.build().explain(
            some_images(network), some_images(network, seed=2), rng()
        )
    assert explained.posterior.kl(explained.prior).abs().max() == 0
    assert explained.outputs.std() < 0.5, (
        "a wild start is expensive under a narrow Gaussian likelihood"
    )


@each_network
def test_gradients_of_the_bound_are_finite_from_fresh_weights(network):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = network.build()
    images = some_images(network)
    explained = module.explain(images, images, rng())
    (
        explained.posterior.kl(explained.prior) - network.log_likelihood(explained.outputs, images)
    ).mean().backward()
    assert all(
        weights.grad is None or weights.grad.isfinite().all() for weights in module.parameters()
    )


# ------------------------------------------------------------------------------------------------- what they say of themselves


def test_who_generates_says_so():
    assert ConvVAE().generates
    assert ResidualVAE().generates
    assert not LatentUNet().generates


@given(st.integers(1, 256), st.integers(1, 256))
def test_the_coarsest_features_cover_the_image(height, width):
    coarse = ConvVAE(height=height, width=width).coarse
    assert coarse == (math.ceil(height / 4), math.ceil(width / 4))
