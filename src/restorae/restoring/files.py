"""Files that failed in a run, and why; a broken one stops nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from restorae.errors import BadImage, InputError, Message


@dataclass(frozen=True)
class Failure:
    """A file that failed, and why."""

    source: Path
    reason: Message

    @classmethod
    def of(cls, source: Path, error: InputError | MemoryError) -> Failure:
        """The failure that an error means for a file."""
        if isinstance(error, MemoryError):
            return cls(source, Message("does not fit in memory", subject=source))
        reason = error.message
        if reason.subject is None and str(source) not in reason.problem:
            reason = replace(reason, subject=source)
        return cls(source, reason)

    def as_error(self, kind: type[InputError] = BadImage) -> InputError:
        """The error that tells the reason, for a file that is not one of many."""
        return kind.of(self.reason)

    def __str__(self) -> str:
        return self.reason.render()
