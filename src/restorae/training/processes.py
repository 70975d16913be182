"""Training in several processes that `torchrun` started: which one this is, and what they tell each other."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from datetime import timedelta

import torch
from torch import distributed

from restorae.data import WHOLE, Share
from restorae.errors import BadSpec, Fix, ProcessLost, UsageError

_PATIENCE = timedelta(hours=6)
"""How long a process waits for another that validates; one that ended is noticed at once, by its closed connection."""

WHILE_TRAINING = "while training, in a process that is not the first"
"""Note of an error that the first process may not know of."""


def share_of_this_process() -> Share:
    """Which part of each batch this process computes, as `torchrun` says in the environment; all where it did not start us.

    Raises:
        BadSpec: the environment contradicts itself.
    """
    count = _number("WORLD_SIZE", 1)
    if count == 1 or "MASTER_ADDR" not in os.environ:
        return WHOLE
    index = _number("RANK", 0)
    if not 0 <= index < count:
        raise BadSpec(f"process {index} of {count}: expected 0 to {count - 1}", subject="RANK")
    return Share(index, count)


def is_first() -> bool:
    """Whether this process is the only one, or the one of several that prints and writes files."""
    return share_of_this_process().index == 0


def is_first_on_this_machine() -> bool:
    """Whether this process is the first of its machine: what it finds wrong before training, the others find too."""
    return is_first() or _number("LOCAL_RANK", 0) == 0


def processes_on_this_machine() -> int:
    """How many processes of this training share this machine's cores."""
    return max(1, _number("LOCAL_WORLD_SIZE", 1)) if share_of_this_process().count > 1 else 1


def own_device(device: torch.device) -> torch.device:
    """The device of this process: where several share a machine with graphics cards, each takes one.

    Raises:
        UsageError: there are more processes than graphics cards.
    """
    if share_of_this_process().count == 1 or str(device) != "cuda":  # "cuda:1" was asked for
        return device
    index, there = _number("LOCAL_RANK", 0), torch.cuda.device_count()
    if index >= there:
        raise UsageError(
            f"{processes_on_this_machine()} processes were started on a machine with {there} graphics cards",
            fix=Fix("device", "cpu"),
        )
    torch.cuda.set_device(index)
    return torch.device("cuda", index)


class Team:
    """The processes of one training. With a single one, nothing is exchanged.

    Args:
        share: which part of each batch this process computes.
    """

    def __init__(self, share: Share = WHOLE) -> None:
        self.share = share

    @property
    def is_first(self) -> bool:
        """Whether this process prints, validates and writes files."""
        return self.share.index == 0

    @property
    def is_alone(self) -> bool:
        """Whether there is no other process."""
        return self.share.count == 1

    def total(self, values: Mapping[str, float]) -> dict[str, float]:
        """The sum of each value over all processes; the same everywhere.

        Raises:
            ProcessLost: another process has ended.
        """
        if self.is_alone:
            return dict(values)
        sums = torch.tensor(list(values.values()), dtype=torch.float64, device=_device())
        with noticing_losses():
            distributed.all_reduce(sums)
        return dict(zip(values, sums.tolist(), strict=True))

    def of_first(self, value: float) -> float:
        """The first process's value, in all of them.

        Raises:
            ProcessLost: another process has ended.
        """
        return self.total({"value": value if self.is_first else 0.0})["value"]

    def require_images(self, batch_size: int) -> None:
        """Raise `UsageError` if there are fewer images in a batch than processes."""
        if batch_size < self.share.count:
            raise UsageError(
                f"a batch of {batch_size} images cannot be shared by {self.share.count} processes",
                fix=Fix("batch_size", self.share.count),
            )


@contextlib.contextmanager
def joined() -> Iterator[Team]:
    """Meet the other processes of this training, if there are any, for as long as the block lasts.

    Raises:
        ProcessLost: another process has ended before all had met.
    """
    share = share_of_this_process()
    if share.count == 1 or distributed.is_initialized():
        yield Team(share)
        return
    with noticing_losses():
        distributed.init_process_group(timeout=_PATIENCE)
    try:
        yield Team(share)
    finally:
        distributed.destroy_process_group()


@contextlib.contextmanager
def noticing_losses() -> Iterator[None]:
    """Turn the errors of PyTorch about lost connections into `ProcessLost`."""
    try:
        yield
    except RuntimeError as error:
        text = str(error)
        if not isinstance(error, distributed.DistError) and "gloo" not in text.lower():
            raise
        raise ProcessLost("another process of this training has ended") from error


def _device() -> torch.device:
    """Where numbers are exchanged: gloo takes them in memory, NCCL on the graphics card."""
    return torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise BadSpec(f"expected a whole number, got {text!r}", subject=name) from None
