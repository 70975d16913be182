"""Which parts of a restoration are kept: defects (cracks, scratches, dust), tone (fading, colour cast), or all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from restorae.errors import UsageError

Repair: TypeAlias = Literal["all", "defects"]
REACH = 103
"""Pixels of context on each side that taking defects and tone apart needs."""


@dataclass(frozen=True)
class Separation:
    """What of a restoration is kept."""

    tone: float = 1.0
    """Share of the change of tone, 0 to 1."""
    defects_only: bool = False
    """Whether nothing but defects and tone is changed."""

    @property
    def is_whole(self) -> bool:
        """Whether everything is kept."""
        return self.tone == 1 and not self.defects_only

    @classmethod
    def choose(
        cls,
        default: Repair,
        *,
        repair: Repair | None = None,
        tone: float | None = None,
        has_mask: bool = False,
    ) -> Separation:
        """What is kept, on every face.

        Args:
            default: what the model repairs where nobody says.
            repair: what was asked for; None takes the default.
            tone: share of the change of tone; None is 0 where only defects are repaired, else 1.
            has_mask: whether a mask says what is damaged; defects are not looked for then.

        Raises:
            UsageError: there is no such repair, or the share is not from 0 to 1.
        """
        if repair not in (None, "all", "defects"):
            raise UsageError(f"expected 'all' or 'defects', got {repair!r}", subject="repair")
        if tone is not None and not 0 <= tone <= 1:
            raise UsageError(f"expected 0 to 1, got {tone:g}", subject="tone")
        defects_only = (repair or default) == "defects"
        share = tone if tone is not None else 0.0 if defects_only else 1.0
        return cls(share, defects_only and not has_mask)
