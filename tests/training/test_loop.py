"""Training: it learns, it can be stopped and resumed bit for bit, and it never saves what has failed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from restorae.errors import (
    BadModelFile,
    BadSpec,
    Interrupted,
    TrainingCollapsed,
    TrainingDiverged,
    UsageError,
    in_words,
)
from restorae.model import load
from restorae.networks import Conv, Network
from restorae.progress import Progress
from restorae.training import Recipe, train
from restorae.training import loop as loop_module

# short trainings warn that they are short; what is warned of has tests that listen
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

NOISE = "gaussian-noise(mean=0.5,sigma=0.3)"
QUICK = Recipe(
    clean="digits",
    degradation=NOISE,
    network="conv(features=8)",
    learning_rate=5e-3,
    batch_size=32,
    steps=60,
)


class Hearing(Progress):
    """Remembers what was said, and can ask the work to stop as Ctrl-C does."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.said: list[str] = []
        self.losses: list[float] = []
        self.steps = 0
        self.stop_after = stop_after

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        self.steps += count
        self.losses += [figures["loss"]] if "loss" in figures else []
        if self.stop_after is not None and self.steps >= self.stop_after:
            import signal

            self.stop_after = None
            signal.raise_signal(signal.SIGINT)

    def say(self, message: str) -> None:
        self.said.append(in_words(message))

    warn = say


def weights(path: Path) -> dict[str, Tensor]:
    with safe_open(path, framework="pt") as opened:
        return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118


def with_settings(recipe: Recipe, **settings: object) -> Recipe:
    return Recipe(**{**recipe.model_dump(exclude_unset=True), **settings})


def test_it_learns_and_says_what_it_did(tmp_path: Path) -> None:
    hearing = Hearing()
    model = train(with_settings(QUICK, steps=120), tmp_path / "small", progress=hearing)
    assert hearing.steps == 120
    assert hearing.losses[-1] < hearing.losses[0] / 3
    scores = model.card.scores["validation"]
    assert scores["restored"]["psnr_pooled"] > scores["degraded"]["psnr_pooled"] + 10
    assert scores["count"] == 149
    assert model.card.steps == 120
    assert model.card.undoes == {
        "kind": "gaussian-noise",
        "mean": 0.5,
        "sigma": 0.3,
        "clip": False,
        "alike": False,
    }
    assert any("validation PSNR" in said for said in hearing.said)
    assert all(
        {"step", "epoch", "loss", "mse", "mse_degraded"} <= each.keys()
        for each in model.card.history
    )
    assert model.card.history[-1]["loss"] < model.card.history[0]["loss"]
    assert model.card.latent is None
    assert model.card.restores is True
    assert [path.name for path in tmp_path.iterdir()] == ["small.safetensors"], (
        "no checkpoint is left behind"
    )


def test_the_file_restores_exactly_as_the_trained_model(tmp_path: Path) -> None:
    model = train(QUICK, tmp_path / "small")
    images = np.random.default_rng(0).random((3, 30, 27), dtype=np.float32)
    assert np.array_equal(
        load(tmp_path / "small.safetensors").restore(images), model.restore(images)
    )


def test_the_same_recipe_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(
            with_settings(QUICK, seed=seed, steps=10, network="unet(widths=[8,8])"), tmp_path / name
        )
    a, b, c = (weights(tmp_path / f"{name}.safetensors") for name in "abc")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not all(torch.equal(a[name], c[name]) for name in a)


# in the first epoch and in the third, of 9 steps
@pytest.mark.parametrize(("stop_after", "ema"), [(5, 0.0), (20, 0.9)])
def test_an_interrupted_training_resumes_bit_for_bit(
    tmp_path: Path, ema: float, stop_after: int
) -> None:
    recipe = with_settings(QUICK, ema=ema, augment=True, draws=300, steps=30)
    train(recipe, tmp_path / "whole")
    with pytest.raises(Interrupted, match="resume=True"):
        train(recipe, tmp_path / "parts", progress=Hearing(stop_after))
    assert not (tmp_path / "parts.safetensors").exists()
    assert (tmp_path / "parts.checkpoint").is_file()
    resumed = train(recipe, tmp_path / "parts", resume=True)
    assert resumed.card.steps == 30
    assert resumed.card.history == load(tmp_path / "whole.safetensors").card.history
    whole, parts = weights(tmp_path / "whole.safetensors"), weights(tmp_path / "parts.safetensors")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_the_history_is_that_of_each_epoch() -> None:
    # ten steps an epoch, and one look: the loss that was heard is the mean of the epoch
    hearing = Hearing()
    model = train(with_settings(QUICK, steps=None, epochs=6, draws=320), progress=hearing)
    assert [(each["step"], each["epoch"]) for each in model.card.history] == [
        (10 * epoch, epoch) for epoch in range(1, 7)
    ]
    assert [each["loss"] for each in model.card.history] == pytest.approx(hearing.losses)


def test_images_are_checked_on_though_none_is_held_out() -> None:
    model = train(with_settings(QUICK, validation=0, steps=60))
    assert model.card.data == "digits (1,437 images, 0 held out)"
    assert "that it was trained on" in model.card.scores["validation"]["on"]


