"""Training networks with a latent: they learn, their figures add up, and what is known of them is on their card."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from restorae.data import open_images
from restorae.degradations import Degradation
from restorae.errors import BadSpec, Interrupted, SettingsConflict, ShapeMismatch, UnknownKind
from restorae.model import Model, load, read_card
from restorae.training import Recipe, train
from tests.command import run_apart
from tests.training.test_loop import Hearing, weights, with_settings

# short trainings warn that they are short; what is warned of has tests that listen
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

NOISE = "gaussian-noise(mean=0.5,sigma=0.3)"
TINY = Recipe(
    clean="digits", network="conv-vae(features=4)", learning_rate=5e-3, batch_size=32, steps=40
)


def bars(count: int) -> np.ndarray:
    """Images of 12 × 12 with a white bar, one of four that lie and four that stand: quickly learned."""
    source = np.random.default_rng(0)
    images = np.zeros((count, 12, 12), np.float32)
    for image, place, standing in zip(
        images, source.integers(0, 4, count), source.integers(0, 2, count), strict=True
    ):
        (image.T if standing else image)[3 * place : 3 * place + 3] = 1
    # no two are equal: equal images would be held out together, and a kind of bar with them
    return images * source.uniform(0.9, 1, (count, 1, 1)).astype(np.float32)


class Figures(Hearing):
    """Also remembers every running figure."""

    def __init__(self) -> None:
        super().__init__()
        self.figures: list[dict[str, float]] = []

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        super().advance(count, figures)
        self.figures += [dict(figures)] if figures else []


def constant_answer() -> float:
    """Cross-entropy, in nats an image, of the best answer that is the same for every digit: the mean of the training digits."""
    mean = (
        open_images("digits", "train")
        .batch(range(1437))
        .double()
        .mean(0, keepdim=True)
        .clamp(1e-6, 1 - 1e-6)
    )
    images = open_images("digits", "test").batch(range(360)).double()
    return -(images * mean.log() + (1 - images) * (1 - mean).log()).flatten(1).sum(1).mean().item()


def test_it_learns_and_its_figures_add_up(tmp_path: Path) -> None:
    hearing = Figures()
    settings = {
        "network": "conv-vae(features=8,hidden=32,latent_dim=6)",
        "loss": "negative-elbo(beta=0.9)",
        "steps": None,
        "epochs": 4,
    }
    recipe = with_settings(TINY, **settings, learning_rate=0.015, batch_size=16, warmup=30)
    model = train(recipe, tmp_path / "vae", progress=hearing)
    history = model.card.history
    assert [round(each["epoch"], 3) for each in history] == [1, 2, 3, 4]
    for each in history:
        assert each["loss"] == pytest.approx(each["reconstruction"] + 0.9 * each["kl"], rel=1e-5)
        assert each["validation_loss"] == pytest.approx(
            each["validation_reconstruction"] + each["validation_kl"]
        )
    assert history[-1]["loss"] < history[0]["loss"]
    flat = constant_answer()
    assert history[-1]["validation_loss"] < 0.92 * flat, (
        f"a constant answer costs {flat:.1f} nats, and no KL"
    )
    assert history[-1]["active_units"] == 6
    # live: the three running losses of the lesson
    assert all({"loss", "reconstruction", "kl"} <= figures.keys() for figures in hearing.figures)
    told = [said for said in hearing.said if said.startswith("epoch 4:")]
    assert (
        f"loss {history[-1]['loss']:.2f} = {history[-1]['reconstruction']:.2f} + KL {history[-1]['kl']:.2f}"
        in told[0]
    )
    assert [path.name for path in tmp_path.iterdir()] == ["vae.safetensors"]


def test_the_card_says_what_it_is(tmp_path: Path) -> None:
    train(with_settings(TINY, network="conv-vae(features=4,latent_dim=3)"), tmp_path / "vae")
    card = read_card(tmp_path / "vae.safetensors")
    assert card.latent == {"shape": [3], "prior": "standard normal", "likelihood": "bernoulli"}
    assert card.restores is False
    assert card.undoes is None
    assert card.network["height"] == card.network["width"] == 28
    assert card.recipe is not None
    assert card.recipe["loss"]["kind"] == "negative-elbo"
    scores = card.scores["validation"]
    assert scores["on"] == "149 held-out images of digits"
    assert scores["count"] == 149
    assert scores["grey"]["elbo"] == pytest.approx(-card.history[-1]["validation_loss"])
    assert scores["binarised"]["elbo"] < 0
    assert len(scores["kl_by_dimension"]) == 3


def test_the_file_is_the_trained_model(tmp_path: Path) -> None:
    model = train(TINY, tmp_path / "vae")
    loaded, images = (
        load(tmp_path / "vae.safetensors"),
        open_images("digits", "test").batch(range(5)),
    )
    assert torch.equal(loaded.encode(images).mean, model.encode(images).mean)
    assert np.array_equal(loaded.sample(4, seed=1), model.sample(4, seed=1))


def test_the_same_seed_gives_the_same_weights_and_another_others(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(with_settings(TINY, seed=seed, steps=8), tmp_path / name, clean=bars(100))
    a, b, c = (weights(tmp_path / f"{name}.safetensors") for name in "abc")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not all(torch.equal(a[name], c[name]) for name in a)


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "negative-elbo(kl_warmup=30)"},
        {"binarise": True, "ema": 0.9, "network": "residual-vae(features=4,latent_dim=3)"},
        {"degradation": NOISE, "network": "latent-unet(widths=[8,8])"},
    ],
    ids=["warm-up", "binarised, averaged", "restoring"],
)
def test_an_interrupted_training_resumes_bit_for_bit(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    # thirteen steps an epoch, so that some figures of an epoch were summed before the stop, and some are after it
    recipe = with_settings(TINY, **{"draws": 416, "steps": 60, **settings})
    whole = train(recipe, tmp_path / "whole", clean=bars(100))
    with pytest.raises(Interrupted, match="resume=True"):
        train(recipe, tmp_path / "parts", clean=bars(100), progress=Hearing(20))
    assert not (tmp_path / "parts.safetensors").exists()
    with safe_open(tmp_path / "parts.checkpoint", framework="pt") as opened:
        kept = json.loads(opened.metadata()["restorae-checkpoint"])
    assert kept["step"] % 13, "in the middle of an epoch"
    assert kept["history"] == whole.card.history[: len(kept["history"])] != []
    parts = train(recipe, tmp_path / "parts", clean=bars(100), resume=True)
    first, second = weights(tmp_path / "whole.safetensors"), weights(tmp_path / "parts.safetensors")
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert parts.card.history == whole.card.history
    assert {
        key: value for key, value in parts.card.scores["validation"].items() if key != "seconds"
    } == {key: value for key, value in whole.card.scores["validation"].items() if key != "seconds"}
    assert not (tmp_path / "parts.checkpoint").exists()


def test_black_and_white_images_are_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from restorae.losses import NegativeELBO

    seen: list[torch.Tensor] = []
    measure = NegativeELBO.measure

    def looking(self: NegativeELBO, batch: object) -> Mapping[str, torch.Tensor]:
        seen.append(batch.clean.clone())  # type: ignore[attr-defined]
        return measure(self, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(NegativeELBO, "measure", looking)
    model = train(with_settings(TINY, binarise=True, draws=64, steps=4))
    assert all(torch.equal(images, images.round()) for images in seen), "each pixel is 0 or 1"
    assert not torch.equal(
        seen[0].mean((1, 2, 3)).sort().values, seen[2].mean((1, 2, 3)).sort().values
    )
    grey = open_images("digits", "train").batch(range(1437))
    assert torch.cat(seen).mean().item() == pytest.approx(grey.mean().item(), rel=0.1), (
        "its value is the probability"
    )
    last = model.card.history[-1]
    assert last["validation_loss"] == pytest.approx(
        -model.card.scores["validation"]["binarised"]["elbo"]
    )


def test_all_images_are_trained_on_where_none_is_held_out() -> None:
    model = train(with_settings(TINY, split="all", validation=0, steps=3))
    assert model.card.data == "digits (1,797 images, 0 held out)"
    assert "that it was trained on" in model.card.scores["validation"]["on"]
    assert "held-out" not in model.card.scores["validation"]["on"]


def test_a_collapsed_posterior_is_counted_with_a_notice() -> None:
    hearing = Hearing()
    model = train(with_settings(TINY, loss="negative-elbo(beta=1000)", steps=80), progress=hearing)
    assert model.card.scores["validation"]["active_units"] == 0
    assert model.card.history[-1]["active_units"] == 0
    assert any("collapsed" in said for said in hearing.said)
    assert any("0 of 2 latent dimensions in use" in said for said in hearing.said)


def test_free_bits_and_warm_up_keep_the_latent_in_use() -> None:
    # at a beta that makes it collapse otherwise
    loss = "negative-elbo(beta=1000,free_bits=0.5)"
    model = train(with_settings(TINY, loss=loss, steps=80))
    assert model.card.scores["validation"]["active_units"] == 2
    charged = model.card.history[-1]
    assert charged["loss"] >= charged["reconstruction"] + 1000 * 2 * 0.5 - 1e-3, (
        "the free nats are part of the loss"
    )


@pytest.mark.parametrize(
    "network", ["conv-vae(features=4)", "residual-vae(features=4,latent_dim=3)"]
)
@pytest.mark.parametrize("shape", [(48, 13, 18), (48, 9, 7, 3)])
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_any_size_channels_and_likelihood(
    network: str, shape: tuple[int, ...], likelihood: str
) -> None:
    clean = np.zeros(shape, np.float32)
    clean[1::2] = 1
    chosen = network.replace("(", f"(likelihood={likelihood},")
    model = train(Recipe(network=chosen, batch_size=16, steps=12, learning_rate=5e-3), clean=clean)
    assert math.isfinite(model.card.history[-1]["validation_loss"])
    assert model.sample(3).shape == (3, *shape[1:])
    assert model.reconstruct(clean[:2]).shape == (2, *shape[1:])
    assert model.network.channels == (3 if len(shape) == 4 else 1)


def test_images_larger_than_a_patch_are_taken_whole() -> None:
    clean = np.zeros((20, 66, 100), np.float32)
    clean[1::2] = 1
    model = train(Recipe(network="conv-vae(features=2)", batch_size=8, steps=2), clean=clean)
    assert (model.network.height, model.network.width) == (66, 100)


def test_training_continues_from_another_vae(tmp_path: Path) -> None:
    train(TINY, tmp_path / "first")
    before = read_card(tmp_path / "first.safetensors").history[-1]["validation_loss"]
    small = with_settings(TINY, steps=3, learning_rate=1e-5, warmup=0)
    further = train(
        with_settings(small, start_from=str(tmp_path / "first.safetensors")), tmp_path / "second"
    )
    assert further.card.history[-1]["validation_loss"] == pytest.approx(before, rel=0.02)
    assert further.network == load(tmp_path / "first.safetensors").network


def test_a_vae_of_another_size_is_no_start(tmp_path: Path) -> None:
    train(with_settings(TINY, steps=1), tmp_path / "first", clean=bars(40))
    with pytest.raises(SettingsConflict, match="another network"):
        train(with_settings(TINY, steps=1, start_from=str(tmp_path / "first.safetensors")))


def test_a_tighter_bound_is_trained_by_several_latents() -> None:
    model = train(with_settings(TINY, loss="negative-elbo(importance_samples=3)", binarise=True))
    last = model.card.history[-1]
    assert last["loss"] < last["reconstruction"] + last["kl"], (
        "the importance-weighted bound lies above the ELBO"
    )
    assert last["loss"] < model.card.history[0]["loss"] * 1.001


# --- a latent that restores


RESTORING = Recipe(
    degradation=NOISE,
    network="conv-vae(features=8,hidden=32,latent_dim=4)",
    learning_rate=0.01,
    batch_size=16,
    warmup=30,
)


def noisy_bars(count: int) -> np.ndarray:
    clean = torch.from_numpy(bars(count))[:, None]
    return Degradation.of(NOISE).degrade(clean, torch.Generator().manual_seed(0))[:, 0].numpy()


def gain(model: Model) -> float:
    """By how many decibels the restored validation images are better than the degraded ones."""
    scores = model.card.scores["validation"]
    difference: float = scores["restored"]["psnr_pooled"] - scores["degraded"]["psnr_pooled"]
    return difference


def test_a_vae_learns_to_restore(tmp_path: Path) -> None:
    train(with_settings(RESTORING, steps=120), tmp_path / "restorer", clean=bars(300))
    model = load(tmp_path / "restorer.safetensors")
    assert model.card.restores is True
    assert model.card.undoes == Degradation.of(NOISE).to_dict()
    assert gain(model) > 10
    draws = model.sample_restorations(noisy_bars(3), 8, seed=0)
    assert draws.shape == (8, 3, 12, 12)
    assert draws.std(0).max() > 0.1, "the draws differ"
    last = model.card.history[-1]
    assert last["loss"] == pytest.approx(last["reconstruction"] + last["kl"], rel=1e-5)
    assert {"mse", "mse_degraded"} <= last.keys()


def test_a_latent_unet_learns_to_restore_and_to_draw(tmp_path: Path) -> None:
    train(
        with_settings(RESTORING, network="latent-unet(widths=[8,16])", steps=60),
        tmp_path / "draws",
        clean=bars(300),
    )
    model = load(tmp_path / "draws.safetensors")
    assert model.card.latent == {
        "shape": [4, None, None],
        "prior": "learned, given the degraded image",
        "likelihood": "gaussian",
    }
    assert model.card.restores is True
    assert gain(model) > 10
    noisy = noisy_bars(8)
    draws = model.sample_restorations(noisy, 12, seed=0)
    assert draws.std(0).max() > 0.02, "the draws differ"
    assert np.array_equal(draws, model.sample_restorations(noisy, 12, seed=0))
    assert not np.allclose(draws, model.sample_restorations(noisy, 12, seed=1))
    single = model.restore(noisy)
    assert np.square(draws.mean(0) - single).mean() < np.square(draws[0] - single).mean(), (
        "the mean of many draws settles"
    )


def test_pixels_may_be_compared_on_a_vae_too() -> None:
    model = train(with_settings(RESTORING, loss="mse", steps=120), clean=bars(300))
    assert "kl" not in model.card.history[-1]
    assert gain(model) > 10


# --- a learner's own

MINE = '''
"""A learner's own variational auto-encoder."""

