"""Interleaved timing: long-lived processes that do the same work in turns, one at a time.

A shared machine has good and bad minutes. What is compared runs within the same minute, in every round; the figure is
the median of the rounds' ratios, with the smallest and the largest.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

WARM_UP = 1
"""Rounds at the beginning that are not counted."""


class ContestantFailed(Exception):
    """A side could not do what it was asked; `kind` is the name of restorae's error, or empty when the process died."""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class Contestant:
    """A worker process, and how much processor time it took while it should have been idle."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **environment},
            )
        self.idle_seconds = self.idle_processor_seconds = 0.0
        self.hello = self._answer()

    def ask(self, do: str, **settings: object) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            ContestantFailed: it refused, or died; the message says what it said.
        """
        assert self.process.stdin is not None
        self.idle_seconds += time.perf_counter() - self._answered
        self.idle_processor_seconds += processor_seconds(self.process.pid) - self._used
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps({"do": do, **settings}) + "\n")
            self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self._answered, self._used = time.perf_counter(), processor_seconds(self.process.pid)
        if not line:
            said = self.log.read_text(errors="replace").strip().splitlines()[-5:]
            raise ContestantFailed(
                f"{self.name} ended unexpectedly (all of it is in {self.log}):\n  "
                + "\n  ".join(said)
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ContestantFailed(f"{self.name}: {answer['error']}", answer["kind"])
        return answer

    @property
    def idle_share(self) -> float:
        """Processor time per second while it should have been idle; 0 is what is wanted, 1 is a spinning thread."""
        return self.idle_processor_seconds / max(self.idle_seconds, 1e-9)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def processor_seconds(process: int) -> float:
    """Processor time that a process has used so far, all its threads together; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Spread:
    """The middle of some figures, and how far they went."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Self:
        """The spread of `figures`, of which there is at least one."""
        return cls(statistics.median(figures), min(figures), max(figures))

    @classmethod
    def of_ratios(cls, above: Sequence[float], below: Sequence[float]) -> Self:
        """The spread of the ratios round by round: first with first, second with second."""
        return cls.of([top / bottom for top, bottom in zip(above, below, strict=True)])

    def to_text(self, digits: int = 2) -> str:
        """`median (lowest–highest)`, or the one figure when there is no more."""
        middle, low, high = (
            f"{figure:.{digits}f}" for figure in (self.median, self.lowest, self.highest)
        )
        return middle if low == high else f"{middle} ({low}–{high})"


def in_turns(
    contestants: Mapping[str, Contestant],
    request: Mapping[str, Any],
    rounds: int,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Rounds in which every side does the same in turn; the first, in which everything is set up, is not among them."""
    laps = []
    for lap in range(rounds + WARM_UP):
        laps.append({name: side.ask(**request) for name, side in contestants.items()})
        times = ", ".join(f"{name} {answer['seconds']:.2f} s" for name, answer in laps[-1].items())
        say(f"{request['do']} {lap} of {rounds}: {times}{' (warm-up)' if lap < WARM_UP else ''}")
    return laps[WARM_UP:]


def seconds_of(laps: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """What one side took in each round."""
    return [lap[name]["seconds"] for lap in laps]