def test_a_network_without_a_latent_needs_damage_to_learn_from() -> None:
    with pytest.raises(UsageError, match="auto-encoder"):
        train(Recipe(clean="digits", network="conv(features=2)", steps=1))


def test_resuming_refuses_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match="nothing to resume"):
        train(QUICK, tmp_path / "small", resume=True)
    with pytest.raises(UsageError, match="out="):
        train(QUICK, resume=True)
    with pytest.raises(Interrupted):
        train(QUICK, tmp_path / "small", progress=Hearing(10))
    with pytest.raises(UsageError, match=r"learning_rate: 0\.005 is now 0\.001"):
        train(with_settings(QUICK, learning_rate=1e-3), tmp_path / "small", resume=True)
    (tmp_path / "small.checkpoint").write_bytes((tmp_path / "small.checkpoint").read_bytes()[:500])
    with pytest.raises(BadModelFile, match="cut short"):
        train(QUICK, tmp_path / "small", resume=True)


def test_changed_training_data_are_reported(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (80, 16, 16), dtype=np.uint8)
    recipe = Recipe(
        degradation="gaussian-noise", network="conv(features=4)", batch_size=16, steps=30
    )
    with pytest.raises(Interrupted):
        train(recipe, tmp_path / "small", clean=images, progress=Hearing(10))
    hearing = Hearing()
    train_or_collapse(recipe, tmp_path / "small", clean=images[:70], resume=True, progress=hearing)
    assert any("have changed" in said for said in hearing.said)


def train_or_collapse(*arguments: object, **options: object) -> None:
    """Train where only what is said on the way matters."""
    with contextlib.suppress(TrainingCollapsed):
        train(*arguments, **options)  # type: ignore[arg-type]


def test_a_loss_that_becomes_nan_stops_with_what_to_do(tmp_path: Path) -> None:
    recipe = with_settings(QUICK, learning_rate=1e18, clip_gradients=0, warmup=0, optimiser="adamw")
    with pytest.raises(TrainingDiverged, match="learning_rate=3e"):
        train(recipe, tmp_path / "small")
    assert not (tmp_path / "small.safetensors").exists()


def test_the_last_good_checkpoint_survives_divergence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_module, "_SECONDS_BETWEEN_CHECKPOINTS", 0.0)

    class Poisoned(Conv, kind="poisoned"):
        """A network that works for thirty steps and then answers NaN."""

        def build(self) -> nn.Module:
            return PoisonedNetwork(super().build())

    with pytest.raises(TrainingDiverged, match="checkpoint is kept"):
        train(with_settings(QUICK, network=Poisoned(features=4)), tmp_path / "small")
    with safe_open(tmp_path / "small.checkpoint", framework="pt") as opened:
        assert all(bool(opened.get_tensor(name).isfinite().all()) for name in opened.keys())  # noqa: SIM118
        assert json.loads(opened.metadata()["restorae-checkpoint"])["step"] >= 20


class PoisonedNetwork(nn.Module):
    """Passes through to another network thirty times."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.calls = 0

    def forward(self, images: Tensor) -> Tensor:
        self.calls += self.training
        return self.inner(images) * (float("nan") if self.calls > 30 else 1.0)


class Global(Network, kind="global"):
    """A network of a user's own that subtracts the mean of the image but declares a halo."""

    @property
    def halo(self) -> int:
        return 2

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 1, 5, padding=2), nn.InstanceNorm2d(1))


class FixedSize(Network, kind="fixed-size"):
    """A network of a user's own for images of 28 × 28 that declares a halo all the same."""

    @property
    def halo(self) -> int:
        return 28

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 784), nn.Unflatten(1, (1, 28, 28)))


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [("global", r"halo of 2 px, but .* at least 10 px away"), ("fixed-size", "declares None")],
)
def test_an_own_network_with_a_wrong_halo_is_refused_before_the_first_step(kind, complaint):
    heard = Hearing()
    with pytest.raises(BadSpec, match=complaint):
        train(with_settings(QUICK, network=kind), progress=heard)
    assert heard.steps == 0


class Black(Network, kind="black"):
    """A network that answers black to everything, as the lesson's literal recipe ends up doing."""

    @property
    def halo(self) -> int:
        return 0

    def build(self) -> nn.Module:
        return BlackNetwork()


