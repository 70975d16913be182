"""Commands in processes of their own that are killed at random moments: forked from one that has imported everything."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import sys
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["torch", "restorae.cli.main", "restorae.training", "tests.killing"]
)


def _command(words: list[str], folder: Path, told: Path) -> None:
    from restorae.cli.main import main

    output = os.open(told, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(folder)
    sys.argv = ["restorae", *words]
    main()


def begin(words: list[str], folder: Path, told: Path) -> multiprocessing.context.ForkServerProcess:
    """`restorae WORDS...` in a folder; what it says goes into the file `told`."""
    process = _CONTEXT.Process(target=_command, args=(words, folder, told))
    process.start()
    return process


def kill_at_random(words: list[str], folder: Path, rng: random.Random, longest_s: float) -> bool:
    """Start a command and kill it after up to `longest_s` seconds; whether it was still running."""
    process = begin(words, folder, folder.parent / "told.txt")
    process.join(rng.uniform(0.02, longest_s))
    was_running = process.exitcode is None
    process.kill()
    process.join()
    return was_running


def complete(words: list[str], folder: Path) -> int:
    """Run a command to its end; its exit status."""
    process = begin(words, folder, folder.parent / "told.txt")
    process.join()
    return process.exitcode or 0


def visible(folder: Path) -> dict[str, bytes]:
    """What a person sees in a folder: names and contents."""
    found = {}
    with contextlib.suppress(FileNotFoundError):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found
