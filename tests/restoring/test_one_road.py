"""What must not matter: tile size, dtype, batch order, preview or file, command or Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from restorae.degradations import Degradation
from restorae.errors import Message, SettingsConflict, in_words
from restorae.model import Card, bundled, load, read_card
from restorae.networks import Network
from restorae.parts import kinds
from restorae.pixels import to_stored, to_working
from restorae.progress import Progress
from restorae.randomness import generator
from restorae.regions import smallest_tile
from restorae.restoring import (
    Capabilities,
    Classical,
    RestoreRequest,
    open_restorer,
    plan_tasks,
    preview_files,
    restore_files,
)
from restorae.restoring.colouring import restore_and_colour
from restorae.restoring.image import blended_notice
from restorae.restoring.preview import SIDE
from restorae.restoring.request import CONFLICTS
from tests.command import run


class Hearing(Progress):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str | Message) -> None:
        self.said.append(in_words(message))


def restores_images(card: Card) -> bool:
    """Whether it restores images one by one; a network for films needs the neighbours of a frame."""
    return card.restores and not Network.from_dict(card.network).neighbours


DRAWS = "digits-restorer-vae"
RESTORERS = [
    *(name for name, path in bundled().items() if restores_images(read_card(path))),
    *(f"classical:{kind.kind}" for kind in kinds(Classical)),  # type: ignore[type-abstract]
]
EXACT = [name for name in RESTORERS if open_restorer(name).capabilities.halo is not None]
WHOLE = [name for name in RESTORERS if name not in EXACT]
"""Wavelet shrinkage takes its thresholds from the whole image, inpainting the rim of a hole of any size: tiles cannot be exact."""


def half_grey(height: int = 150, width: int = 160) -> np.ndarray:
    """A noisy grey photograph beside a noisy coloured one, (height, width, 3) uint8."""
    photo = np.tile(skimage.data.astronaut()[100:, 100:], (1, 2, 1))[:height, 50 : 50 + width]
    clean = photo.copy()
    clean[:, : width // 2] = photo[:, : width // 2, 1:2]
    noise = np.random.default_rng(0).normal(0, 20, (*clean.shape[:2], 1))
    return np.clip(clean + noise, 0, 255).astype(np.uint8)


def through_files(
    folder: Path, array: np.ndarray, name: str = "out", **settings: Any
) -> np.ndarray:
    """An array through a file and a restorer."""
    return through_files_with_notices(folder, array, name, **settings)[0]


def through_files_with_notices(
    folder: Path, array: np.ndarray, name: str = "out", **settings: Any
) -> tuple[np.ndarray, list[str]]:
    """An array through a file and a restorer, and what was said meanwhile."""
    source, target = folder / "in.npy", folder / f"{name}.npy"
    np.save(source, array)
    request = RestoreRequest(**settings)
    tasks = plan_tasks([source], target, with_samples=request.samples is not None)
    heard = Hearing()
    report = restore_files(tasks, request, progress=heard)
    assert report.failures == []
    return np.load(target), heard.said


FAR_SEEING = ("page-cleaner", "photo-restorer")
"""Their halo, and with it the smallest image that has a tile of grey alone, makes this test take long."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in FAR_SEEING else ()) for name in EXACT],
)
def test_tiles_give_what_the_whole_gives_on_an_image_half_grey_half_colour(
    tmp_path: Path, name: str
) -> None:
    capabilities = open_restorer(name).capabilities
    halo = capabilities.halo_for(RestoreRequest(model=name))
    small = max(96, smallest_tile(halo, capabilities.multiple_of) + 32)
    # so wide that some tiles see grey alone
    image, settings = half_grey(small + 10, 2 * small + 40), {"model": name}
    whole = through_files(tmp_path, image, "whole", tile=4096, **settings)
    tiled = through_files(tmp_path, image, "tiled", tile=small, **settings)
    assert np.abs(whole.astype(int) - tiled).max() <= 1, (
        "one level where rounding falls the other way"
    )
    assert (whole != image).mean() > 0.01, "it restores something"


