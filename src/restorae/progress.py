"""What long work reports, whoever listens."""

from __future__ import annotations

from collections.abc import Mapping

from restorae.errors import Message


class Progress:
    """A listener that hears nothing. Faces override what they show.

    Work calls `begin` once, `advance` as it goes and `end` once, whatever happens; `say` at any time.
    """

    def begin(self, task: str, total: int, unit: str) -> None:
        """`task` starts; it consists of `total` `unit`s (0 when that is not known)."""

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        """`count` more units are done; `figures` are the running figures to show beside them."""

    def skip(self, count: int) -> None:
        """`count` units need no work, since they were done in an earlier run."""
        self.advance(count)

    def end(self) -> None:
        """The task that was begun is over."""

    def say(self, message: str | Message) -> None:
        """Something a person should know now: a choice that was made for them, a finished epoch."""

    def warn(self, message: str | Message) -> None:
        """Something a person should act on."""


SILENT = Progress()
