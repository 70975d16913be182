"""Models with a latent, put to use: encoding, decoding, sampling, and several restorations of one image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorae.errors import BadImage, ShapeMismatch, UsageError
from restorae.model import Model, inference, load, make_card
from restorae.networks import (
    VAE,
    Conv,
    ConvVAE,
    LatentUNet,
    Network,
    ResidualVAE,
    UNet,
    pad_to_multiple,
)
from tests.linear_vae import linear_model

GREY = ConvVAE(height=7, width=10, features=3, hidden=5, latent_dim=3)
COLOUR = ConvVAE(height=6, width=5, features=3, hidden=5, channels=3, likelihood="gaussian")
VAES = {
    "grey": GREY,
    "colour": COLOUR,
    "residual": ResidualVAE(height=9, width=8, features=3, latent_dim=5),
}
RESTORERS = {"conv-vae": GREY, "latent-unet": LatentUNet(widths=(3, 4), latent_dim=2)}
each_vae = pytest.mark.parametrize("network", VAES.values(), ids=VAES)
each_restorer = pytest.mark.parametrize("network", RESTORERS.values(), ids=RESTORERS)


def trained(network: Network, seed: int = 0, **facts: object) -> Model:
    """A model with random weights everywhere, as after training."""
    module = network.build().requires_grad_(False)
    source = torch.Generator().manual_seed(seed)
    for weights in module.parameters():
        spread = (2 / weights[0].numel()) ** 0.5 if weights.dim() > 1 else 0.1
        weights.copy_(torch.randn(weights.shape, generator=source) * spread)
    return Model(network, module, card=make_card(network, module, name="mine", **facts))


def some_images(
    network: VAE, count: int = 4, dtype: type = np.float32, seed: int = 0
) -> np.ndarray:
    """Images of the network's size as one array, as a person holds them."""
    colours = (3,) * (network.channels == 3)
    values = np.random.default_rng(seed).random((count, network.height, network.width, *colours))
    return (
        (values * np.iinfo(dtype).max).astype(dtype)
        if np.dtype(dtype).kind == "u"
        else values.astype(dtype)
    )