@pytest.mark.parametrize("name", WHOLE)
def test_what_needs_the_whole_image_gets_it_unless_tiles_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("restorae.tile_size._LARGEST", 100)
    image, restorer = half_grey(150, 240), open_restorer(name)
    settings: dict[str, Any] = {"model": name}
    given = to_working(image)[None]
    mask = np.zeros(image.shape[:2], bool)
    if restorer.capabilities.needs_mask:
        for row, column in np.random.default_rng(0).integers(0, (140, 230), (20, 2)):
            mask[row : row + 4, column : column + 9] = True
        Image.fromarray(mask).save(tmp_path / "mask.png")
        settings["mask"] = tmp_path / "mask.png"
        given = torch.cat([given, torch.from_numpy(mask)[None, None]], 1)
    expected = Classical.of(name.partition(":")[2]).apply(given)[0]
    whole, said = through_files_with_notices(tmp_path, image, "whole", **settings)
    assert said == []
    assert np.abs(whole - to_stored(expected, image).astype(int)).max() <= 1

    tiled, said = through_files_with_notices(tmp_path, image, "tiled", tile=100, **settings)
    assert said == [blended_notice(name, 100)]
    assert np.abs(tiled.astype(int) - whole)[whole != image].mean() < 1


@pytest.mark.parametrize("name", ["photo-denoiser", "page-cleaner", "classical:wavelet"])
def test_the_type_of_the_values_does_not_matter(tmp_path: Path, name: str) -> None:
    image = half_grey()
    eight = through_files(tmp_path, image, "8", model=name)
    sixteen = through_files(tmp_path, image.astype(np.uint16) * 257, "16", model=name)
    floats = through_files(tmp_path, (image / 255).astype(np.float32), "f", model=name)
    assert np.abs(sixteen / 257 - eight).max() <= 0.51
    assert np.abs(np.clip(floats, 0, 1) * 255 - eight).max() <= 0.51


def test_the_companions_in_a_batch_do_not_matter() -> None:
    image = half_grey()
    stack = np.stack([image[:80, 50:110], image[:80, 90:150], image[:80, :60]])
    model = load("photo-denoiser")
    together = model.restore(stack)
    for index, alone in enumerate(stack):
        assert np.abs(model.restore(alone).astype(int) - together[index]).max() <= 1
        turned = model.restore(stack[::-1])[::-1][index]
        assert np.abs(turned.astype(int) - together[index]).max() <= 1


def digits() -> np.ndarray:
    """Noisy digits, (6, 28, 28) of 12 bits in uint16."""
    clean = torch.from_numpy(load("digits-vae").sample(6, seed=1))[:, None]
    damage = Degradation.of("gaussian-noise(sigma=0.2)").draw(generator(0), len(clean))
    noisy = damage.apply(clean).clamp(0, 1)[:, 0].numpy()
    return np.rint(noisy * 4095).astype(np.uint16)


