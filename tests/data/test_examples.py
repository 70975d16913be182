"""Examples: what training is shown follows from seed, epoch and place alone."""

from __future__ import annotations

import contextlib
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorae.data import ArrayImages, Examples, ImageSet, ListedImages
from restorae.data.file_images import FileImages, read_folder
from restorae.degradations import Degradation, GaussianNoise
from restorae.errors import ShapeMismatch
from restorae.formats import write_still
from restorae.pixels import to_grey
from restorae.shapes import Images

NOISE = Degradation.of("blur(sigma=0.5..1) | gaussian-noise(sigma=0.1..0.3)")
Batches = list[tuple[Images, Images]]


def array(count: int = 11, height: int = 6, width: int = 7) -> ArrayImages:
    return ArrayImages(
        np.random.default_rng(0).integers(0, 256, (count, height, width), dtype=np.uint8)
    )


def listed(*sizes: tuple[int, int], seed: int = 0) -> ListedImages:
    """Images in which every value comes once, so that a region says where it was cut."""
    stored = [
        (np.arange(height * width, dtype=np.uint16).reshape(height, width) + 1) * 3
        for height, width in sizes
    ]
    return ListedImages(stored, [f"{place}.png" for place in range(len(sizes))])


def filed(folder: Path, count: int = 5, channels: int = 1) -> FileImages:
    folder.mkdir(parents=True, exist_ok=True)
    for place in range(count):
        pixels = np.random.default_rng(place).integers(
            0, 256, (20 + place, 24, channels), dtype=np.uint8
        )
        write_still(folder / f"{place}.png", pixels.squeeze())
    found = read_folder(folder, memory=0)
    assert isinstance(found, FileImages)
    return found


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail where the block hangs, instead of hanging with it."""

    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"nothing came within {seconds:g} s: the worker hangs")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def same(one: Batches, other: Batches) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a, b)
        for pair in zip(one, other, strict=True)
        for a, b in zip(*pair, strict=True)
    )


VARIETIES = {
    "whole": lambda: Examples(array(), degradation=NOISE, seed=3),
    "whole, bent": lambda: Examples(array(), degradation=NOISE, augment=True, seed=3),
    "whole pairs": lambda: Examples(array(), degraded=array(), seed=3),
    "more draws than images": lambda: Examples(array(), degradation=NOISE, draws=30, seed=3),
    "patches": lambda: Examples(
        listed((20, 30), (16, 16), (9, 40)), degradation=NOISE, patch=8, seed=3
    ),
    "patches, turned": lambda: Examples(
        listed((20, 30), (16, 16)), degradation=NOISE, patch=8, augment=True, seed=3
    ),
    "patches of pairs": lambda: Examples(
        listed((20, 30), (16, 16)),
        degraded=listed((20, 30), (16, 16)),
        patch=8,
        augment=True,
        seed=3,
    ),
    "patches of an array": lambda: Examples(array(4, 20, 20), degradation=NOISE, patch=8, seed=3),
    "images alone": lambda: Examples(array(), seed=3),
    "images alone, black or white": lambda: Examples(array(), binarise=True, seed=3),
    "black or white, then damaged": lambda: Examples(
        array(), degradation=NOISE, binarise=True, seed=3
    ),
    "black or white, bent": lambda: Examples(array(), augment=True, binarise=True, seed=3),
    "patches alone, black or white": lambda: Examples(
        listed((20, 30), (16, 16)), patch=8, binarise=True, seed=3
    ),
}
each_variety = pytest.mark.parametrize("make", VARIETIES.values(), ids=VARIETIES)


@each_variety
def test_the_same_seed_and_epoch_give_the_same_batches(make):
    first = list(make().batches(2, 4))
    assert len(first) >= 2
    assert same(first, list(make().batches(2, 4)))
    assert not same(first, list(make().batches(3, 4))), "another epoch must show something else"


@each_variety
def test_another_seed_gives_other_batches(make):
    examples = make()
    other = Examples(**(vars(examples) | {"seed": 4}))
    assert not same(list(examples.batches(0, 4)), list(other.batches(0, 4)))


@each_variety
@pytest.mark.parametrize("start", [1, 2, 1000])
def test_starting_in_the_middle_is_skipping(make, start):
    whole = list(make().batches(1, 3))
    assert same(list(make().batches(1, 3, start=start)), whole[start:])


@each_variety
def test_batches_are_full_and_of_the_right_shape(make):
    examples = make()
    batches = list(examples.batches(0, 4))
    assert len(batches) == len(examples) // 4
    side = (examples.patch, examples.patch) if examples.patch else examples.clean.common_size
    for degraded, clean in batches:
        assert degraded.shape == clean.shape == (4, examples.clean.channels, *side)
        assert degraded.dtype == clean.dtype == torch.float32
        assert degraded.is_contiguous() or degraded.is_contiguous(memory_format=torch.channels_last)


def test_fewer_examples_than_a_batch_are_one_small_batch():
    (batch,) = Examples(array(3), degradation=NOISE).batches(0, 100)
    assert batch[1].shape == (3, 1, 6, 7)
    assert list(Examples(array(3), degradation=NOISE).batches(0, 100, start=1)) == []


@given(st.integers(1, 30), st.integers(1, 80), st.integers(0, 5))
def test_an_epoch_visits_every_image_as_often_as_every_other(count, draws, epoch):
    examples = Examples(array(count), degradation=NOISE)
    assert sorted(examples.order(epoch)) == list(range(count))
    visits = Counter(Examples(array(count), degradation=NOISE, draws=draws).order(epoch))
    assert visits.total() == draws
    assert max(visits.values()) - min(visits[index] for index in range(count)) <= 1


def test_large_images_give_more_patches():
    examples = Examples(listed((32, 32), (16, 16), (4, 4), (8, 16)), degradation=NOISE, patch=8)
    assert Counter(examples.order(0)) == {0: 16, 1: 4, 2: 1, 3: 2}
    assert len(examples) == 23


def test_images_of_different_sizes_need_patches():
    with pytest.raises(ShapeMismatch, match="differ in size, so training needs patches of them"):
        Examples(listed((4, 4), (5, 5)), degradation=NOISE)


# ------------------------------------------------------------------------------------------------- damage


def test_every_batch_gets_new_damage():
    examples = Examples(
        ArrayImages(np.full((4, 8, 8), 128, np.uint8)),
        degradation=GaussianNoise(sigma=0.1),
        draws=12,
    )
    fields = [
        degraded - clean for epoch in range(2) for degraded, clean in examples.batches(epoch, 4)
    ]
    images = [one.numpy().tobytes() for field in fields for one in field]
    assert len(images) == 24
    assert len(set(images)) == 24


def test_the_clean_side_is_the_image_itself():
    images = array()
    examples = Examples(images, degradation=NOISE, seed=1)
    order = examples.order(0)
    for place, (_, clean) in enumerate(examples.batches(0, 3)):
        assert torch.equal(clean, images.batch(order[place * 3 : place * 3 + 3]))


def test_whole_pairs_stay_pairs():
    clean = array()
    degraded = ArrayImages(clean.stored[:, 0] // 2)
    for left, right in Examples(clean, degraded=degraded).batches(0, 4):
        assert torch.allclose(left, right / 2, atol=1 / 255)


def test_whole_pairs_that_are_bent_stay_pairs():
    stored = np.random.default_rng(0).random((6, 28, 28)).astype(np.float32)
    examples = Examples(ArrayImages(stored), degraded=ArrayImages(stored / 2), augment=True)
    for left, right in examples.batches(0, 3):
        assert torch.allclose(left, right / 2, atol=1e-5), (
            "the clean image was bent and its partner was not"
        )


def test_nothing_touches_the_global_generator(tmp_path):
    before = torch.get_rng_state()
    for make in VARIETIES.values():
        next(make().batches(0, 2))
    examples = Examples(filed(tmp_path), degradation=NOISE, patch=8)
    for workers in (0, 1):
        with within(15):
            next(examples.batches(0, 2, workers=workers))
        assert torch.equal(torch.get_rng_state(), before), (
            f"{workers} workers draw from the global generator"
        )


# ------------------------------------------------------------------------------------------------- images alone, black or white


@pytest.mark.parametrize(
    "settings",
    [{}, {"binarise": True}, {"augment": True}, {"binarise": True, "augment": True}],
    ids=str,
)
def test_without_partner_and_damage_both_sides_are_the_same(settings):
    examples = Examples(
        ArrayImages(np.random.default_rng(0).random((6, 28, 28), dtype=np.float32)), **settings
    )
    batches = list(examples.batches(0, 3))
    assert len(batches) == 2
    for left, right in batches:
        assert torch.equal(left, right)


def test_patches_alone_have_the_same_region_on_both_sides():
    for left, right in Examples(listed((20, 31), (12, 9)), patch=8, augment=True, draws=20).batches(
        0, 4
    ):
        assert torch.equal(left, right)


def test_images_alone_are_the_images_in_the_epochs_order():
    images = array()
    examples = Examples(images, seed=1)
    order = examples.order(2)
    for place, (_, clean) in enumerate(examples.batches(2, 3)):
        assert torch.equal(clean, images.batch(order[place * 3 : place * 3 + 3]))


def test_a_pixel_is_white_as_often_as_it_is_bright():
    shades = np.linspace(0, 1, 8 * 8, dtype=np.float32).reshape(1, 8, 8)
    examples = Examples(ArrayImages(shades), binarise=True, draws=4000)
    drawn = torch.cat([clean for _, clean in examples.batches(0, 100)])
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    shares = drawn.mean(0)[0].numpy()
    errors = (shares - shades[0]) / np.maximum((shades[0] * (1 - shades[0]) / 4000) ** 0.5, 1e-9)
    assert np.abs(errors).max() < 4.5, f"off by {np.abs(errors).max():.1f} standard errors"


def test_images_are_drawn_black_or_white_anew_in_every_epoch_and_place():
    examples = Examples(ArrayImages(np.full((4, 12, 12), 128, np.uint8)), binarise=True, draws=12)
    drawn = [
        one.numpy().tobytes()
        for epoch in range(2)
        for _, clean in examples.batches(epoch, 4)
        for one in clean
    ]
    assert len(set(drawn)) == len(drawn) == 24


def test_black_and_white_images_are_left_as_they_are():
    stored = (np.random.default_rng(0).random((6, 9, 9)) > 0.5).astype(np.uint8) * 255
    plain, drawn = (Examples(ArrayImages(stored), binarise=binarise) for binarise in (False, True))
    assert same(list(plain.batches(0, 3)), list(drawn.batches(0, 3)))


def test_images_are_drawn_black_or_white_before_they_are_damaged():
    examples = Examples(array(8), degradation=GaussianNoise(sigma=0.01), binarise=True)
    for degraded, clean in examples.batches(0, 4):
        assert set(clean.unique().tolist()) <= {0.0, 1.0}
        assert (degraded - clean).abs().max() < 0.1, (
            "the damage was done to other images than those that are to be restored"
        )


def test_pairs_keep_their_degraded_side_when_the_clean_one_is_drawn_black_or_white():
    clean = array(8)
    degraded = ArrayImages(clean.stored[:, 0] // 2)
    plain, drawn = (
        Examples(clean, degraded=degraded, binarise=binarise) for binarise in (False, True)
    )
    for (left, _), (again, right) in zip(plain.batches(0, 4), drawn.batches(0, 4), strict=True):
        assert torch.equal(left, again)
        assert set(right.unique().tolist()) <= {0.0, 1.0}


def test_values_outside_the_scale_are_the_nearer_end():
    stored = np.array([-0.5, 1.5], np.float32).reshape(1, 1, 2).repeat(4, 0)
    for _, clean in Examples(ArrayImages(stored), binarise=True).batches(0, 4):
        assert torch.equal(clean, torch.tensor([0.0, 1.0]).expand(4, 1, 1, 2))


# ------------------------------------------------------------------------------------------------- patches


def where(patch: torch.Tensor, width: int) -> tuple[int, int]:
    """Where a region of a `listed` image was cut, and a check that it is one."""
    values = (patch[0] * 65535 / 3 - 1).round().long()
    row, column = divmod(int(values[0, 0]), width)
    down, across = torch.meshgrid(
        torch.arange(values.shape[0]), torch.arange(values.shape[1]), indexing="ij"
    )
    assert torch.equal(values, (row + down) * width + column + across), "no region of the image"
    return row, column


def test_patches_are_regions_from_everywhere():
    examples = Examples(listed((11, 13)), degraded=listed((11, 13)), patch=8, draws=300)
    places = Counter(where(clean[0], 13) for _, clean in examples.batches(0, 1))
    assert set(places) == {(row, column) for row in range(4) for column in range(6)}
    expected = 300 / 24
    assert max(places.values()) < expected + 5 * expected**0.5


@pytest.mark.parametrize("augment", [False, True])
def test_pairs_are_cut_alike(augment):
    clean = listed((20, 31), (12, 9))
    degraded = ListedImages([65535 - image for image in clean.stored], clean.names)
    examples = Examples(clean, degraded=degraded, patch=8, augment=augment, draws=64)
    for left, right in examples.batches(0, 8):
        assert torch.allclose(left, 1 - right, atol=1e-6), (
            "the degraded and the clean patch show different regions"
        )


def test_patches_are_turned_and_mirrored_in_all_eight_ways():
    image = listed((8, 8))
    upright = image[0]
    ways = {
        turned.numpy().tobytes(): (quarter, mirrored)
        for quarter in range(4)
        for mirrored in (False, True)
        for turned in [
            (
                upright.rot90(quarter, (1, 2)).flip(2)
                if mirrored
                else upright.rot90(quarter, (1, 2))
            ).contiguous()
        ]
    }
    examples = Examples(image, degraded=image, patch=8, augment=True, draws=120)
    seen = Counter(
        ways[clean[0].contiguous().numpy().tobytes()] for _, clean in examples.batches(0, 1)
    )
    assert len(seen) == 8
    assert min(seen.values()) > 2


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 24))
def test_a_patch_larger_than_the_image_continues_it_by_its_mirror(height, width, patch):
    image = listed((height, width))
    examples = Examples(image, degraded=image, patch=patch)
    degraded, clean = next(examples.batches(0, 1))
    assert clean.shape == (1, 1, patch, patch)
    assert torch.equal(degraded, clean)
    whole = np.pad(image.stored[0], ((0, patch), (0, patch)), mode="symmetric")
    values = (clean[0, 0] * 65535).round().numpy().astype(np.uint16)
    top, left = (
        int(place)
        for place in np.argwhere(
            whole[: max(1, height - patch + 1), : max(1, width - patch + 1)] == values[0, 0]
        )[0]
    )
    assert np.array_equal(values, whole[top : top + patch, left : left + patch])


# ------------------------------------------------------------------------------------------------- files and workers


@pytest.mark.parametrize("patch", [8, 40])
@pytest.mark.parametrize("paired", [False, True])
def test_a_worker_reads_the_same_batches(tmp_path, patch, paired):
    clean = filed(tmp_path / "clean")
    degraded = filed(tmp_path / "degraded") if paired else None
    examples = Examples(
        clean,
        degraded=degraded,
        degradation=None if paired else NOISE,
        patch=patch,
        augment=True,
        draws=12,
        seed=5,
    )
    here = list(examples.batches(1, 3))
    with within(15):
        assert same(list(examples.batches(1, 3, workers=1)), here)
        assert same(list(examples.batches(1, 3, start=2, workers=1)), here[2:])


def test_files_give_what_memory_gives(tmp_path):
    on_disk = filed(tmp_path, channels=3)
    in_memory: ImageSet = read_folder(tmp_path)
    assert isinstance(in_memory, ListedImages)
    for settings in ({"patch": 8}, {"patch": 8, "augment": True, "draws": 9}):
        one, other = (
            Examples(each, degradation=NOISE, seed=2, **settings) for each in (on_disk, in_memory)
        )
        assert same(list(one.batches(0, 3)), list(other.batches(0, 3)))


# ------------------------------------------------------------------------------------------------- held out


def colours(count: int = 12, side: int = 6) -> ArrayImages:
    return ArrayImages(
        np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    )


@pytest.mark.parametrize("paired", [False, True])
def test_every_other_batch_is_grey_and_epochs_take_turns(paired):
    settings = {"degraded": colours()} if paired else {}
    plain, both = (
        Examples(colours(), seed=1, grey_too=grey_too, **settings) for grey_too in (False, True)
    )
    for epoch in (0, 1):
        for place, (colour, shown) in enumerate(
            zip(plain.batches(epoch, 3), both.batches(epoch, 3), strict=True)
        ):
            grey = (epoch + place) % 2 == 1
            for one, other in zip(shown, colour, strict=True):
                assert one.shape[1] == (1 if grey else 3)
                assert torch.equal(one, to_grey(other) if grey else other)


def test_grey_batches_are_damaged_in_grey_and_found_again_from_the_middle():
    examples = Examples(colours(), degradation=GaussianNoise(sigma=0.1), seed=1, grey_too=True)
    batches = list(examples.batches(0, 3))
    assert [degraded.shape[1] for degraded, _ in batches] == [3, 1, 3, 1]
    for degraded, clean in batches:
        assert (degraded - clean).std().item() == pytest.approx(0.1, rel=0.3)
    for place, (degraded, clean) in enumerate(examples.batches(0, 3, start=1), 1):
        assert torch.equal(degraded, batches[place][0])
        assert torch.equal(clean, batches[place][1])
