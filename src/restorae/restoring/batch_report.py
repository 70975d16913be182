"""What became of a run over many files."""

from __future__ import annotations

from dataclasses import dataclass, field

from restorae.restoring.files import Failure
from restorae.restoring.model_choice import PHOTOS
from restorae.restoring.reading import Opened
from restorae.restoring.unneeded import is_measurement


@dataclass(kw_only=True)
class BatchReport:
    """What became of a run."""

    failures: list[Failure] = field(default_factory=list)
    chosen: dict[str, list[str]] = field(default_factory=dict)
    """Names of restorers that were chosen, and the reason for each file that was restored with them."""
    restored: int = 0
    unchanged: int = 0
    """How many of the restored files were left as they were, because no damage was found."""
    measurements: int = 0
    """How many are grey, of more than 8 bits, and were restored with the model for photographs: probably no photographs."""
    skipped: int = 0
    """Files whose result another run wrote meanwhile."""

    def add(self, opened: Opened, by_person: bool, unchanged: bool) -> None:
        """Count a file that was restored.

        Args:
            opened: the file, and what was chosen for it.
            by_person: whether the person named what restores.
            unchanged: whether it was left as it was.
        """
        self.restored += 1
        choice = opened.choice
        if unchanged:
            self.unchanged += 1
        elif not by_person:
            self.chosen.setdefault(choice.name, []).append(choice.reason)
            self.measurements += choice.name == PHOTOS and is_measurement(opened.original)