def test_samples_lie_around_what_restore_gives_whatever_the_type(tmp_path: Path) -> None:
    twelve = digits()
    model = load(DRAWS)
    for array in (twelve, (twelve // 16).astype(np.uint8), (twelve / 4095).astype(np.float32)):
        mean = through_files(tmp_path, array, model=DRAWS, samples=24)
        samples = np.load(tmp_path / "out-samples.npy")
        restored = through_files(tmp_path, array, "one", model=DRAWS)
        span = float(array.max())
        assert np.abs(samples.mean(0) - mean).mean() / span < 0.01, (
            "but for what was cut and rounded"
        )
        assert np.abs(mean / span - restored / span).mean() < 0.05
        drawn = model.sample_restorations(array, 24)
        np.testing.assert_allclose(drawn / span, samples / span, atol=1e-3)
        for name in ("out", "out-samples", "out-spread", "one"):
            (tmp_path / f"{name}.npy").unlink()


def test_twelve_bits_in_sixteen_are_encoded_where_eight_bits_are() -> None:
    model, twelve = load("digits-vae"), digits()
    far = model.encode((twelve // 16).astype(np.uint8)).mean - model.encode(twelve).mean
    assert far.abs().max() < 0.1


def test_a_preview_is_a_crop_of_the_written_file(tmp_path: Path) -> None:
    """Of 16 bits with a bright rim: the middle alone has another range than the file."""
    photo = skimage.data.camera()[:440, :500].astype(np.float64)
    image = (500 + photo / 255 * 200).astype(np.uint16)
    image[:8] = 9000
    np.save(tmp_path / "in.npy", image)
    tasks = plan_tasks([tmp_path / "in.npy"], tmp_path / "out.npy")
    request = RestoreRequest(model="photo-denoiser")
    ((_, (_, shown)),), _ = preview_files(tasks, request)
    restore_files(tasks, request)
    top, left = (440 - SIDE) // 2, (500 - SIDE) // 2
    crop = np.load(tmp_path / "out.npy")[top : top + SIDE, left : left + SIDE].astype(np.float64)
    low, high = np.percentile(image, (0.1, 99.9))
    np.testing.assert_allclose(
        shown[0].numpy() * (high - low) + low, np.clip(crop, low, high), atol=1.01
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_half_strength_is_half_way_between_two_files(tmp_path: Path, dtype: type) -> None:
    image = half_grey()
    image[:60] = np.where(image[:60] > 128, 255, 0)  # restored values beyond black and white
    array = to_stored(to_working(image), np.empty(image.shape, dtype))
    full = through_files(tmp_path, array, "full", model="photo-restorer")
    half = through_files(tmp_path, array, "half", model="photo-restorer", strength=0.5)
    expected = (array.astype(np.float64) + full) / 2
    if dtype != np.float32:
        expected = np.rint(expected)
    np.testing.assert_allclose(half, expected, atol=1e-6)


def test_grain_is_fine_brightness_and_nothing_else(tmp_path: Path) -> None:
    image = half_grey()
    plain = through_files(tmp_path, image, "plain", model="photo-denoiser").astype(float)
    grained = through_files(tmp_path, image, "grain", model="photo-denoiser", grain=0.5)
    added = grained - plain
    inside = (plain > 40) & (plain < 215)
    removed = image - plain
    assert np.corrcoef(added[inside], removed[inside])[0, 1] > 0.8
    coarse = added.reshape(15, 10, 16, 10, 3).mean((1, 3))
    assert np.abs(coarse).mean() < 0.3 * np.abs(added).mean()


VALUES_TO_SAY: dict[str, Any] = {
    "strength": 0.5,
    "grain": 0.25,
    "mask": "mask.png",
    "repair": "defects",
    "tone": 0.5,
    "defect_mask": True,
    "references": ("reference.png",),
    "recolour": True,
    "self_ensemble": 2,
    "error_map": True,
    "seed": 3,
    "format": "png",
    "quality": 50,
    "values": "own-range",
    "axes": "YXC",
    "together": True,
    "max_pixels": 10_000_000,
    "keep_times": False,
    "tile": 200,
    "precision": "float32",
    "runtime": "onnx",
}
"""A value for every field but the model and the samples, which other tests give."""


@pytest.mark.parametrize("field", [name for name in RestoreRequest.names() if name != "model"])
def test_the_command_does_what_python_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    suffix = "npy" if field == "axes" else "png"
    image = half_grey()
    Image.fromarray(image[..., 0]).save(tmp_path / "mask.png")
    Image.fromarray(image).save(tmp_path / "in.png")
    np.save(tmp_path / "in.npy", image)
    model, value = "photo-denoiser", VALUES_TO_SAY.get(field)
    if field == "references":
        Image.fromarray(image).save(tmp_path / "reference.png")
        Image.fromarray(image).convert("L").save(tmp_path / "in.png")
    if field == "samples":
        model, value, suffix = DRAWS, 2, "npy"
        np.save(tmp_path / "in.npy", digits())
    option = field.replace("_", "-")
    words = [f"--no-{option}"] if value is False else [f"--{option}"]
    words += (
        [] if isinstance(value, bool) else map(str, value if isinstance(value, tuple) else [value])
    )
    done = run(
        "restore",
        f"in.{suffix}",
        "--model",
        model,
        *words,
        "--out",
        f"command.{suffix}",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    monkeypatch.chdir(tmp_path)
    request = RestoreRequest(model=model, **{field: value})
    tasks = plan_tasks(
        [Path(f"in.{suffix}")],
        Path(f"python.{suffix}"),
        kind=request.format,
        with_samples=request.samples is not None,
        with_error_map=request.error_map,
        with_defect_mask=request.defect_mask,
    )
    assert restore_and_colour(tasks, request).failures == []
    by_command = sorted(path for path in tmp_path.glob("command*"))
    by_python = sorted(path for path in tmp_path.glob("python*"))
    assert [path.name.removeprefix("command") for path in by_command] == [
        path.name.removeprefix("python") for path in by_python
    ]
    for one, other in zip(by_command, by_python, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


@pytest.mark.parametrize("pair", CONFLICTS, ids=" and ".join)
def test_settings_that_exclude_each_other_are_refused_in_one_wording(pair: tuple[str, str]) -> None:
    able = Capabilities(
        name="able", halo=0, is_network=True, can_sample=True, has_error_bounds=True
    )
    values = VALUES_TO_SAY | {"samples": 2}
    said = {name: values[name] for name in pair if name != "preview"}
    with pytest.raises(SettingsConflict) as refused:
        RestoreRequest(**said).check(able, preview="preview" in pair)
    assert refused.value.message.settings == pair
    for name, value in said.items():
        if name not in ("samples", "error_map"):
            RestoreRequest(**{name: value}).check(able)


def test_every_field_has_a_group_and_a_help_and_a_value_here() -> None:
    for field in RestoreRequest.form_fields():
        assert field.help, field.name
        assert field.name in {*VALUES_TO_SAY, "model", "samples"}
