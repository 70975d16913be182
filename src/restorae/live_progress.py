"""Progress where a person looks: a live bar on a terminal and in a notebook, else lines or nothing."""

from __future__ import annotations

import html
import sys
import time
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from restorae.errors import PYTHON, Message, UsageError, Wording, in_words
from restorae.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_BETWEEN_UPDATES = 0.25


def progress_for(wanted: Progress | bool | None) -> Progress:
    """The progress of work that is called from Python.

    Args:
        wanted: an object that hears everything; True for a bar or lines, False for none; None shows a bar on a terminal and
            in a notebook. Unless it is an object, warnings are issued by `warnings.warn`.

    Raises:
        UsageError: it is something else.
    """
    if isinstance(wanted, Progress):
        return wanted
    if wanted not in (True, False, None):
        raise UsageError(
            f"expected True, False, or an object of a subclass of restorae.progress.Progress, got {wanted!r}",
            subject="progress",
        )
    if wanted is False:
        return _WithWarnings(Progress())
    if in_notebook():
        return _WithWarnings(NotebookProgress())
    if sys.stderr is not None and sys.stderr.isatty():
        return _WithWarnings(BarProgress())
    return _WithWarnings(LineProgress() if wanted else Progress())


def in_notebook() -> bool:
    """Whether this code runs in a Jupyter notebook."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


class LineProgress(Progress):
    """A line every ten seconds on stderr, and one at the end of longer work.

    Args:
        wording: how settings are named in messages.
    """

    def __init__(self, wording: Wording = PYTHON) -> None:
        self.wording = wording
        self.task, self.total, self.unit = "", 0, ""
        self.done, self.skipped, self.started, self.reported = 0, 0, 0.0, 0.0
        self.last_count = -1
        self.figures: Mapping[str, float] = {}

    def begin(self, task: str, total: int, unit: str) -> None:
        self.task, self.total, self.unit = task, total, unit
        self.done, self.skipped, self.figures = 0, 0, {}
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
        print(in_words(message, self.wording), file=sys.stderr, flush=True)

    def warn(self, message: str | Message) -> None:
        self.say(f"Warning: {in_words(message, self.wording)}")

    def _report(self) -> None:
        self.last_count = self.done
        of = f" of {self.total:,}" if self.total else ""
        left = time_left(self.started, self.done, self.skipped, self.total)
        self.say(
            f"{self.task}: {self.done:,}{of} {self.unit}{figures_in_words(self.figures)}{left}"
        )


class BarProgress(Progress):
    """A live bar on a terminal, with the running figures and the time left.

    Args:
        wording: how settings are named in messages.
    """

    def __init__(self, wording: Wording = PYTHON) -> None:
        self.wording = wording
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
            shown = figures_in_words(self.figures).removeprefix(", ")
            self.bar.update(self.running, advance=count, figures=shown)

    def skip(self, count: int) -> None:
        if self.bar is not None and self.running is not None:
            self.bar.reset(self.running, completed=count, figures="")

    def end(self) -> None:
        if self.bar is not None:
            self.bar.stop()
        self.bar = self.running = None

    def say(self, message: str | Message) -> None:
        text = in_words(message, self.wording)
        if self.bar is not None:
            self.bar.console.print(text, highlight=False, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def warn(self, message: str | Message) -> None:
        self.say(f"Warning: {in_words(message, self.wording)}")


class NotebookProgress(LineProgress):
    """A live bar below a notebook's cell, and notices as printed lines."""

    def __init__(self) -> None:
        super().__init__()
        self.handle: Any = None

    def begin(self, task: str, total: int, unit: str) -> None:
        from IPython.display import display

        super().begin(task, total, unit)
        self.handle = display({"text/html": self._bar()}, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        self.done, self.figures = self.done + count, {**self.figures, **figures}
        if time.monotonic() - self.reported >= _SECONDS_BETWEEN_UPDATES:
            self.reported = time.monotonic()
            self._report()

    def end(self) -> None:
        self._report()

    def say(self, message: str | Message) -> None:
        print(in_words(message, self.wording), flush=True)

    def _report(self) -> None:
        if self.handle is not None:
            self.handle.update({"text/html": self._bar()}, raw=True)

    def _bar(self) -> str:
        of = f" of {self.total:,}" if self.total else ""
        left = time_left(self.started, self.done, self.skipped, self.total)
        text = f"{self.task}: {self.done:,}{of} {self.unit}{figures_in_words(self.figures)}{left}"
        return (
            f'<progress value="{self.done}" max="{self.total or max(1, self.done)}"></progress> '
            f"{html.escape(text)}"
        )


class _WithWarnings(Progress):
    """Another progress, whose warnings are issued by Python's `warnings`."""

    def __init__(self, inner: Progress) -> None:
        self.inner = inner
        self.begin, self.advance, self.skip = inner.begin, inner.advance, inner.skip  # type: ignore[method-assign]
        self.end, self.say = inner.end, inner.say  # type: ignore[method-assign]

    def warn(self, message: str | Message) -> None:
        warnings.warn(in_words(message), UserWarning, stacklevel=_frames_inside())


def _frames_inside() -> int:
    """How many frames up the code lies that called restorae, for `warnings.warn`."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("restorae."):
        level, frame = level + 1, frame.f_back
    return level


def time_left(started: float, done: int, skipped: int, total: int) -> str:
    """The time that is left, `, 3 s left`; empty where it is not known."""
    worked = done - skipped
    if not worked or total <= done:
        return ""
    return f", {readable((time.monotonic() - started) / worked * (total - done))} left"


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


def figures_in_words(figures: Mapping[str, float]) -> str:
    """Running figures, `, loss 0.031, images per second 812`."""
    return "".join(
        f", {name.replace('_', ' ')} {value:,.0f}"
        if value >= 100
        else f", {name.replace('_', ' ')} {value:.4g}"
        for name, value in figures.items()
    )
