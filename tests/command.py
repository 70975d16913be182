"""Running the command: as a person would, in a process of its own, or quicker, within the test's process."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

from restorae.cli.main import main
from tests.preloaded import preloaded

TEMPORARY = tempfile.gettempdir()


@dataclass
class Outcome:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """What was printed as the error. A traceback is never a complaint."""
        assert "Traceback" not in self.err, self.err
        return self.err


def surroundings(cwd: Path) -> Mapping[str, str]:
    """An environment without data sets and without the user's cache."""
    return {"RESTORAE_DATA": "", "XDG_CACHE_HOME": str(cwd / "cache"), "COLUMNS": "200"}


def run(*words: str | Path, cwd: Path) -> Outcome:
    """`restorae WORDS...` within this process: the same code from the first line of `main` to the exit status."""
    out, err = io.StringIO(), io.StringIO()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with (
            contextlib.chdir(cwd),
            mock.patch.dict(os.environ, surroundings(cwd)),
            mock.patch.object(sys, "argv", ["restorae", *map(str, words)]),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            main()
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return Outcome(status, out.getvalue(), err.getvalue())


def start(*words: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """`restorae WORDS...` in a process of its own, left running."""
    return subprocess.Popen(
        [sys.executable, "-m", "restorae", *map(str, words)],
        cwd=cwd,
        env={**os.environ, **surroundings(cwd)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@cache
def _stand_ins() -> Path:
    """A folder whose `restorae` starts from a process that has imported torch, until this one ends."""
    until_the_end = contextlib.ExitStack()
    atexit.register(until_the_end.close)
    folder = Path(until_the_end.enter_context(tempfile.TemporaryDirectory(dir=TEMPORARY)))
    until_the_end.enter_context(preloaded(folder, os.environ))
    return folder


def run_apart(*words: str | Path, cwd: Path) -> Outcome:
    """`restorae WORDS...` in a process of its own."""
    done = subprocess.run(
        [_stand_ins() / "restorae", *words],
        cwd=cwd,
        env={**os.environ, **surroundings(cwd)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def pixels(path: Path) -> np.ndarray:
    """An image file's pixels, read by another library than ours."""
    with Image.open(path) as image:
        return np.asarray(image)
