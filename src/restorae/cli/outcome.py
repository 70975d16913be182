"""How a run over files ends: what was done, what was not and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from restorae.cli.console import say
from restorae.cli.wording import COMMAND_LINE
from restorae.errors import in_words

if TYPE_CHECKING:
    from restorae.restoring import Failure


def finish(done: str, count: int, failures: Sequence[Failure], out: Path | str) -> None:
    """Say what was done; exit with status 1 if something failed."""
    for failure in failures:
        say(f"Not {done}: {in_words(failure.reason, COMMAND_LINE)}")
    say(f"{count - len(failures)} of {count} {done}, in {out}.")
    if failures:
        raise typer.Exit(1)