from restorae.networks import VAE, VAEModule
from restorae.posterior import DiagonalGaussian
from torch import nn


class Mine(VAE):
    """One dense layer each way."""

    hidden: int = 32
    """Units between the image and its latent."""

    def build(self):
        return MineModule(self)


class MineModule(VAEModule):
    def __init__(self, settings):
        super().__init__(settings)
        height, width = (4 * side for side in settings.coarse)
        self.shape = (settings.channels, height, width)
        pixels = settings.channels * height * width
        self.inwards = nn.Sequential(nn.Flatten(), nn.Linear(pixels, settings.hidden), nn.ReLU())
        self.moments = nn.Linear(settings.hidden, 2 * settings.latent_dim)
        self.outwards = nn.Sequential(nn.Linear(settings.latent_dim, settings.hidden), nn.ReLU(), nn.Linear(settings.hidden, pixels))

    def encode(self, images):
        mean, log_var = self.moments(self.inwards(images)).chunk(2, dim=1)
        return DiagonalGaussian.bounded(mean, log_var)

    def decode(self, latents):
        return self.outwards(latents).unflatten(1, self.shape)
'''


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with mine.py and a model of its network."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine.py").write_text(MINE)
    words = (
        "vae",
        "train",
        "--data",
        "digits",
        "--network",
        "mine.py:Mine(hidden=16)",
        "--latent-dim",
        "3",
        "--epochs",
        "2",
    )
    done = run_apart(
        *words, "--batch-size", "32", "--learning-rate", "0.005", "--out", "own", cwd=folder
    )
    assert done.status == 0, done.err
    return folder


def test_a_learners_own_vae_joins(own: Path) -> None:
    card = read_card(own / "own.safetensors")
    assert card.network["kind"] == "mine"
    assert card.latent == {"shape": [3], "prior": "standard normal", "likelihood": "bernoulli"}
    assert card.history[-1]["validation_loss"] < card.history[0]["validation_loss"]
    with pytest.raises(UnknownKind, match="defined in mine:Mine"):
        load(own / "own.safetensors")
    shown = run_apart(
        "models", "show", "own.safetensors", "--import", "mine.py", "--layers", cwd=own
    )
    assert shown.status == 0, shown.err
    assert "inwards.1" in shown.out


def test_a_learners_own_vae_is_walked_in(own: Path) -> None:
    done = run_apart(
        "vae",
        "sample",
        "--model",
        "own.safetensors",
        "--import",
        "mine.py",
        "--count",
        "4",
        "--out",
        "four.npy",
        cwd=own,
    )
    assert done.status == 0, done.err
    assert np.load(own / "four.npy").shape == (4, 28, 28)


# --- what cannot be


def test_a_network_without_a_latent_has_no_bound() -> None:
    with pytest.raises(
        BadSpec, match="needs a network with a latent, such as conv-vae; unet has none"
    ):
        Recipe(clean="digits", degradation=NOISE, network="unet", loss="negative-elbo")


def test_images_above_256_are_too_large_for_a_vae_at_once() -> None:
    with pytest.raises(ShapeMismatch, match="up to 256 × 256"):
        train(
            Recipe(network="conv-vae(features=1)", steps=1),
            clean=np.random.default_rng(0).integers(0, 255, (2, 300, 300), np.uint8),
        )
