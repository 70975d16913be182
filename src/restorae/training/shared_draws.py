"""Random numbers of a loss where each process computes a part of the batch: those of the whole batch, of which it takes its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from restorae.data import Share

_BY_SHAPE = (torch.rand, torch.randn, torch.randint)


class SharedDraws(TorchFunctionMode):
    """Makes what is drawn from a generator for a part of a batch equal the part of what one process draws for the batch.

    Applies to `rand`, `randn` and `randint` with a `generator`, if their first size is the number of images of the part or a
    multiple of it: then the batch is repeated, as by losses that draw several latents for each image.

    Args:
        share: which part of the batch.
        batch_size: the number of images in all parts.
    """

    def __init__(self, share: Share, batch_size: int) -> None:
        super().__init__()
        self.batch_size, self.part = batch_size, share.of(batch_size)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func not in _BY_SHAPE or given.get("generator") is None:
            return func(*args, **given)
        limits, shape = _shape_of(func, args, given)
        own = self.part.stop - self.part.start
        repeats, rest = divmod(shape[0], own) if shape else (0, 1)
        if rest or not repeats:
            return func(*args, **given)
        draw: Callable[..., Tensor] = func
        whole = draw(*limits, (repeats * self.batch_size, *shape[1:]), **given)
        parts = whole.reshape(repeats, self.batch_size, *shape[1:])[:, self.part]
        return parts.flatten(0, 1)


def _shape_of(
    func: Callable[..., Any], args: tuple[Any, ...], given: dict[str, Any]
) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    """The limits of whole numbers, and the shape that is drawn; a shape by name is taken out of `given`."""
    if "size" in given:
        return args, tuple(given.pop("size"))
    if func is torch.randint:
        return args[:-1], tuple(args[-1])
    return (), tuple(args[0]) if not isinstance(args[0], int) else tuple(args)
