"""What runs that were killed have left where results go."""

from __future__ import annotations

from collections.abc import Sequence

from restorae.display import counted
from restorae.errors import Message
from restorae.file_locks import remove_left_over
from restorae.restoring.tasks import FileTask


def swept(tasks: Sequence[FileTask]) -> list[Message]:
    """Remove temporary files from the folders of the results; what to say of it."""
    notices = []
    for folder in sorted({task.target.parent for task in tasks}):
        removed = remove_left_over(folder)
        if removed:
            said = f"removed {counted(removed, 'temporary file')} of a run that was stopped"
            notices.append(Message(said, subject=folder))
    return notices
