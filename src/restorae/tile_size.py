"""Chooses the size of tiles by the memory that is available, and retries with smaller ones when it runs out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from restorae.machine import available_memory
from restorae.regions import smallest_tile

T = TypeVar("T")

_LARGEST = 1024
"""Tile size in pixels above which nothing gets faster."""
_SHARE = 0.25
"""Fraction of the free memory to use; the estimate of what a network needs is rough."""


def tile_for(
    memory: int,
    bytes_per_pixel: float,
    *,
    halo: int | None,
    multiple_of: tuple[int, int],
    largest: int,
) -> int:
    """Largest tile size, a multiple of `multiple_of`, whose working memory fits in `memory` bytes.

    Never smaller than the smallest tile that keeps anything, even if that does not fit: the attempt will show.

    >>> tile_for(2**30, 1_500, halo=31, multiple_of=(4, 4), largest=1024)
    844

    Args:
        memory: bytes that may be used.
        bytes_per_pixel: working memory per pixel that is read, for all tiles of a batch together.
        halo: pixels of context that the network needs, `None` when it needs the whole image.
        multiple_of: height and width that the network is called with are multiples of these.
        largest: upper limit of the result.
    """
    fits = min(math.isqrt(max(int(memory / bytes_per_pixel), 0)), largest)
    multiple = max(multiple_of)
    return max(fits // multiple * multiple, smallest_tile(halo, multiple_of))


def tile_for_free_memory(
    size: Sequence[int],
    bytes_per_pixel: float,
    *,
    halo: int | None,
    multiple_of: tuple[int, int],
    device: torch.device | None = None,
) -> int:
    """Tile size for the memory that is free now on the device, or on this machine.

    What has a halo gets tiles of up to 1,024 px, which are as exact as the whole. What needs the whole image gets it in one
    tile if it fits, otherwise the largest tiles that fit.

    Args:
        size: height and width of the image.
        bytes_per_pixel: as for `tile_for`.
        halo: pixels of context that is needed, `None` when the whole image is.
        multiple_of: height and width that the network is called with are multiples of these.
        device: where it computes; None is this machine's processor.
    """
    memory = int(available_memory(device) * _SHARE)
    if halo is None and size[0] * size[1] * bytes_per_pixel <= memory:
        return max(*size, *multiple_of)
    largest = _LARGEST if halo is not None else max(size)
    return tile_for(memory, bytes_per_pixel, halo=halo, multiple_of=multiple_of, largest=largest)


def smaller_tile(tile: int, halo: int | None, multiple_of: tuple[int, int]) -> int | None:
    """Half the tile size, rounded to multiples, or `None` if a smaller tile keeps nothing.

    >>> smaller_tile(512, 31, (4, 4)), smaller_tile(100, 31, (4, 4)), smaller_tile(68, 31, (4, 4))
    (256, 68, None)
    """
    multiple = max(multiple_of)
    half = max(tile // 2 // multiple * multiple, smallest_tile(halo, multiple_of))
    return half if half < tile else None


def with_smaller_tiles(
    attempt: Callable[[int], T],
    tile: int,
    *,
    halo: int | None,
    multiple_of: tuple[int, int],
    say: Callable[[str], None],
) -> T:
    """The result of `attempt(tile)`; when memory runs out, it is called again with half the tile size, and so on.

    Args:
        attempt: called with the tile size; starts from the beginning each time.
        tile: the size to start with.
        halo: pixels of context that the network needs, `None` when it needs the whole image.
        multiple_of: height and width that the network is called with are multiples of these.
        say: receives one line each time the tile gets smaller.

    Raises:
        MemoryError, RuntimeError: memory does not suffice for the smallest tile.
    """
    while True:
        try:
            return attempt(tile)
        except (MemoryError, RuntimeError) as error:
            half = smaller_tile(tile, halo, multiple_of)
            if half is None or not is_out_of_memory(error):
                raise
        # outside the handler the error is gone, and with it the tensors that its traceback held
        say(f"A tile of {tile:,} px does not fit in memory; continuing with {half:,} px.")
        tile = half


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error reports that memory ran out: Python's, CUDA's, or PyTorch's on the CPU.

    >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."))
    True
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        words in text for words in ("can't allocate memory", "not enough memory", "out of memory")
    )
