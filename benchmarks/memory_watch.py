"""Commands that are watched while they run: how long they take, and how much memory they hold."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from interleaved_timing import ContestantFailed

_EVERY = 0.01
_LAST_LINES = 5


@dataclass(frozen=True)
class Watched:
    """What a command took; bytes are 0 where the system does not tell."""

    seconds: float
    anonymous: int
    """The most `RssAnon` that was seen: resident memory that is the process's own, without files that it maps."""
    resident: int
    """The most memory that was resident at all (`VmHWM`), mapped files and shared libraries included."""


def watch(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Watched:
    """Run a command to its end, looking at its memory a hundred times a second; what it says goes to `log`.

    Raises:
        ContestantFailed: it failed; the message has its last words.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    anonymous = resident = 0
    with log.open("wb") as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={**os.environ, **environment},
        )
        try:
            while process.poll() is None:
                now = memory_of(process.pid)
                anonymous, resident = (
                    max(anonymous, now.get("RssAnon", 0)),
                    max(resident, now.get("VmHWM", 0)),
                )
                time.sleep(_EVERY)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - started
    if process.returncode:
        last = log.read_text(errors="replace").strip().splitlines()[-_LAST_LINES:]
        raise ContestantFailed(
            f"{' '.join(command)} ended with status {process.returncode}:\n  " + "\n  ".join(last)
        )
    return Watched(seconds, anonymous, resident)


def memory_of(process: int) -> dict[str, int]:
    """Bytes by the names that Linux gives them, such as `RssAnon`; nothing for a process that has ended, or elsewhere."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines if line.endswith(" kB"))
    return {name.rstrip(":"): 1024 * int(amount) for name, amount, _ in fields}
