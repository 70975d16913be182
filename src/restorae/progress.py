"""The callback object through which long work reports progress."""

from __future__ import annotations

from collections.abc import Mapping

from restorae.errors import Message


class Progress:
    """Ignores everything. Faces override the methods that they show.

    Work calls `begin` once, `advance` repeatedly and `end` once, also after an error; `say` and `warn` at any time.
    """

    def begin(self, task: str, total: int, unit: str) -> None:
        """`task` starts; it consists of `total` `unit`s (0 if unknown)."""

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        """`count` more units are done; `figures` are values to show, such as the loss."""

    def skip(self, count: int) -> None:
        """`count` units need no work because an earlier run did them."""
        self.advance(count)

    def end(self) -> None:
        """The task has ended, successfully or not."""

    def say(self, message: str | Message) -> None:
        """A notice: an automatic choice, a finished epoch."""

    def warn(self, message: str | Message) -> None:
        """A warning that the user should act on."""


SILENT = Progress()
