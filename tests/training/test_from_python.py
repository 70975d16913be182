"""Training from Python: whatever is meant by images, damage, loss and network is taken, or refused in plain words."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import restorae
from restorae import Degradation, Machinery, Model, Recipe, RestoraeError, train
from restorae.data import ArrayImages
from restorae.errors import (
    BadImage,
    BadSpec,
    SettingsConflict,
    ShapeMismatch,
    TrainingCollapsed,
    UsageError,
)
from restorae.progress import Progress
from restorae.training import TrainingCallback

RNG = np.random.default_rng(0)
CLEAN = np.kron(RNG.integers(0, 2, (64, 4, 4)), np.ones((1, 3, 3))).astype(np.float32)
NOISY = CLEAN + RNG.normal(0, 0.2, CLEAN.shape).astype(np.float32)
SIZES = [np.ascontiguousarray(image[: 9 + index % 4]) for index, image in enumerate(CLEAN)]
NOISY_SIZES = [image + np.float32(0.1) for image in SIZES]
TINY: dict[str, Any] = {"network": "conv(features=2)", "steps": 2, "batch_size": 8}

pytestmark = pytest.mark.filterwarnings(
    "ignore:After [0-9]+ steps", "ignore:This model is no better"
)


def tensors(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images)[:, None]


def pil(images: np.ndarray) -> list[Image.Image]:
    return [Image.fromarray(np.uint8(255 * image.clip(0, 1))) for image in images]


PAIRS = TensorDataset(tensors(NOISY), tensors(CLEAN))


class Sharp(restorae.Loss, kind="sharp-from-python"):
    """A loss by subclassing the public class."""

    def between(self, restored: Tensor, clean: Tensor) -> Tensor:
        return (restored - clean).abs().mean()


class Small(restorae.Network, kind="small-from-python"):
    """A network by subclassing the public class."""

    @property
    def halo(self) -> int:
        return 1

    def build(self) -> nn.Module:
        return nn.Conv2d(self.channels, self.channels, 3, padding=1)


class Dimmed(Degradation, kind="dimmed-from-python"):
    """A degradation by subclassing the public class."""

    def change(self, images: Tensor, amounts: Any, rng: Any) -> Tensor:
        return 0.5 * images


class Drawn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.layer(images)
        return found


def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))


def dense_module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(144, 8), nn.ReLU(), nn.Linear(8, 144))


def own_validation() -> Model:
    model = train(NOISY[:40], CLEAN[:40], validation_data=(NOISY[40:], CLEAN[40:]), **TINY)
    assert model.card.scores["validation"]["count"] == 24
    assert "(40 images, 24 held out)" in model.card.data
    return model


def further() -> Model:
    first = train(NOISY, CLEAN, **TINY)
    second = train(NOISY, CLEAN, start_from=first, steps=1, learning_rate=1e-9)
    assert second.card.recipe is not None
    assert second.card.recipe["start_from"].startswith("memory:")
    before, after = (next(each.module.parameters()) for each in (first, second))
    assert torch.allclose(before, after, atol=1e-3), "it starts from the weights in memory"
    assert not torch.equal(before, next(train(NOISY, CLEAN, seed=1, **TINY).module.parameters()))
    return second


# what a Python developer tries first, and what is to come of it: a model, or an error and what it says
WISHES: dict[str, tuple[Callable[[], object], type[RestoraeError] | None, str]] = {
    "x_noisy, x_clean": (lambda: train(NOISY, CLEAN, **TINY), None, ""),
    "clean=, degraded= without recipe": (
        lambda: train(clean=CLEAN, degraded=NOISY, **TINY),
        None,
        "",
    ),
    "a recipe and arrays": (lambda: train(Recipe(**TINY), clean=CLEAN, degraded=NOISY), None, ""),
    "float and uint8 mixed": (
        lambda: train(NOISY, np.uint8(255 * CLEAN), **TINY),
        None,
        "",
    ),
    "flattened, dense": (
        lambda: train(
            NOISY.reshape(64, -1), CLEAN.reshape(64, -1), **{**TINY, "network": "dense(hidden=[8])"}
        ),
        None,
        "",
    ),
    "flattened, another network": (
        lambda: train(NOISY.reshape(64, -1), CLEAN.reshape(64, -1), **TINY),
        ShapeMismatch,
        "64 flattened images of 12 × 12 px, or one image of 64 × 144",
    ),
    "tensors": (lambda: train(tensors(NOISY), tensors(CLEAN), **TINY), None, ""),
    "NumPy in PyTorch's order": (
        lambda: train(NOISY[:, None], CLEAN[:, None], **TINY),
        None,
        "",
    ),
    "lists of arrays": (lambda: train(list(NOISY), list(CLEAN), **TINY), None, ""),
    "lists of several sizes": (lambda: train(NOISY_SIZES, SIZES, patch=8, **TINY), None, ""),
    "PIL images": (lambda: train(pil(NOISY), pil(CLEAN), **TINY), None, ""),
    "Dataset of pairs": (lambda: train(PAIRS, **TINY), None, ""),
    "Dataset with labels": (
        lambda: train(TensorDataset(tensors(CLEAN), torch.arange(64)), degradation="noise", **TINY),
        None,
        "",
    ),
    "DataLoader": (lambda: train(DataLoader(PAIRS, batch_size=16, shuffle=True), **TINY), None, ""),
    "two Datasets": (
        lambda: train(PAIRS, PAIRS, clean=CLEAN, **TINY),
        SettingsConflict,
        "given twice",
    ),
    "noisy=": (lambda: train(noisy=NOISY, **{**TINY, "network": "unet(widths=[4,4])"}), None, ""),
    "own validation set": (own_validation, None, ""),
    "a function as loss": (
        lambda: train(NOISY, CLEAN, loss=lambda restored, clean: (restored - clean) ** 2, **TINY),
        None,
        "",
    ),
    "nn.MSELoss()": (lambda: train(NOISY, CLEAN, loss=nn.MSELoss(), **TINY), None, ""),
    "a loss that returns no tensor": (
        lambda: train(NOISY, CLEAN, loss=lambda restored, clean: 1.0, **TINY),
        BadSpec,
        "returned float",
    ),
    "a function as damage": (lambda: train(CLEAN, degradation=lambda x: 0.5 * x, **TINY), None, ""),
    "damage of another shape": (
        lambda: train(CLEAN, degradation=lambda x: x[:, :, ::2], **TINY),
        BadSpec,
        "Expected the same shape",
    ),
    "nn.Module": (lambda: train(NOISY, CLEAN, **{**TINY, "network": module()}), None, ""),
    "nn.Module of flat images": (
        lambda: train(NOISY, CLEAN, **{**TINY, "network": dense_module()}),
        None,
        "",
    ),
    "nn.Module that does not fit": (
        lambda: train(NOISY, CLEAN, **{**TINY, "network": nn.Conv2d(3, 1, 3)}),
        ShapeMismatch,
        "does not map images",
    ),
    "loss by class": (lambda: train(NOISY, CLEAN, loss=Sharp, **TINY), None, ""),
    "network by class": (lambda: train(NOISY, CLEAN, **{**TINY, "network": Small}), None, ""),
    "damage by class": (lambda: train(CLEAN, degradation=Dimmed(), **TINY), None, ""),
    "damage joined by |": (
        lambda: train(CLEAN, degradation=Dimmed() | Degradation.of("noise"), **TINY),
        None,
        "",
    ),
    "history": (lambda: train(NOISY, CLEAN, **TINY).card.history[-1]["mse"], None, ""),
    "further training": (further, None, ""),
    "device": (lambda: train(NOISY, CLEAN, device="cpu", precision="float32", **TINY), None, ""),
    "Machinery(gpu)": (lambda: Machinery(device="gpu"), UsageError, "device='(auto|cuda)'"),
    "device=gpu": (lambda: train(NOISY, CLEAN, device="gpu"), UsageError, "device='(auto|cuda)'"),
    "progress=True": (lambda: train(NOISY, CLEAN, progress=True, **TINY), None, ""),
    "progress=3": (lambda: train(NOISY, CLEAN, progress=3, **TINY), UsageError, "True, False"),
    "verbose=1": (lambda: train(NOISY, CLEAN, verbose=1), BadSpec, "Did you mean 'progress'"),
    "lr=": (lambda: train(NOISY, CLEAN, lr=0.1), BadSpec, "Did you mean 'learning_rate'"),
    "optimiser=Adam": (lambda: train(NOISY, CLEAN, optimiser="Adam", **TINY), None, ""),
    "optimiser=sgd": (lambda: train(NOISY, CLEAN, optimiser="sgd", **TINY), None, ""),
    "optimiser=adamm": (lambda: train(NOISY, CLEAN, optimiser="adamm"), BadSpec, "did you mean"),
    "early stop": (
        lambda: train(NOISY, CLEAN, patience=1, **{**TINY, "steps": 20}),
        None,
        "",
    ),
    "an auto-encoder": (lambda: train(CLEAN, steps=2, batch_size=8), None, ""),
    "an auto-encoder, as in Keras": (lambda: train(CLEAN, CLEAN, **TINY), None, ""),
    "an auto-encoder that would copy": (
        lambda: train(CLEAN, network="unet"),
        SettingsConflict,
        "would copy it",
    ),
    "unequal lengths": (lambda: train(NOISY[:20], CLEAN, **TINY), ShapeMismatch, "20 .* and 64"),
    "an array in a recipe": (lambda: Recipe(clean=CLEAN), BadSpec, "train"),  # type: ignore[arg-type]
    "a model in a recipe": (lambda: Recipe(start_from=nn.Identity()), BadSpec, "train"),  # type: ignore[arg-type]
    "nothing": (lambda: train(), UsageError, "needs clean images"),
    "None": (lambda: train(None, CLEAN), UsageError, "expected degraded images"),
    "a dictionary": (lambda: train({"x": CLEAN}), BadImage, "value of type dict"),  # type: ignore[arg-type]
    "an empty list": (lambda: train([], degradation="noise"), ShapeMismatch, "empty"),
    "a file in the place of partners": (
        lambda: train(CLEAN, "model.safetensors"),
        UsageError,
        "out='model.safetensors'",
    ),
}


@pytest.mark.parametrize(("wish", "error", "says"), WISHES.values(), ids=WISHES)
def test_a_wish_is_met_or_refused_in_plain_words(
    wish: Callable[[], object], error: type[RestoraeError] | None, says: str
) -> None:
    if error is None:
        assert wish() is not None
    else:
        with pytest.raises(error, match=says) as caught:
            wish()
        assert "pydantic" not in str(caught.value)
        assert "Input should be" not in str(caught.value)


def same_weights(one: Model, other: Model) -> bool:
    states = one.module.state_dict(), other.module.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_however_images_are_passed_the_model_is_the_same() -> None:
    expected = train(NOISY, CLEAN, **TINY)
    for given in (
        (tensors(NOISY), tensors(CLEAN)),
        (NOISY[:, None], CLEAN[:, None]),
        (NOISY[..., None], CLEAN[..., None]),
        (list(NOISY), list(CLEAN)),
        (PAIRS,),
        (DataLoader(PAIRS, batch_size=16, shuffle=True),),
    ):
        assert same_weights(train(*given, **TINY), expected)


@pytest.mark.parametrize(
    "part",
    [
        {"loss": lambda restored, clean: (restored - clean).abs()},
        {"degradation": lambda x: x + 0.3 * torch.randn_like(x)},
        {"degradation": lambda x: x.numpy() + np.random.normal(0, 0.3, x.shape)},
        {"network": module()},
        {"network": Drawn},
    ],
    ids=["loss", "torch damage", "numpy damage", "module", "class"],
)
def test_equal_recipes_with_own_objects_are_equal_models(part: dict[str, Any]) -> None:
    settings = {**TINY, "degradation": "noise", **part}
    torch.manual_seed(1)
    one = train(CLEAN, **settings)
    torch.manual_seed(2)
    np.random.seed(2)
    other = train(CLEAN, **settings)
    assert one.card.recipe == other.card.recipe
    assert same_weights(one, other), "the global generators have no part in it"


def test_different_own_objects_make_different_recipes() -> None:
    scale = 2.0
    losses = [
        lambda a, b: (a - b).abs(),
        lambda a, b: (a - b) ** 2,
        lambda a, b: scale * (a - b).abs(),
    ]
    recipes = [Recipe(loss=loss) for loss in losses]
    assert len({str(recipe.loss) for recipe in recipes}) == 3
    assert Recipe(loss=losses[0]) == recipes[0]
    changed = module()
    with torch.no_grad():
        next(changed.parameters()).add_(1)
    assert Recipe(network=module()) == Recipe(network=module()) != Recipe(network=changed)


def test_a_file_with_an_own_module_is_loaded_with_it(tmp_path: Path) -> None:
    model = train(NOISY, CLEAN, tmp_path / "own", **{**TINY, "network": module()})
    with pytest.raises(BadSpec, match="load\\(path, module="):
        restorae.load(tmp_path / "own.safetensors")
    again = restorae.load(tmp_path / "own.safetensors", module=module())
    assert np.array_equal(again.restore(NOISY), model.restore(NOISY))
    again.restore(np.zeros((20, 31), np.float32))  # of any size


def test_keywords_are_the_recipes_fields_and_win_over_a_recipe() -> None:
    parameters = set(restorae.train.__signature__.parameters)  # type: ignore[attr-defined]
    assert set(Recipe.model_fields) <= parameters
    assert {"device", "precision", "workers", "data_dir"} <= parameters
    model = train(Recipe(seed=3, **TINY), clean=CLEAN, degraded=NOISY, epochs=1)
    assert model.card.recipe is not None
    assert (model.card.recipe["seed"], model.card.steps) == (3, 7)


def test_a_model_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    train(NOISY, CLEAN, tmp_path / "a", **TINY)
    with pytest.raises(UsageError, match="already exists"):
        train(NOISY, CLEAN, tmp_path / "a", **TINY)
    train(NOISY, CLEAN, tmp_path / "a", overwrite=True, **TINY)


def test_validation_images_that_are_learned_are_named() -> None:
    with pytest.warns(UserWarning, match="64 of the validation images are among those to learn"):
        train(NOISY, CLEAN, validation_data=(NOISY, CLEAN), **TINY)


# ------------------------------------------------------------------------------------------ what is heard


def test_warnings_go_through_warnings_unless_somebody_listens(capsys: Any) -> None:
    class Hearing(Progress):
        def __init__(self) -> None:
            self.warned: list[object] = []

        def warn(self, message: object) -> None:
            self.warned.append(message)

    hearing = Hearing()
    settings = {**TINY, "steps": 1, "learning_rate": 1e-9}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(NOISY, CLEAN, progress=hearing, **settings)
    assert hearing.warned
    for progress in (None, False):
        with pytest.warns(UserWarning, match="too short") as caught:
            train(NOISY, CLEAN, progress=progress, **settings)
        assert Path(caught[0].filename).name == "test_from_python.py", "names the caller's line"
    assert capsys.readouterr() == ("", ""), "silent where nobody looks"
    with pytest.warns(UserWarning, match="too short"):
        train(NOISY, CLEAN, progress=True, **settings)
    assert "validation PSNR" in capsys.readouterr().err


def test_callbacks_see_every_validation_and_the_end() -> None:
    class Seen(TrainingCallback):
        def __init__(self) -> None:
            self.steps: list[int] = []
            self.model: Model | None = None

        def on_validation(self, step: int, model: Model, result: Any) -> None:
            self.steps.append(step)

        def on_end(self, model: Model) -> None:
            self.model = model

    seen = Seen()
    model = train(NOISY, CLEAN, callbacks=seen, **{**TINY, "steps": 14})
    assert seen.steps == [7, 14]
    assert seen.model is model
    with pytest.raises(BadSpec, match="TrainingCallback"):
        train(NOISY, CLEAN, callbacks=[print], **TINY)  # type: ignore[list-item]


class Unmoved(restorae.Network, kind="unmoved"):
    """Gives one answer to everything."""

    @property
    def halo(self) -> None:
        return None

    def build(self) -> nn.Module:
        class Constant(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.value = nn.Parameter(torch.zeros(()))

            def forward(self, images: Tensor) -> Tensor:
                return self.value + 0 * images

        return Constant()


def test_a_collapse_is_told_only_of_a_training_that_was_long_enough() -> None:
    with pytest.warns(UserWarning, match="too short a training to judge"):
        short = train(NOISY, CLEAN, network=Unmoved, steps=49, batch_size=8)
    assert isinstance(short, Model)
    with pytest.raises(TrainingCollapsed) as caught:
        train(NOISY, CLEAN, network=Unmoved, steps=50, batch_size=8)
    assert isinstance(caught.value.model, Model)


def test_rows_of_a_table_are_no_image_by_accident() -> None:
    table = NOISY.reshape(64, -1)
    model = train(table, CLEAN.reshape(64, -1), **{**TINY, "network": "dense(hidden=[8])"})
    for use in (model, model.restore, model.encode, partial(restorae.restore, model=model)):
        for form in (table, torch.from_numpy(table), [table]):
            with pytest.raises(
                ShapeMismatch, match="64 flattened images of 12 × 12 px, or one image of 64 × 144"
            ):
                use(form)
    assert model(NOISY).shape == (64, 12, 12)
    assert model.restore(table, axes="HW").shape == model(table[None])[0].shape == (64, 144)


def test_validation_images_by_name_are_looked_for_in_the_same_folder(tmp_path: Path) -> None:
    """A named set in `data_dir`, which is found nowhere else."""
    asked: list[Path | None] = []

    def opened(source: str, **options: Any) -> ArrayImages:
        asked.append(options["data_dir"])
        return ArrayImages(NOISY[:8])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("restorae.training.api.open_images", opened)
        train(
            CLEAN, degradation="gaussian-noise", validation_data="mnist", data_dir=tmp_path, **TINY
        )
    assert asked == [tmp_path]
