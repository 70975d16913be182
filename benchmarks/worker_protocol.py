"""The worker's end of the line: requests come on stdin and answers go to stdout, one JSON object per line.

All contestants speak it, so this file needs nothing but Python. Between requests a worker is blocked in
reading: that is what keeps it idle while the other side works.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any


class Line:
    """Answers go to the stdout the worker was born with; whatever its libraries print goes to stderr instead."""

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        os.dup2(2, 1)

    def request(self) -> dict[str, Any]:
        """The next request; the worker ends when there are no more."""
        line = sys.stdin.readline()
        if not line:
            raise SystemExit(0)
        request: dict[str, Any] = json.loads(line)
        return request

    def answer(self, **facts: object) -> None:
        """Send what was found."""
        print(json.dumps(facts), file=self._answers, flush=True)


class Pace:
    """Holds one training between its epochs until the next is asked for, and knows how long it was held."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.held = 0.0
        self.released = time.perf_counter()

    def hold(self, until: str) -> None:
        """Block until the request `until` comes."""
        started = time.perf_counter()
        asked = self.line.request()["do"]
        if asked != until:
            raise ValueError(f"Asked to {asked!r} in the middle of a training; expected {until!r}.")
        self.released = time.perf_counter()
        self.held += self.released - started

    def since_released(self) -> float:
        """Seconds since the work was let go."""
        return time.perf_counter() - self.released
