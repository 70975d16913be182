"""Tile size: it fits the memory, and shrinks when memory runs out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorae.machine import available_memory
from restorae.regions import smallest_tile
from restorae.tile_size import (
    is_out_of_memory,
    smaller_tile,
    tile_for,
    tile_for_free_memory,
    with_smaller_tiles,
)
from restorae.tiling import plan_for


@given(
    st.integers(0, 2**34), st.floats(1, 1e5), st.one_of(st.none(), st.integers(0, 60)), st.sampled_from((1, 4, 8)), st.integers(1, 4096)
)  # fmt: skip
def test_a_tile_fits_the_memory_or_is_the_smallest_that_works(
    memory, bytes_per_pixel, halo, multiple, largest
):
    tile = tile_for(
        memory, bytes_per_pixel, halo=halo, multiple_of=(multiple, multiple), largest=largest
    )
    least = smallest_tile(halo, (multiple, multiple))
    assert tile % multiple == 0
    assert tile == least or (
        tile > least and tile**2 * bytes_per_pixel <= memory and tile <= largest
    )
    more = tile + multiple
    assert more > largest or more**2 * bytes_per_pixel > memory or more <= least
    plan_for(201, 9, tile=tile, halo=halo, multiple_of=(multiple, multiple))


def test_the_tile_for_free_memory_fits_the_memory_that_is_free():
    for bytes_per_pixel in (100.0, 1e4, 1e6, 1e8):
        tile = tile_for_free_memory((5000, 5000), bytes_per_pixel, halo=31, multiple_of=(4, 4))
        assert tile == 68 or tile**2 * bytes_per_pixel < available_memory() / 2


def test_what_needs_the_whole_image_gets_it_if_it_fits(monkeypatch):
    monkeypatch.setattr("restorae.tile_size.available_memory", lambda device: 4 * 10_000_000)
    settings = {"halo": None, "multiple_of": (1, 1)}
    assert tile_for_free_memory((100, 20_000), 4.0, **settings) == 20_000
    assert tile_for_free_memory((2_000, 2_000), 4.0, **settings) == 1581
    assert tile_for_free_memory((2_000, 2_000), 1.0, halo=3, multiple_of=(1, 1)) == 1024


@given(
    st.integers(1, 5000),
    st.one_of(st.none(), st.integers(0, 60)),
    st.sampled_from(((1, 1), (4, 4), (8, 2))),
)
def test_a_tile_gets_smaller_until_it_cannot(tile, halo, multiple_of):
    least = smallest_tile(halo, multiple_of)
    sizes = [tile]
    while (half := smaller_tile(sizes[-1], halo, multiple_of)) is not None:
        assert least <= half < sizes[-1]
        assert half == least or half == sizes[-1] // 2 // max(multiple_of) * max(multiple_of)
        sizes.append(half)
    assert sizes[-1] <= least if tile <= least else sizes[-1] == least


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4000000000000 bytes."
        ),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        RuntimeError("CUDA error: out of memory"),
    ],
    ids=lambda error: f"{type(error).__name__} {str(error)[:20]}",
)
def test_where_memory_does_not_suffice_the_tile_is_halved_with_a_notice(error):
    tried, said = [], []

    def attempt(tile: int) -> str:
        tried.append(tile)
        if tile > 300:
            raise error
        return "restored"

    assert (
        with_smaller_tiles(attempt, 1024, halo=31, multiple_of=(4, 4), say=said.append)
        == "restored"
    )
    assert tried == [1024, 512, 256]
    assert said == [
        "A tile of 1,024 px does not fit in memory; continuing with 512 px.",
        "A tile of 512 px does not fit in memory; continuing with 256 px.",
    ]
    assert is_out_of_memory(error)


def test_what_this_machine_says_when_memory_runs_out_is_understood():
    with pytest.raises((MemoryError, RuntimeError)) as from_torch:
        torch.empty(2**58, dtype=torch.uint8)
    with pytest.raises(MemoryError) as from_numpy:
        np.empty(2**58, np.uint8)
    assert is_out_of_memory(from_torch.value), f"PyTorch says: {from_torch.value}"
    assert is_out_of_memory(from_numpy.value)


def test_when_the_smallest_tile_does_not_fit_that_is_the_error():
    tried, said = [], []

    def attempt(tile: int) -> None:
        tried.append(tile)
        raise MemoryError

    with pytest.raises(MemoryError):
        with_smaller_tiles(attempt, 100, halo=31, multiple_of=(4, 4), say=said.append)
    assert tried == [100, 68]
    assert len(said) == 1


@pytest.mark.parametrize(
    "error",
    [RuntimeError("sizes do not match"), ValueError("out of memory"), KeyboardInterrupt()],
    ids=repr,
)
def test_other_errors_are_not_tried_again(error):
    tried, said = [], []

    def attempt(tile: int) -> None:
        tried.append(tile)
        raise error

    with pytest.raises(type(error)):
        with_smaller_tiles(attempt, 1024, halo=31, multiple_of=(4, 4), say=said.append)
    assert (tried, said) == ([1024], [])
    assert not is_out_of_memory(error)


def test_what_the_failed_attempt_held_is_free_when_the_next_begins():
    class Held:
        alive = 0

        def __init__(self) -> None:
            Held.alive += 1

        def __del__(self) -> None:
            Held.alive -= 1

    def attempt(tile: int) -> int:
        assert Held.alive == 0, "the attempt that failed still holds its memory"
        held = Held()
        if tile > 200:
            raise MemoryError(held)
        return tile

    assert (
        with_smaller_tiles(attempt, 512, halo=1, multiple_of=(1, 1), say=lambda _line: None) == 128
    )