def as_tensor(stored: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(
        stored[:, None] if stored.ndim == 3 else np.ascontiguousarray(stored.transpose(0, 3, 1, 2))
    )


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the processor would rather, in float32, so that numbers can be compared."""
    monkeypatch.setattr(inference, "choose_precision", lambda _wanted, _device, **_: "float32")


# ------------------------------------------------------------------------------------------------- encoding


@each_vae
def test_encoding_is_the_modules_for_one_image_for_many_and_for_tensors(network):
    model, stored = trained(network), some_images(network)
    expected = model.module.encode(pad_to_multiple(as_tensor(stored), (4, 4)))
    for given_images, place in (
        (stored, slice(None)),
        (as_tensor(stored), slice(None)),
        (stored[1], slice(1, 2)),
    ):
        found = model.encode(given_images)
        assert torch.allclose(found.mean, expected.mean[place], atol=1e-5)
        assert torch.allclose(found.log_var, expected.log_var[place], atol=1e-5)
        assert found.mean.shape == (4 if place == slice(None) else 1, network.latent_dim)


def test_stored_values_are_encoded_by_their_full_range():
    model = trained(GREY)
    for dtype in (np.uint8, np.uint16):
        stored = some_images(GREY, dtype=dtype)
        working = (stored / np.iinfo(dtype).max).astype(np.float32)
        assert torch.allclose(model.encode(stored).mean, model.encode(working).mean, atol=1e-5)


@each_vae
def test_images_are_sent_through_a_few_at_a_time(network, monkeypatch):
    model, stored = trained(network), some_images(network, 7)
    latents = np.random.default_rng(0).normal(size=(7, network.latent_dim)).astype(np.float32)
    whole, decoded = model.encode(stored), model.decode(latents)
    monkeypatch.setattr(inference, "_PIXELS_AT_ONCE", 3 * network.height * network.width)
    monkeypatch.setattr(inference, "_DECODED_AT_ONCE", 3 * network.height * network.width)
    seen: list[int] = []
    for half in ("encode", "decode"):
        inner = getattr(model.module, half)
        monkeypatch.setattr(
            model.module,
            half,
            lambda entering, inner=inner: seen.append(len(entering)) or inner(entering),
        )
    in_parts = model.encode(stored)
    assert torch.allclose(in_parts.mean, whole.mean, atol=1e-5)
    assert torch.allclose(in_parts.log_var, whole.log_var, atol=1e-5)
    assert np.allclose(model.decode(latents), decoded, atol=1e-5)
    assert seen == [3, 3, 1] * 2


def test_what_is_encoded_may_take_part_in_training():
    model = trained(GREY)
    posterior = model.encode(some_images(GREY))
    assert not posterior.mean.is_inference()
    decoded = model.decode(posterior.mean)
    assert not decoded.is_inference()
    posterior.mean.requires_grad_(True)
    posterior.kl().sum().backward()
    assert torch.allclose(posterior.mean.grad, posterior.mean)


@each_vae
@pytest.mark.parametrize("size", [(28, 28), (5, 5), (10, 7)])
def test_an_image_of_another_size_is_refused_with_both_sizes(network, size):
    model = trained(network)
    wrong = np.zeros((2, *size, *(3,) * (network.channels == 3)), np.uint8)
    told = rf"{network.height} × {network.width} .*got {size[0]} × {size[1]}"
    for use in (model.encode, model.reconstruct, model.restore):
        with pytest.raises(ShapeMismatch, match=told):
            use(wrong)


def test_an_image_of_other_channels_is_refused():
    with pytest.raises(ShapeMismatch, match=r"1 channel, got 3"):
        trained(GREY).encode(np.zeros((2, 7, 10, 3), np.uint8))
    with pytest.raises(ShapeMismatch, match=r"3 channels, got 1"):
        trained(COLOUR).encode(np.zeros((2, 6, 5), np.uint8))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros(5, np.uint8),
        np.zeros((0, 7, 10), np.uint8),
        np.full((7, 10), np.nan),
        [1, 2],
        torch.zeros(0, 1, 7, 10),
    ],
    ids=lambda value: f"{type(value).__name__}{getattr(value, 'shape', '')}",
)
def test_what_cannot_be_images_is_not_encoded(wrong):
    with pytest.raises((ShapeMismatch, BadImage)):
        trained(GREY).encode(wrong)


# ------------------------------------------------------------------------------------------------- decoding and sampling


@each_vae
def test_decoding_gives_images_of_the_models_size(network):
    model = trained(network)
    latents = np.random.default_rng(0).normal(scale=3, size=(5, network.latent_dim))
    found = model.decode(latents)
    assert found.shape == some_images(network, 5).shape
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1
    as_floats = torch.from_numpy(latents).float()
    expected = network.image(model.module.decode(as_floats))[
        ..., : network.height, : network.width
    ].clamp(0, 1)
    assert torch.allclose(as_tensor(found), expected, atol=1e-5)
    tensor = model.decode(as_floats)
    assert tensor.shape == (5, network.channels, network.height, network.width)
    assert torch.allclose(tensor, expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(2,), (4, 2), (4, 4), (1, 4, 3)], ids=str)
def test_latents_of_another_shape_are_refused_with_what_is_expected(shape):
    for latents in (np.zeros(shape), torch.zeros(shape)):
        with pytest.raises(ShapeMismatch, match=r"shape \(count, 3\), got") as caught:
            trained(GREY).decode(latents)
        assert str(shape) in str(caught.value)


@each_vae
def test_no_latents_give_no_images(network):
    assert trained(network).decode(np.zeros((0, network.latent_dim))).shape == (
        0,
        *some_images(network).shape[1:],
    )


@each_vae
@given(count=st.integers(1, 20), fewer=st.integers(1, 20), seed=st.integers(0, 2**40))
def test_the_first_samples_do_not_depend_on_how_many_there_are(network, count, fewer, seed):
    model, fewer = trained(network), min(fewer, count)
    many = model.sample(count, seed)
    assert many.shape == some_images(network, count).shape
    assert many.dtype == np.float32
    assert np.allclose(model.sample(fewer, seed), many[:fewer], atol=1e-5)


def test_another_seed_samples_other_images_and_the_global_generator_rests():
    model, before = trained(GREY), torch.get_rng_state()
    assert np.array_equal(model.sample(4), model.sample(4, seed=0))
    assert not np.allclose(model.sample(4), model.sample(4, seed=1))
    assert torch.equal(torch.get_rng_state(), before)


def test_samples_follow_the_law_of_the_model():
    model = linear_model(strengths=(0.08, -0.05))
    sampled = model.sample(4000, seed=1).reshape(4000, -1)
    module = model.module
    mean, spread = module.bias.numpy(), np.abs(module.weight.sum(1).numpy())
    assert np.abs(sampled.mean(0) - mean).max() < 4 * 0.08 / 4000**0.5
    assert np.allclose(sampled.std(0), spread, rtol=0.06, atol=1e-4)
    assert abs(np.corrcoef(sampled[:, 0], sampled[:, 1])[0, 1]) < 4 / 4000**0.5


@pytest.mark.parametrize("count", [0, -3])
def test_fewer_than_one_sample_is_refused(count):
    with pytest.raises(UsageError, match=f"at least 1 image, got {count}"):
        trained(GREY).sample(count)


# ------------------------------------------------------------------------------------------------- reconstructions


@each_vae
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_reconstructing_is_decoding_the_encoded_mean(network, dtype):
    model, stored = trained(network, restores=False), some_images(network, dtype=dtype)
    found = model.reconstruct(stored)
    assert found.shape == stored.shape
    assert found.dtype == dtype
    outputs = model.module.decode(model.encode(stored).mean)[..., : network.height, : network.width]
    expected = network.image(outputs).numpy()
    largest = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    working = as_tensor(found.astype(np.float64) / largest).numpy()
    assert np.abs(working - (expected.clip(0, 1) if largest > 1 else expected)).max() < (
        1 / largest if largest > 1 else 1e-5
    )
    assert np.array_equal(model.reconstruct(stored[0]), found[0]) or largest == 1
    assert model.reconstruct(stored[0]).shape == stored[0].shape


def test_a_restorer_with_a_latent_vector_restores_as_it_reconstructs():
    model = trained(GREY)
    np.testing.assert_allclose(
        model.restore(some_images(GREY)), model.reconstruct(some_images(GREY)), rtol=0, atol=1e-6
    )


# ------------------------------------------------------------------------------------------------- several restorations


@each_restorer
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(7, 10), (7, 10, 1), (3, 7, 10), (3, 7, 10, 1)], ids=str)
def test_restorations_have_the_shape_and_type_of_what_came(network, dtype, shape):
    values = np.random.default_rng(0).random(shape)
    given_images = (
        values.astype(dtype)
        if dtype == np.float32
        else (values * np.iinfo(dtype).max).astype(dtype)
    )
    before = given_images.copy()
    drawn = trained(network).sample_restorations(given_images, 5)
    assert drawn.shape == (5, *shape)
    assert drawn.dtype == dtype
    assert np.array_equal(given_images, before)
    assert len({each.tobytes() for each in drawn}) == 5


@each_restorer
def test_the_same_seed_draws_the_same_whatever_follows(network):
    model, stored = trained(network), some_images(GREY, 3)
    first = model.sample_restorations(stored, 4)
    assert np.array_equal(first, model.sample_restorations(stored, 4, seed=0))
    assert not np.allclose(first, model.sample_restorations(stored, 4, seed=1))
    assert np.allclose(model.sample_restorations(stored[:2], 4), first[:, :2], atol=1e-5), (
        "the images after it change its draws"
    )
    same = model.sample_restorations(np.stack([stored[0], stored[0]]), 4)
    assert not np.allclose(same[:, 0], same[:, 1]), "each image has chances of its own"


@each_restorer
def test_a_working_batch_and_an_array_are_drawn_for_alike(network):
    model, stored = trained(network), some_images(GREY, 3)
    before = torch.get_rng_state()
    drawn = model.sample_restorations(as_tensor(stored), 4, seed=2)
    assert drawn.shape == (4, 3, 1, 7, 10)
    assert np.allclose(
        drawn[:, :, 0].numpy(), model.sample_restorations(stored, 4, seed=2), atol=1e-6
    )
    assert not drawn.is_inference()
    assert torch.equal(torch.get_rng_state(), before)


def test_draws_have_the_spread_of_the_posterior():
    model = linear_model(restores=True)
    stored = np.random.default_rng(0).random((2, 3, 5), dtype=np.float32)
    drawn = model.sample_restorations(stored, 4000).reshape(4000, 2, -1)
    posterior, module = model.encode(stored), model.module
    expected = (module.decode(posterior.mean)[..., :3, :5]).flatten(1).numpy()
    spread = (
        (posterior.std[:, None, :] * module.weight.abs()).sum(2).numpy()
    )  # each pixel hangs on one dimension
    assert np.allclose(drawn.mean(0), expected, atol=4 * spread.max() / 4000**0.5)
    assert np.allclose(drawn.std(0), spread, rtol=0.06, atol=1e-4)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 4))
def test_a_map_of_latents_is_drawn_for_images_of_any_size(height, width, count):
    model = trained(RESTORERS["latent-unet"])
    drawn = model.sample_restorations(
        torch.rand(2, 1, height, width, generator=torch.Generator().manual_seed(0)), count
    )
    assert drawn.shape == (count, 2, 1, height, width)
    assert drawn.isfinite().all()


@pytest.mark.parametrize(
    ("channels", "shape"), [(1, (9, 13, 3)), (3, (9, 13)), (1, (2, 9, 13, 3))], ids=str
)
def test_whatever_can_be_restored_can_be_drawn_for(channels, shape):
    model = trained(LatentUNet(widths=(3, 4), latent_dim=2, channels=channels))
    stored = np.random.default_rng(0).random(shape, dtype=np.float32)
    assert model.restore(stored).shape == shape
    assert model.sample_restorations(stored, 3).shape == (3, *shape)


def test_many_draws_are_made_a_few_at_a_time(monkeypatch):
    model = trained(GREY)
    monkeypatch.setattr(inference, "_PIXELS_AT_ONCE", 3 * 8 * 12)
    seen: list[int] = []
    draw = model.module.draw
    monkeypatch.setattr(
        model.module,
        "draw",
        lambda degraded, source: seen.append(len(degraded)) or draw(degraded, source),
    )
    assert model.sample_restorations(some_images(GREY, 2), 7).shape == (7, 2, 7, 10)
    assert seen == [3, 3, 1] * 2


@pytest.mark.parametrize("count", [0, -1])
def test_fewer_than_one_restoration_is_refused(count):
    with pytest.raises(UsageError, match=f"at least 1 sample, got {count}"):
        trained(GREY).sample_restorations(some_images(GREY), count)


def test_restorations_of_another_size_are_refused():
    with pytest.raises(ShapeMismatch, match=r"7 × 10 .*got 8 × 8"):
        trained(GREY).sample_restorations(np.zeros((8, 8), np.uint8), 2)


# ------------------------------------------------------------------------------------------------- the wrong model

LATENT_USES: dict[str, Callable[[Model], object]] = {
    "encode": lambda model: model.encode(np.zeros((7, 10), np.uint8)),
    "decode": lambda model: model.decode(np.zeros((1, 2))),
    "sample": lambda model: model.sample(1),
    "reconstruct": lambda model: model.reconstruct(np.zeros((7, 10), np.uint8)),
}


@pytest.mark.parametrize("use", LATENT_USES.values(), ids=LATENT_USES)
@pytest.mark.parametrize("network", [UNet(widths=(2, 3)), LatentUNet(widths=(2, 3))], ids=str)
def test_a_model_without_a_latent_vector_says_which_model_to_give(use, network):
    with pytest.raises(
        UsageError,
        match=f"mine is no.* auto-encoder: its network \\({network.kind}\\) has no latent vector",
    ):
        use(trained(network))


def test_one_answer_has_no_draws():
    with pytest.raises(
        UsageError,
        match=r"gives one result for each image: its network \(conv\) has no latent",
    ):
        trained(Conv(features=2)).sample_restorations(np.zeros((7, 10), np.uint8), 2)


RESTORING_USES: dict[str, Callable[[Model], object]] = {
    "restore": lambda model: model.restore(some_images(GREY)),
    "restore_images": lambda model: model.restore_images(as_tensor(some_images(GREY))),
    "sample_restorations": lambda model: model.sample_restorations(some_images(GREY), 2),
}


@pytest.mark.parametrize("use", RESTORING_USES.values(), ids=RESTORING_USES)
def test_a_model_that_learned_from_images_alone_restores_nothing(use):
    use(trained(GREY, restores=True))
    with pytest.raises(UsageError, match=r"mine learned to encode .* not to restore"):
        use(trained(GREY, restores=False))


# ------------------------------------------------------------------------------------------------- its file


@each_vae
def test_what_was_saved_imagines_the_same(network, tmp_path):
    model = trained(network, restores=False)
    again = load(model.save(tmp_path / "imagines"))
    assert again.card == model.card
    assert not again.card.restores
    assert np.allclose(again.sample(3), model.sample(3), atol=1e-5)
    assert torch.allclose(
        again.encode(some_images(network)).mean, model.encode(some_images(network)).mean, atol=1e-5
    )
