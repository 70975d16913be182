"""What is held out follows from the images' content alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from restorae.data import (
    ArrayImages,
    GreyImages,
    ListedImages,
    content_hash,
    content_hashes,
    hold_out,
    hold_out_position,
    open_images,
    open_noisy,
)
from restorae.errors import ShapeMismatch, UsageError
from restorae.formats import write_still

IMAGES = [np.random.default_rng(seed).integers(0, 256, (9, 7), np.uint8) for seed in range(60)]
HASHES = [content_hash(image) for image in IMAGES]


def test_the_rule_is_what_it_was_when_bundled_models_were_trained() -> None:
    # scripts repeat these lines: changing the rule would move images between the sides
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    expected = hashlib.sha256(b"|u1 (3, 4)" + image.tobytes()).hexdigest()[:16]
    assert content_hash(image) == content_hash(image[..., None]) == expected
    digest = hashlib.sha256(b"restorae hold-out 1" + expected.encode()).digest()
    assert hold_out_position(expected) == int.from_bytes(digest[:8], "big") / 2**64


def test_values_shape_and_type_all_count() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    others = (image + 1, image.reshape(4, 3), image.astype(np.uint16), np.stack([image] * 3, -1))
    assert len({content_hash(image), *map(content_hash, others)}) == 5


def test_order_and_company_do_not_matter() -> None:
    held = {HASHES[index] for index in hold_out(HASHES, 0.3, 100)[1]}
    assert 5 < len(held) < 35
    turned = HASHES[::-1]
    assert {turned[index] for index in hold_out(turned, 0.3, 100)[1]} == held
    half = HASHES[:30]
    assert {half[index] for index in hold_out(half, 0.3, 100)[1]} == held & set(half)
    smaller = {HASHES[index] for index in hold_out(HASHES, 0.1, 100)[1]}
    assert smaller < held, "a larger share holds out the same images, and more"


def test_copies_of_an_image_fall_on_the_same_side() -> None:
    twice = HASHES + HASHES
    kept_in, held_out = hold_out(twice, 0.2, 1)
    assert len(held_out) == 2
    assert not {twice[index] for index in kept_in} & {twice[index] for index in held_out}
    assert sorted(kept_in + held_out) == list(range(120))


@pytest.mark.parametrize("share", [1e-9, 0.999999])
def test_each_side_gets_one(share: float) -> None:
    for count in (2, 5):
        assert all(hold_out(HASHES[:count], share, 100))


def test_at_most_so_many_are_held_out_those_with_the_smallest_positions() -> None:
    held = hold_out(HASHES, 0.9, 3)[1]
    smallest = sorted(range(60), key=lambda index: hold_out_position(HASHES[index]))[:3]
    assert held == sorted(smallest)


@pytest.mark.parametrize("hashes", [[], HASHES[:1], HASHES[:1] * 3])
def test_one_image_cannot_be_split(hashes: list[str]) -> None:
    with pytest.raises(ShapeMismatch, match="validation=0"):
        hold_out(hashes, 0.1, 10)


def test_what_the_starting_model_held_out_stays_held_out() -> None:
    kept_in, held = hold_out(HASHES, 0.1, 100)
    parent = [HASHES[index] for index in held]
    learned = [HASHES[index] for index in kept_in]
    assert hold_out(HASHES, 0.01, 100, always=parent, learned=learned)[1] == held
    with pytest.raises(UsageError, match="learned by the starting model"):
        hold_out(HASHES, 0.5, 100, always=parent, learned=learned)
    with pytest.raises(UsageError, match="nothing left to learn from"):
        hold_out(parent, 0.1, 100, always=parent)


def test_no_image_that_was_learned_is_held_out_for_want_of_others() -> None:
    few = sorted(HASHES, key=hold_out_position)[-3:]  # none of them lies below the share
    assert hold_out(few, 1e-9, 9, learned=few[:1])[1] == [1]
    with pytest.raises(UsageError, match="learned by the starting model"):
        hold_out(few, 1e-9, 9, learned=few)


def test_an_image_has_one_hash_however_it_is_opened(tmp_path: Path) -> None:
    for index, image in enumerate(IMAGES[:3]):
        write_still(tmp_path / f"{index}.png", image)
    np.save(tmp_path / "stack.npy", np.stack(IMAGES[:3]))
    from restorae.data.file_images import read_folder

    (tmp_path / "stack.npy").rename(tmp_path.parent / "stack.npy")
    opened = [
        open_images(tmp_path),
        read_folder(tmp_path, memory=1),
        open_noisy(tmp_path),
        open_noisy(tmp_path, memory=1),
        open_images(tmp_path.parent / "stack.npy"),
        ArrayImages(np.stack(IMAGES[:3])),
        ListedImages(IMAGES[:3], ["a", "b", "c"]),
        GreyImages(ListedImages(IMAGES[:3], ["a", "b", "c"])),
    ]
    assert all(content_hashes(each) == HASHES[:3] for each in opened)
