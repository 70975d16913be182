"""Pairs: which degraded image belongs to which clean one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restorae.data import ListedImages, match
from restorae.errors import ShapeMismatch


def some_images(*names: str, shape: tuple[int, ...] = (4, 5)) -> ListedImages:
    """Images whose value says which name they have."""
    return ListedImages(
        [np.full(shape, sum(name.encode()) % 251, np.uint8) for name in names], names
    )


def test_images_are_paired_by_name_whatever_order_they_came_in():
    pairs, unmatched = match(
        some_images("b.png", "a.png", "sub/c.png"), some_images("sub/c.png", "b.png", "a.png")
    )
    assert list(pairs.degraded.names) == list(pairs.clean.names)
    assert set(pairs.clean.names) == {"a.png", "b.png", "sub/c.png"}
    assert all(
        torch.equal(pairs.degraded[place], pairs.clean[place]) for place in range(len(pairs))
    )
    assert len(pairs) == 3
    assert unmatched == []


def test_suffixes_do_not_matter_but_folders_do():
    pairs, unmatched = match(some_images("a.jpg", "one/b.jpg"), some_images("a.png", "two/b.png"))
    assert (list(pairs.degraded.names), list(pairs.clean.names)) == (["a.jpg"], ["a.png"])
    assert unmatched == ["one/b", "two/b"]


def test_only_the_last_suffix_is_one():
    pairs, _ = match(
        some_images("scan.001.jpg", "scan.002.jpg"), some_images("scan.002.png", "scan.001.png")
    )
    assert list(pairs.clean.names) == ["scan.001.png", "scan.002.png"]


def test_images_without_partner_are_left_out_and_named():
    pairs, unmatched = match(some_images("a.png", "c.png"), some_images("a.png", "b.png", "d.png"))
    assert list(pairs.clean.names) == ["a.png"]
    assert unmatched == ["b", "c", "d"]


def test_names_that_differ_by_their_suffix_alone_are_paired_like_with_like():
    pairs, _ = match(some_images("a.jpg", "a.png"), some_images("a.jpg", "a.png"))
    assert list(pairs.degraded.names) == list(pairs.clean.names) == ["a.jpg", "a.png"]


def test_sets_that_share_no_name_are_refused_with_some_of_them():
    many = [f"scan-{place}.png" for place in range(7)]
    with pytest.raises(
        ShapeMismatch,
        match=r"share no names: scan-0.png, .*scan-4.png and 2 more against other.png",
    ) as caught:
        match(some_images(*many), some_images("other.png"))
    assert "A pair has the same path below its folder" in str(caught.value)


def test_partners_of_another_size_are_named_with_both_sizes():
    small, large = (
        some_images("a.png", "b.png", "c.png"),
        some_images("a.png", "b.png", "c.png", shape=(8, 10)),
    )
    with pytest.raises(
        ShapeMismatch,
        match=r"Different sizes in 3 of 3 pairs.*: a.png \(4 × 5 against 8 × 10\), b.png .*Crop or resize",
    ):
        match(small, large)


def test_partners_that_lie_on_their_side_are_said_to():
    with pytest.raises(ShapeMismatch, match=r"a.png \(4 × 5 against 5 × 4\).*rotated by 90°"):
        match(some_images("a.png", "b.png"), some_images("a.png", "b.png", shape=(5, 4)))


def test_names_that_differ_by_their_suffix_alone_are_not_chosen_from():
    with pytest.raises(
        ShapeMismatch,
        match=r"unclear.*a.jpg, a.tif against a.png\. They differ only in their suffix",
    ):
        match(some_images("a.jpg", "a.tif", "b.jpg"), some_images("a.png", "b.png"))


def test_of_two_such_names_the_one_that_is_the_partners_own_is_its_partner():
    pairs, unmatched = match(some_images("a.jpg", "a.png"), some_images("a.png"))
    assert list(pairs.degraded.names) == ["a.png"]
    assert unmatched == ["a.jpg"]


def test_what_looks_like_a_suffix_and_is_none_belongs_to_the_name():
    pairs, unmatched = match(
        some_images("scan.001", "scan.002"), some_images("scan.002", "scan.001")
    )
    assert list(pairs.clean.names) == ["scan.001", "scan.002"]
    assert unmatched == []


@pytest.mark.parametrize(
    ("degraded", "clean", "said"),
    [
        (
            ("001-degraded.png", "002-degraded.png"),
            ("001-clean.png", "002-clean.png"),
            "the ending '-degraded' (degraded) and '-clean' (clean)",
        ),
        (
            ("x/page_dirty.jpg", "x/map_dirty.jpg"),
            ("x/page.png", "x/map.png"),
            "the ending '_dirty' (degraded)",
        ),
        (
            ("noisy_1.png", "noisy_2.png"),
            ("gt_1.png", "gt_2.png"),
            "the beginning 'noisy_' (degraded) and 'gt_' (clean)",
        ),
    ],
)
def test_a_word_that_all_names_end_or_begin_with_is_left_aside_with_a_notice(degraded, clean, said):
    pairs, unmatched = match(some_images(*degraded), some_images(*clean))
    assert list(zip(pairs.degraded.names, pairs.clean.names, strict=True)) == list(
        zip(degraded, clean, strict=True)
    )
    assert unmatched == []
    assert pairs.notices == (f"Images are paired by their names without {said}.",)


@pytest.mark.parametrize(
    ("degraded", "clean"),
    [
        (("a-old.png", "b-new.png"), ("a-clean.png", "b-clean.png")),  # no word is common to all
        (("scan-1.png", "text-1.png"), ("scan-2.png", "text-2.png")),  # numbers count
        (("old.png", "new.png"), ("one.png", "two.png")),
    ],
)
def test_names_are_not_guessed(degraded, clean):
    with pytest.raises(ShapeMismatch, match="share no names"):
        match(some_images(*degraded), some_images(*clean))


def test_grey_restorations_of_colour_scans_become_three_equal_channels():
    pairs, _ = match(some_images("a.png", shape=(4, 5, 3)), some_images("a.png"))
    assert (pairs.degraded.channels, pairs.clean.channels) == (3, 3)
    assert torch.equal(pairs.clean[0][0], pairs.clean[0][2])
    assert "the model will produce grey images" in pairs.notices[0]


def test_colour_partners_of_grey_images_are_seen_in_grey():
    pairs, _ = match(some_images("a.png"), some_images("a.png", shape=(4, 5, 3)))
    assert (pairs.degraded.channels, pairs.clean.channels) == (1, 1)
    assert "converted to grey" in pairs.notices[0]
