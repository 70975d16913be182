"""Training data of all kinds: used as they are meant, or refused before training starts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage import data

from restorae.data import ArrayImages, ListedImages
from restorae.errors import BadImage, Interrupted, ShapeMismatch, in_words
from restorae.formats import write_still
from restorae.model import load
from restorae.progress import Progress
from restorae.training import Recipe, train
from restorae.training.data import load_training_data
from restorae.training.given import Given

# short trainings warn that they are short; what is warned of has tests that listen
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

SMALL = {
    "network": "unet(widths=[8,16],residual=true)",
    "patch": 32,
    "batch_size": 8,
    "seed": 1,
    "learning_rate": 5e-3,
}
CAMERA = data.camera()[::4, ::4].astype(np.float64) / 255
NOISE = "gaussian-noise(sigma=0.1)"


class Told(Progress):
    """Remembers what it heard; stops as Ctrl-C does after some steps."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.said: list[str] = []
        self.warnings: list[str] = []
        self.stop_after, self.steps = stop_after, 0

    def say(self, message: str) -> None:
        self.said.append(in_words(message))

    def warn(self, message: str) -> None:
        self.warnings.append(in_words(message))

    def advance(self, count: int, figures: object = None) -> None:
        self.steps += count
        if self.stop_after is not None and self.steps >= self.stop_after:
            import signal

            self.stop_after = None
            signal.raise_signal(signal.SIGINT)


def clean_images(count: int = 5) -> list[np.ndarray]:
    return [np.roll(CAMERA, 23 * place, place % 2) for place in range(count)]


def with_noise(images: list[np.ndarray], sigma: float = 0.1) -> list[np.ndarray]:
    return [
        each + np.random.default_rng(place).normal(0, sigma, each.shape)
        for place, each in enumerate(images)
    ]


def listed(images: list[np.ndarray], name: str = "{}.png") -> ListedImages:
    stored = [np.rint(each.clip(0, 1) * 255).astype(np.uint8) for each in images]
    return ListedImages(stored, [name.format(place) for place in range(len(stored))])


def told_of(degraded: ListedImages, clean: ListedImages, **settings: object) -> Told:
    told = Told()
    load_training_data(
        Recipe(**{**SMALL, **settings}), given=Given(clean=clean, degraded=degraded), progress=told
    )
    return told


def test_good_pairs_are_accepted_without_a_notice() -> None:
    clean = clean_images()
    told = told_of(listed(with_noise(clean)), listed(clean))
    assert (told.said, told.warnings) == ([], [])


def test_pairs_that_do_not_lie_on_each_other_are_named_with_their_shifts() -> None:
    clean = clean_images(6)
    degraded = with_noise(clean)
    degraded[2] = np.roll(degraded[2], (3, 1), (0, 1))
    warnings = told_of(listed(degraded), listed(clean)).warnings
    assert len(warnings) == 1
    assert "1 of the 6 pairs checked" in warnings[0]
    assert "2.png (3 px down and 1 px right)" in warnings[0]
    assert "or train on them anyway" in warnings[0]


def test_pairs_in_the_wrong_order_are_noticed() -> None:
    clean = [
        getattr(data, name)()[:128, :128] / 255
        for name in ("camera", "coins", "brick", "grass", "gravel", "moon")
    ]
    warnings = told_of(listed(with_noise(clean)), listed([*clean[1:], clean[0]])).warnings
    assert any(
        "no more alike than images of different pairs (0.png, 1.png" in warning
        for warning in warnings
    ), warnings


def test_swapped_folders_are_suspected_and_trained_on_all_the_same() -> None:
    clean = clean_images()
    warnings = told_of(listed(clean), listed(with_noise(clean))).warnings
    assert len(warnings) == 1
    assert "swap `degraded` and `clean`" in warnings[0]


def test_pairs_without_damage_are_refused() -> None:
    clean = clean_images()
    with pytest.raises(BadImage, match=r"are the same \(0.png, .*no damage to learn"):
        told_of(listed(clean), listed(clean))
    assert (
        "The same image twice in 1 of 5 pairs: 0.png"
        in told_of(listed([clean[0], *with_noise(clean)[1:]]), listed(clean)).warnings[0]
    )


@pytest.mark.parametrize(
    "images", [[CAMERA] * 3, [np.full((64, 64), 0.2)] * 2], ids=["alike", "constant"]
)
def test_images_that_say_nothing_are_refused_before_training_starts(
    tmp_path: Path, images: list[np.ndarray]
) -> None:
    expected = r"all the same \(0.*validation=0|show nothing"
    with pytest.raises(BadImage, match=expected):
        load_training_data(Recipe(degradation=NOISE, **SMALL), given=Given(clean=listed(images)))
    with pytest.raises(BadImage, match=expected):
        told_of(listed(with_noise(images)), listed(images))
    for place, each in enumerate(images):
        tifffile.imwrite(tmp_path / f"{place}.tif", np.rint(1000 + 3000 * each).astype(np.uint16))
    with pytest.raises(BadImage, match=r"The (3 )?noisy images"):
        load_training_data(Recipe(noisy=str(tmp_path), **SMALL))


