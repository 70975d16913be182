"""A worker that some images kill."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from restorae.cluster.worker import FileWorker, WorkPlan


class PoisonedWorker:
    """Restores files, and is killed by those with `poison` in their names.

    Args:
        plan: how.
    """

    def __init__(self, plan: WorkPlan) -> None:
        self.worker = FileWorker(plan)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        if any("poison" in json.loads(text)["name"] for text in batch["task"]):
            os.kill(os.getpid(), signal.SIGKILL)
        return self.worker(batch)