class BlackNetwork(nn.Module):
    """The module that `Black` builds."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor) -> Tensor:
        return images * 0 + self.unused * 0


def test_a_collapsed_network_is_recognised_and_not_saved(tmp_path: Path) -> None:
    with pytest.raises(TrainingCollapsed, match="constant answer"):
        train(with_settings(QUICK, network=Black()), tmp_path / "black")
    assert not (tmp_path / "black.safetensors").exists()


def test_a_model_no_better_than_its_input_is_warned_of() -> None:
    hearing = Hearing()
    recipe = with_settings(QUICK, degradation="gaussian-noise(sigma=0.001)", steps=60)
    train(recipe, progress=hearing)
    assert any("no better than leaving the images alone" in said for said in hearing.said)


def test_pairs_of_arrays_are_learned_from() -> None:
    source = np.random.default_rng(0)
    clean = np.zeros((300, 16, 16), np.float32)
    for image in clean:
        top, left = source.integers(0, 10, 2)
        image[top : top + 6, left : left + 6] = 1
    degraded = (1 - clean) + source.normal(0, 0.1, clean.shape).astype(np.float32)
    model = train(
        Recipe(network="conv(features=8)", learning_rate=5e-3, batch_size=32, steps=150),
        clean=clean,
        degraded=degraded,
    )
    scores = model.card.scores["validation"]
    assert scores["restored"]["psnr_pooled"] > 15 > 5 > scores["degraded"]["psnr_pooled"]


def test_training_continues_from_another_model(tmp_path: Path) -> None:
    first = train(with_settings(QUICK, steps=100), tmp_path / "first")
    further = train(
        with_settings(
            QUICK,
            network=None,
            start_from=tmp_path / "first.safetensors",
            steps=5,
            learning_rate=1e-4,
            seed=1,
        ),
    )
    before, after = (
        model.card.scores["validation"]["restored"]["mse"] for model in (first, further)
    )
    assert after < before * 1.1, "five small steps leave what was learned"
    assert further.card.steps == 5
    assert further.network == first.network


@pytest.mark.parametrize(
    "network", ["dense(hidden=[64])", "conv(features=8)", "unet(widths=[8,16])"]
)
@pytest.mark.parametrize("shape", [(40, 21, 30), (40, 18, 25, 3)])
def test_every_network_trains_on_any_size_and_channels(
    network: str, shape: tuple[int, ...]
) -> None:
    # half black, half white: a network that looks at its input at all beats a constant answer soon
    clean = np.zeros(shape, np.float32)
    clean[1::2] = 1
    recipe = Recipe(
        degradation="gaussian-noise(sigma=0.1)",
        network=network,
        batch_size=16,
        steps=80,
        learning_rate=5e-3,
        clip_gradients=0,
    )
    model = train(recipe, clean=clean)
    assert model.restore(clean[:2]).shape == (2, *shape[1:])
    assert model.network.channels == (3 if len(shape) == 4 else 1)


def test_a_folder_of_mixed_sizes_is_trained_on_by_patches(tmp_path: Path) -> None:
    from PIL import Image
    from skimage.data import camera

    image = camera()
    for index, (height, width) in enumerate([(60, 80), (100, 50), (20, 30), (64, 64), (97, 101)]):
        Image.fromarray(
            image[index * 50 : index * 50 + height, index * 60 : index * 60 + width]
        ).save(tmp_path / f"{index}.png")
    recipe = Recipe(
        clean=str(tmp_path),
        degradation="gaussian-noise(sigma=0.2)",
        network="conv(features=8)",
        patch=32,
        steps=40,
        batch_size=8,
        augment=True,
    )
    model = train(with_settings(recipe, learning_rate=5e-3))
    assert model.card.steps == 40
    assert model.card.scores["validation"]["count"] == 1


def test_a_network_for_grey_and_colour_learns_both_and_its_card_says_so(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).random((40, 16, 16, 3), dtype=np.float32)
    network = "unet(widths=[4,6],residual=true,grey_too=true)"
    recipe = Recipe(
        network=network,
        degradation="gaussian-noise(sigma=0.2)",
        learning_rate=1e-3,
        batch_size=8,
        steps=20,
    )
    hearing = Hearing()
    model = train(recipe, tmp_path / "both", clean=colours, progress=hearing)
    fresh = model.network.build().state_dict()
    assert model.network.takes == (1, 3)
    assert {"grey_input.weight", "grey_output.weight"} <= fresh.keys()
    assert model.card.scores["validation"]["in_grey"]["restored"]["psnr_pooled"] > 0
    assert model.card.history[-1]["mse_grey"] > 0
    assert any("in grey" in said for said in hearing.said)
    again = load(tmp_path / "both.safetensors")
    assert again.network == model.network
    for images in (colours, colours[..., 0]):
        assert np.array_equal(again.restore(images), model.restore(images))
    # on grey images the same settings have one door
    assert train(recipe, clean=colours[..., 0]).network.takes == (1,)


def test_with_a_door_for_grey_it_can_be_stopped_and_resumed_bit_for_bit(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).random((24, 8, 8, 3), dtype=np.float32)
    network, damage = "unet(widths=[4,6],residual=true,grey_too=true)", "gaussian-noise(sigma=0.2)"
    recipe = Recipe(network=network, degradation=damage, batch_size=4, steps=9)
    train(recipe, tmp_path / "whole", clean=colours)
    with pytest.raises(Interrupted):
        train(recipe, tmp_path / "parts", clean=colours, progress=Hearing(stop_after=4))
    train(recipe, tmp_path / "parts", clean=colours, resume=True)
    whole, parts = weights(tmp_path / "whole.safetensors"), weights(tmp_path / "parts.safetensors")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