def test_one_pair_asks_for_another_or_to_be_trusted(tmp_path: Path) -> None:
    clean = clean_images(1)
    with pytest.raises(ShapeMismatch, match=r"there is only one\. Use validation=0"):
        told_of(listed(with_noise(clean)), listed(clean))
    recipe = Recipe(validation=0, steps=40, **SMALL)
    model = train(recipe, tmp_path / "one", clean=listed(clean), degraded=listed(with_noise(clean)))
    assert (
        model.card.scores["validation"]["restored"]["psnr"]
        > model.card.scores["validation"]["degraded"]["psnr"]
    )
    assert "that it was trained on" in model.card.scores["validation"]["on"]


def test_one_noisy_image_is_enough_if_nothing_is_held_out(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", np.rint(1000 + 3000 * with_noise([CAMERA])[0]).astype(np.uint16)
    )
    assert train(Recipe(noisy=str(tmp_path), validation=0, steps=3, **SMALL)).card.steps == 3


def test_images_smaller_than_a_patch_are_continued_and_counted() -> None:
    clean = [each[:40, :50] for each in clean_images()]
    told = told_of(listed(with_noise(clean)), listed(clean), patch=48)
    assert "Smaller than a patch of 48 px, so extended by reflection: 5 of 5 images." in told.said


def test_images_without_partner_are_counted_and_some_are_named() -> None:
    clean = clean_images(10)
    told = told_of(listed(with_noise(clean)[:2]), listed(clean))
    assert "8 images without a partner left out: 2, 3, 4, 5, 6 and 3 more" in told.warnings[0]


@pytest.mark.parametrize("gain", [1.0, 0.2])
def test_micrographs_are_restored_in_the_scale_that_pairs_of_them_taught(
    tmp_path: Path, gain: float
) -> None:
    for place, (noisy, clean) in enumerate(
        zip(with_noise(clean_images()), clean_images(), strict=True)
    ):
        for folder, values, by in (("noisy", noisy, gain), ("clean", clean, 1.0)):
            (tmp_path / folder).mkdir(exist_ok=True)
            write_still(
                tmp_path / folder / f"{place}.tif",
                np.rint(by * (1000 + 3000 * values)).clip(0, 65_535).astype(np.uint16),
            )
    recipe = Recipe(
        degraded=str(tmp_path / "noisy"), clean=str(tmp_path / "clean"), steps=60, **SMALL
    )
    model = train(recipe, tmp_path / "model")
    assert model.card.values == "auto"
    fresh = (
        np.rint(gain * (1000 + 3000 * with_noise([CAMERA])[0])).clip(0, 65_535).astype(np.uint16)
    )
    restored = load(tmp_path / "model.safetensors").restore(fresh).astype(float) / gain
    before, after = (
        np.sqrt(np.square((each - 1000) / 3000 - CAMERA).mean())
        for each in (fresh / gain, restored)
    )
    assert after < 0.8 * before, f"an error of {before:.4f} became {after:.4f}"
    assert restored.mean() == pytest.approx((1000 + 3000 * CAMERA).mean(), rel=0.05)


def test_a_model_of_faded_images_maps_by_the_full_range() -> None:
    clean = [np.rint(each * 65_535).astype(np.uint16) for each in clean_images()]
    faded = [np.rint(20_000 + 0.15 * each.astype(float)).astype(np.uint16) for each in clean]
    names = [str(place) for place in range(5)]
    model = train(
        Recipe(steps=60, **SMALL),
        clean=ListedImages(clean, names),
        degraded=ListedImages(faded, names),
    )
    assert model.card.values == "full-range"


@pytest.mark.parametrize("change", ["clean", "degraded", "nothing"])
def test_changed_images_are_said_when_training_continues(tmp_path: Path, change: str) -> None:
    clean, recipe = clean_images(), Recipe(steps=30, **SMALL)
    sides = {"clean": listed(clean), "degraded": listed(with_noise(clean))}
    with pytest.raises(Interrupted):
        train(recipe, tmp_path / "model", **sides, progress=Told(stop_after=10))
    if change in sides:
        for stored in sides[change].stored:
            stored[60, 60] ^= 1  # the smallest change there is
    told = Told()
    assert train(recipe, tmp_path / "model", **sides, resume=True, progress=told).card.steps == 30
    assert any("have changed since the checkpoint" in warning for warning in told.warnings) is (
        change != "nothing"
    )


def test_files_that_changed_are_noticed_without_decoding_them(tmp_path: Path) -> None:
    from restorae.data.file_images import read_folder

    for place, each in enumerate(clean_images(2)):
        write_still(tmp_path / f"{place}.png", np.rint(each * 255).astype(np.uint8))
    opened = read_folder(tmp_path, memory=1)
    before = [opened.fingerprint(index) for index in range(2)]
    assert before == [read_folder(tmp_path, memory=1).fingerprint(index) for index in range(2)]
    write_still(tmp_path / "1.png", np.rint(clean_images(2)[1] * 254).astype(np.uint8))
    assert [opened.fingerprint(index) == mark for index, mark in enumerate(before)] == [True, False]


def test_an_array_is_marked_by_its_values() -> None:
    stored = np.zeros((2, 8, 8), np.uint8)
    images = ArrayImages(stored)
    assert images.fingerprint(0) == images.fingerprint(1)
    assert ArrayImages(stored.astype(np.uint16)).fingerprint(0) != images.fingerprint(0)
