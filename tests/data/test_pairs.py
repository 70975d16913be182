"""Pairs: which degraded picture belongs to which clean one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restorae.data import ListedPictures, match
from restorae.errors import ShapeMismatch


def pictures(*names: str, shape: tuple[int, ...] = (4, 5)) -> ListedPictures:
    """Pictures whose value says which name they have."""
    return ListedPictures([np.full(shape, sum(name.encode()) % 251, np.uint8) for name in names], names)


def test_pictures_are_paired_by_name_whatever_order_they_came_in():
    pairs, lonely = match(pictures("b.png", "a.png", "sub/c.png"), pictures("sub/c.png", "b.png", "a.png"))
    assert list(pairs.degraded.names) == list(pairs.clean.names)
    assert set(pairs.clean.names) == {"a.png", "b.png", "sub/c.png"}
    assert all(torch.equal(pairs.degraded[place], pairs.clean[place]) for place in range(len(pairs)))
    assert len(pairs) == 3
    assert lonely == []


def test_suffixes_do_not_matter_but_folders_do():
    pairs, lonely = match(pictures("a.jpg", "one/b.jpg"), pictures("a.png", "two/b.png"))
    assert (list(pairs.degraded.names), list(pairs.clean.names)) == (["a.jpg"], ["a.png"])
    assert lonely == ["one/b", "two/b"]


def test_only_the_last_suffix_is_one():
    pairs, _ = match(pictures("scan.001.jpg", "scan.002.jpg"), pictures("scan.002.png", "scan.001.png"))
    assert list(pairs.clean.names) == ["scan.001.png", "scan.002.png"]


def test_pictures_without_partner_are_left_out_and_named():
    pairs, lonely = match(pictures("a.png", "c.png"), pictures("a.png", "b.png", "d.png"))
    assert list(pairs.clean.names) == ["a.png"]
    assert lonely == ["b", "c", "d"]


def test_names_that_differ_by_their_suffix_alone_are_paired_like_with_like():
    pairs, _ = match(pictures("a.jpg", "a.png"), pictures("a.jpg", "a.png"))
    assert list(pairs.degraded.names) == list(pairs.clean.names) == ["a.jpg", "a.png"]


def test_sets_that_share_no_name_are_refused_with_some_of_them():
    many = [f"scan-{place}.png" for place in range(7)]
    with pytest.raises(ShapeMismatch, match=r"share no names: scan-0.png, .*scan-4.png and 2 more against other.png") as caught:
        match(pictures(*many), pictures("other.png"))
    assert "A pair has the same path below its folder" in str(caught.value)


def test_partners_of_another_size_are_named():
    with pytest.raises(ShapeMismatch, match=r"2 pair\(s\) differ in size: a.png, b.png"):
        match(pictures("a.png", "b.png"), pictures("a.png", "b.png", shape=(5, 4)))


def test_grey_and_colour_are_no_pair():
    with pytest.raises(ShapeMismatch, match=r"The degraded pictures have 1 channel\(s\), the clean ones 3"):
        match(pictures("a.png"), pictures("a.png", shape=(4, 5, 3)))
