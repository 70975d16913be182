"""How a run over files ends: what was done, what was not and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from restorae.cli.console import say
from restorae.restoring import Failure


def finish(done: str, count: int, failures: Sequence[Failure], out: Path) -> None:
    """Tell the outcome; exit with status 1 if something could not be done."""
    for failure in failures:
        say(f"Not {done}: {failure}")
    say(f"{count - len(failures)} of {count} {done}, in {out}.")
    if failures:
        raise typer.Exit(1)
