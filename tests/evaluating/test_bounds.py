"""The bound on images: against a model that can be solved on paper, and against PyTorch's distributions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Independent

from restorae.data import ArrayImages, ListedImages
from restorae.errors import ShapeMismatch, UsageError
from restorae.evaluating import LatentEvaluation, bounds, evaluate_latent
from restorae.evaluating.bounds import COLLAPSED, binarise
from restorae.model import Model, make_card
from restorae.networks import Conv, ConvVAE, LatentUNet, Network, ResidualVAE
from restorae.progress import Progress
from tests.linear_vae import LinearVAE, LinearVAEModule, linear_model


def drawn_from(model: Model, count: int, seed: int = 100) -> tuple[ArrayImages, np.ndarray]:
    """Images from the law of a linear model, and the exact log-likelihood of each."""
    module, network = model.module, model.network
    assert isinstance(module, LinearVAEModule)
    assert isinstance(network, LinearVAE)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        flat = module.distribution().sample((count,))
    return ArrayImages(
        flat.view(count, network.height, network.width).numpy()
    ), module.distribution().log_prob(flat).numpy()


def trained(network: Network, seed: int = 0) -> Model:
    """A model with random weights everywhere, as after training."""
    module = network.build().requires_grad_(False)
    source = torch.Generator().manual_seed(seed)
    for weights in module.parameters():
        spread = (1 / weights[0].numel()) ** 0.5 if weights.dim() > 1 else 0.1
        weights.copy_(torch.randn(weights.shape, generator=source) * spread)
    return Model(network, module, card=make_card(network, module))


def grey_images(
    count: int = 40, height: int = 7, width: int = 10, channels: int = 1, seed: int = 0
) -> ArrayImages:
    return ArrayImages(
        np.random.default_rng(seed).random((count, height, width, channels), dtype=np.float32)
    )


SMALL = ConvVAE(height=7, width=10, features=3, hidden=5, latent_dim=3)


# ------------------------------------------------------------------------------------------------- solved on paper


def test_with_the_true_posterior_the_estimate_is_the_log_likelihood_whatever_is_drawn():
    model = linear_model()
    images, exact = drawn_from(model, 50)
    for samples in (1, 3):
        found = evaluate_latent(model, images, importance_samples=samples, seed=samples)
        assert found.grey.log_likelihood == pytest.approx(exact.mean(), abs=1e-3)
        assert found.grey.importance_samples == samples
        assert found.grey.standard_error == pytest.approx(exact.std(ddof=1) / 50**0.5, rel=1e-3)


def test_with_a_posterior_that_is_too_wide_the_estimate_rises_to_the_log_likelihood():
    model = linear_model(stretch=3.0)
    images, exact = drawn_from(model, 200)
    found = [
        evaluate_latent(model, images, importance_samples=samples).grey for samples in (1, 10, 1000)
    ]
    estimates = [bound.log_likelihood for bound in found]
    assert estimates == sorted(estimates)
    assert estimates[0] < exact.mean() - 1
    assert estimates[-1] == pytest.approx(exact.mean(), abs=0.05)
    assert found[0].elbo == found[-1].elbo, (
        "how many importance samples there are does not change the bound"
    )


@pytest.mark.parametrize("stretch", [1.0, 1.5, 3.0])
def test_the_bound_is_the_log_likelihood_less_the_posteriors_error(stretch):
    model = linear_model(stretch=stretch)
    images, exact = drawn_from(model, 3000)
    found = evaluate_latent(model, images)
    error = (
        2 * 0.5 * (stretch**2 - 1 - 2 * math.log(stretch))
    )  # of two dimensions, N(m, stretch² v) from N(m, v)
    assert found.grey.elbo == pytest.approx(exact.mean() - error, abs=0.15 * stretch**2)
    assert found.grey.elbo == pytest.approx(-(found.grey.reconstruction + found.grey.kl))
    assert found.grey.log_likelihood is None
    assert found.grey.standard_error is None
    assert found.grey.importance_samples is None


def test_many_samples_are_counted_in_pieces_and_as_one(monkeypatch):
    model = linear_model(stretch=2.0)
    images, exact = drawn_from(model, 20)
    monkeypatch.setattr(bounds, "_DECODED_AT_ONCE", 7)
    decoded: list[int] = []
    decode = model.module.decode
    monkeypatch.setattr(
        model.module, "decode", lambda latents: decoded.append(len(latents)) or decode(latents)
    )
    found = evaluate_latent(model, images, importance_samples=400).grey
    assert found.log_likelihood == pytest.approx(exact.mean(), abs=0.2)
    assert sum(decoded) == 20 + 20 * 400
    assert max(decoded) <= 20


def test_the_order_of_the_images_and_their_batches_do_not_matter(monkeypatch):
    model = linear_model()
    images, _ = drawn_from(model, 60)
    whole = evaluate_latent(model, images, importance_samples=2)
    turned = evaluate_latent(model, images.subset(range(59, -1, -1)), importance_samples=2)
    monkeypatch.setattr(bounds, "_BATCH", 17)
    in_parts = evaluate_latent(model, images, importance_samples=2)
    for other in (turned, in_parts):
        assert other.grey.kl == pytest.approx(whole.grey.kl, rel=1e-5)
        assert other.grey.log_likelihood == pytest.approx(whole.grey.log_likelihood, abs=1e-3)
        assert other.grey.elbo == pytest.approx(whole.grey.elbo, abs=1.0), (
            "one latent is drawn for each, so that much is chance"
        )
        assert other.kl_by_dimension == pytest.approx(whole.kl_by_dimension, abs=1e-4)


# ------------------------------------------------------------------------------------------------- collapse


def test_dimensions_that_say_nothing_are_counted_out():
    model = linear_model(latent_dim=4, strengths=(0.5, 0.0, 0.3, 0.0))
    images, _ = drawn_from(model, 100)
    found = evaluate_latent(model, images)
    assert (found.latent_dim, found.active_units) == (4, 2)
    assert [nats > COLLAPSED for nats in found.kl_by_dimension] == [True, False, True, False]
    assert found.kl_by_dimension[1] == 0
    assert sum(found.kl_by_dimension) == pytest.approx(found.grey.kl, abs=1e-3)


def test_a_model_that_has_collapsed_altogether_has_no_active_unit():
    found = evaluate_latent(linear_model(strengths=()), grey_images(10, 3, 5))
    assert found.active_units == 0
    assert found.grey.kl == 0


def test_what_a_dimension_carries_is_half_the_logarithm_of_its_gain():
    """On average over images, of a linear model: ½ ln(1 + strength² / sigma²)."""
    model = linear_model()
    images, _ = drawn_from(model, 4000)
    expected = [0.5 * math.log(1 + (strength / 0.1) ** 2) for strength in (0.3, -0.2)]
    assert evaluate_latent(model, images).kl_by_dimension == pytest.approx(expected, abs=0.06)


# ------------------------------------------------------------------------------------------------- grey and binarised


def by_hand(
    model: Model, images: torch.Tensor, count: int, draws: int = 200
) -> tuple[float, float]:
    """Reconstruction and divergence in nats from PyTorch's distributions, the reconstruction over many draws."""
    network, module = model.network, model.module
    assert isinstance(network, ConvVAE)
    with torch.inference_mode():
        padded = nn.functional.pad(
            images, (0, -network.width % 4, 0, -network.height % 4), mode="reflect"
        )
        posterior = module.encode(padded)
        normal = torch.distributions.Normal(posterior.mean, torch.exp(posterior.log_var / 2))
        kl = (
            torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0))
            .sum()
            .item()
            / count
        )
        source, reconstruction = torch.Generator().manual_seed(5), 0.0
        for _ in range(draws):
            latents = normal.mean + normal.stddev * torch.randn(normal.mean.shape, generator=source)
            logits = module.decode(latents)[..., : network.height, : network.width]
            law = Independent(Bernoulli(logits=logits, validate_args=False), 3)
            reconstruction -= law.log_prob(images).sum().item() / count / draws
    return reconstruction, kl


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the processor would rather, in float32."""
    monkeypatch.setattr(bounds, "choose_precision", lambda _wanted, _device: "float32")


@pytest.mark.usefixtures("exact")
def test_grey_is_the_lessons_loss_and_binarised_that_of_images_drawn_black_or_white():
    model, images = trained(SMALL), grey_images(600)
    found = evaluate_latent(model, images, seed=3)
    grey = images.batch(range(600))
    reconstruction, kl = by_hand(model, grey, 600, draws=20)
    assert found.grey.kl == pytest.approx(kl, rel=1e-4)
    assert found.grey.reconstruction == pytest.approx(reconstruction, abs=0.5)
    assert found.binarised is not None
    reconstruction, kl = by_hand(
        model, torch.bernoulli(grey, generator=torch.Generator().manual_seed(9)), 600, draws=20
    )
    assert found.binarised.kl == pytest.approx(kl, rel=0.05)
    assert found.binarised.reconstruction == pytest.approx(reconstruction, abs=1.0)


@pytest.mark.usefixtures("exact")
def test_images_that_are_black_and_white_already_are_the_same_binarised():
    stored = (np.random.default_rng(0).random((30, 7, 10)) > 0.5).astype(np.float32)
    found = evaluate_latent(trained(SMALL), ArrayImages(stored), importance_samples=5)
    assert found.binarised is not None
    assert found.binarised.elbo == pytest.approx(found.grey.elbo, rel=1e-6)
    assert found.grey.log_likelihood is None, (
        "a cross-entropy against grey values is no probability"
    )
    assert found.binarised.log_likelihood is not None


@pytest.mark.parametrize("samples", [0, 4])
def test_the_figures_of_a_bernoulli_model_are_labelled(samples):
    found = evaluate_latent(trained(SMALL), grey_images(), importance_samples=samples)
    assert (found.count, found.likelihood, found.latent_dim) == (40, "bernoulli", 3)
    assert found.binarised is not None
    assert found.binarised.importance_samples == (samples or None)
    assert (found.binarised.log_likelihood is None) == (samples == 0)
    assert found.grey.importance_samples is None
    for bound in (found.grey, found.binarised):
        assert bound.elbo < 0
        assert bound.elbo == pytest.approx(-(bound.reconstruction + bound.kl))
    again = LatentEvaluation.model_validate_json(found.model_dump_json())
    assert again == found


def test_the_log_likelihood_of_many_samples_lies_above_the_bound():
    found = evaluate_latent(trained(SMALL), grey_images(), importance_samples=200)
    assert found.binarised is not None
    assert found.binarised.log_likelihood > found.binarised.elbo - 0.2
    assert found.binarised.standard_error > 0


def test_binarised_images_are_left_out_unasked_and_under_a_gaussian_likelihood():
    assert evaluate_latent(trained(SMALL), grey_images(), with_binarised=False).binarised is None
    gaussian = ConvVAE(height=7, width=10, features=3, hidden=5, likelihood="gaussian")
    found = evaluate_latent(trained(gaussian), grey_images(), importance_samples=3)
    assert found.binarised is None
    assert found.grey.log_likelihood is not None


@pytest.mark.parametrize("value", [0.0, 0.2, 0.9, 1.0, -0.5, 1.7])
def test_a_pixel_is_white_as_often_as_it_is_bright(value):
    drawn = binarise(torch.full((1, 1, 200, 200), value), torch.Generator().manual_seed(0))
    assert set(drawn.unique().tolist()) <= {0.0, 1.0}
    share = min(1.0, max(0.0, value))
    assert drawn.mean().item() == pytest.approx(
        share, abs=4 * (share * (1 - share) / 40_000) ** 0.5
    )


# ------------------------------------------------------------------------------------------------- repeated, told, refused


@pytest.mark.parametrize(
    "network", [SMALL, ResidualVAE(height=7, width=10, features=3, channels=3)], ids=str
)
def test_the_same_seed_gives_the_same_figures(network):
    model, images = trained(network), grey_images(channels=network.channels)

    def figures(seed: int) -> dict[str, object]:
        return evaluate_latent(model, images, importance_samples=3, seed=seed).model_dump(
            exclude={"seconds"}
        )

    before = torch.get_rng_state()
    assert figures(0) == figures(0)
    assert figures(0) != figures(1)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "network", [SMALL, LinearVAE(height=7, width=10)], ids=lambda network: network.likelihood
)
def test_progress_ends_where_it_said_it_would(network):
    told: list[int] = []

    class Counting(Progress):
        def begin(self, _task: str, total: int, _unit: str) -> None:
            self.total, self.done, self.ended = total, 0, False
            told.append(total)

        def advance(self, count: int, _figures: object = None) -> None:
            self.done += count

        def end(self) -> None:
            self.ended = True

    model = trained(network) if isinstance(network, ConvVAE) else linear_model(height=7, width=10)
    for samples in (0, 2):
        counting = Counting()
        evaluate_latent(model, grey_images(), importance_samples=samples, progress=counting)
        assert counting.done == counting.total
        assert counting.ended
    assert told == [80 if network.likelihood == "bernoulli" else 40] * 2


@pytest.mark.parametrize("network", [Conv(features=2), LatentUNet(widths=(2, 3))], ids=str)
def test_a_network_without_a_latent_vector_is_refused(network):
    with pytest.raises(
        UsageError, match=f"is not a variational auto-encoder: {network.kind} has no latent vector"
    ):
        evaluate_latent(trained(network), grey_images())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: grey_images(height=28, width=28), "7 × 10 .*got 28 × 28"),
        (lambda: grey_images(channels=3), r"1 channel, got 3"),
    ],
    ids=["size", "channels"],
)
def test_images_of_another_size_are_refused_before_any_work(wrong: Callable[[], ArrayImages], told):
    with pytest.raises(ShapeMismatch, match=told):
        evaluate_latent(trained(SMALL), wrong())


def test_fewer_than_no_samples_are_refused():
    with pytest.raises(UsageError, match="0 or more importance samples, got -1"):
        evaluate_latent(trained(SMALL), grey_images(), importance_samples=-1)


def test_one_image_has_no_standard_error():
    found = evaluate_latent(trained(SMALL), grey_images(1), importance_samples=2)
    assert found.binarised is not None
    assert found.binarised.standard_error is None
    assert found.binarised.log_likelihood is not None


def test_images_of_mixed_sizes_are_refused_in_words():
    mixed = ListedImages(
        [np.zeros((7, 10), np.uint8), np.zeros((9, 9), np.uint8)], ["fits.png", "other.png"]
    )
    with pytest.raises(ShapeMismatch, match=r"9 × 9|differ"):
        evaluate_latent(trained(SMALL), mixed)
