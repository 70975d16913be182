"""Terminal output: progress, notices and errors on stderr, results on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from restorae.cli.wording import COMMAND_LINE
from restorae.errors import Message, in_words
from restorae.live_progress import BarProgress, LineProgress
from restorae.progress import SILENT, Progress


def say(message: str | Message) -> None:
    """Print a notice on stderr."""
    print(in_words(message, COMMAND_LINE), file=sys.stderr, flush=True)


def show(message: str) -> None:
    """Print a result on stdout."""
    print(message, flush=True)


def show_json(value: Mapping[str, Any]) -> None:
    """Print a result as JSON, alone on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False), flush=True)


def table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print a table on stdout; plain columns unless stdout is a terminal."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        drawn = Table(
            title=title, title_justify="left", box=None, header_style="bold", pad_edge=False
        )
        for column in columns:
            drawn.add_column(column, overflow="fold")
        for row in rows:
            drawn.add_row(*row)
        Console().print(drawn)
        return
    widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns))]
    for row in [columns, *rows]:
        show("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def terminal_progress(heard: bool = True) -> Progress:
    """The progress of a command that begins its work: a live bar on a terminal, plain lines elsewhere; none if not `heard`.

    Every command that works calls this, so here the process is set up too: not earlier, because that
    takes imports which an answer to a wrong command line should not wait for.
    """
    from restorae.process import prepare_process

    prepare_process()
    if not heard:
        return SILENT
    return (BarProgress if sys.stderr.isatty() else LineProgress)(COMMAND_LINE)
