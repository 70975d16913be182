"""Terminal output: progress, notices and errors on stderr, results on stdout."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from restorae.cli.wording import COMMAND_LINE
from restorae.errors import Message, in_words
from restorae.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_SECONDS_BETWEEN_LINES = 10.0


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


def terminal_progress() -> Progress:
    """The progress of a command that begins its work: a live bar on a terminal, plain lines elsewhere.

    Every command that works calls this, so here the process is set up too: not earlier, because that
    takes imports which an answer to a wrong command line should not wait for.
    """
    from restorae.process import prepare_process

    prepare_process()
    return BarProgress() if sys.stderr.isatty() else LineProgress()


class LineProgress(Progress):
    """A line every ten seconds, and one at the end of longer work."""

    def __init__(self) -> None:
        self.task, self.total, self.unit = "", 0, ""
        self.done, self.skipped, self.started, self.reported = 0, 0, 0.0, 0.0
        self.last_count = -1
        self.figures: Mapping[str, float] = {}

    def begin(self, task: str, total: int, unit: str) -> None:
        self.task, self.total, self.unit, self.done, self.skipped, self.figures = (
            task,
            total,
            unit,
            0,
            0,
            {},
        )
        self.last_count = -1
        self.started = self.reported = time.monotonic()

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        self.done, self.figures = self.done + count, {**self.figures, **figures}
        if time.monotonic() - self.reported >= _SECONDS_BETWEEN_LINES:
            self.reported = time.monotonic()
            self._report()

    def skip(self, count: int) -> None:
        self.done, self.skipped = self.done + count, self.skipped + count

    def end(self) -> None:
        is_long = time.monotonic() - self.started >= _SECONDS_BETWEEN_LINES
        if is_long and self.done != self.last_count:
            self._report()

    def say(self, message: str | Message) -> None:
        say(message)

    def warn(self, message: str | Message) -> None:
        say(f"Warning: {in_words(message, COMMAND_LINE)}")

    def _report(self) -> None:
        self.last_count = self.done
        passed = time.monotonic() - self.started
        worked = self.done - self.skipped
        left = (
            f", {readable(passed / worked * (self.total - self.done))} left"
            if worked and self.total > self.done
            else ""
        )
        of = f" of {self.total:,}" if self.total else ""
        say(f"{self.task}: {self.done:,}{of} {self.unit}{_in_words(self.figures)}{left}")


class BarProgress(Progress):
    """A live bar with the running figures and the time left."""

    def __init__(self) -> None:
        self.bar: RichProgress | None = None
        self.running: TaskID | None = None
        self.figures: dict[str, float] = {}

    def begin(self, task: str, total: int, unit: str) -> None:
        from rich import progress as rich_progress
        from rich.console import Console

        # a low refresh rate: on two cores the bar takes time from the work
        self.bar = rich_progress.Progress(
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(bar_width=None),
            rich_progress.TextColumn(
                "{task.completed:,.0f}/{task.total:,.0f} " + unit
                if total
                else "{task.completed:,.0f} " + unit
            ),
            rich_progress.TextColumn("{task.fields[figures]}"),
            rich_progress.TimeRemainingColumn(),
            console=Console(stderr=True),
            refresh_per_second=4,
        )
        self.figures = {}
        self.bar.start()
        self.running = self.bar.add_task(task, total=total or None, figures="")

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        if self.bar is not None and self.running is not None:
            self.figures |= figures
            self.bar.update(
                self.running, advance=count, figures=_in_words(self.figures).removeprefix(", ")
            )

    def skip(self, count: int) -> None:
        if self.bar is not None and self.running is not None:
            self.bar.reset(self.running, completed=count, figures="")

    def end(self) -> None:
        if self.bar is not None:
            self.bar.stop()
        self.bar = self.running = None

    def say(self, message: str | Message) -> None:
        if self.bar is not None:
            self.bar.console.print(in_words(message, COMMAND_LINE), highlight=False, markup=False)
        else:
            say(message)

    def warn(self, message: str | Message) -> None:
        self.say(f"Warning: {in_words(message, COMMAND_LINE)}")


def readable(seconds: float) -> str:
    """A duration in words.

    >>> readable(75)
    '1 min 15 s'
    """
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def _in_words(figures: Mapping[str, float]) -> str:
    return "".join(
        f", {name.replace('_', ' ')} {value:,.0f}"
        if value >= 100
        else f", {name.replace('_', ' ')} {value:.4g}"
        for name, value in figures.items()
    )
