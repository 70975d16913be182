"""Fuzzes the parsers: python -m tests.fuzz --kind png --count 10000

Each kind is tried in a process of its own, which may take 1 GiB more than at its start and 10 s of processor time for a
file. If a library crashes it, the file is noted and the next process goes on behind it. What failed is kept in the folder
`--keep`, and so is how far it came: the same command goes on. `--only SEED` tries one file here and now.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import tempfile
import time
import traceback
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

from tests.fuzz.targets import TARGETS, attempt

_MOST_MEMORY = 2**30
_MOST_SECONDS = 10.0
_DISTINCT = 40


def _work(kind: str, seeds: range, at: Synchronized[int], failures: Any) -> None:

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in range(3):  # what is imported and cached at first use is no file's memory
            _failure(kind, each, folder)
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + _MOST_MEMORY, resource.RLIM_INFINITY))
        for seed in seeds:
            at.value = seed
            failure = _failure(kind, seed, folder)
            if failure:
                failures.put((seed, failure))
            for path in folder.iterdir():
                path.unlink()
        at.value = seeds.stop


def _failure(kind: str, seed: int, folder: Path) -> str:
    try:
        attempt(TARGETS[kind], seed, folder)
    except BaseException:
        return traceback.format_exc()
    return ""


def _processor_seconds(process_id: int) -> float:
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fuzz(kind: str, first: int, count: int, keep: Path) -> dict[str, int]:
    """Try the files of `count` seeds from `first` on; how often each kind of failure was seen."""
    state = keep / f"{kind}.json"
    known: dict[str, Any] = {"next": first, "failures": {}}
    if state.exists():
        known = json.loads(state.read_text())
    context = multiprocessing.get_context("spawn")
    while known["next"] < first + count:
        at, failures = context.Value("q", known["next"]), context.SimpleQueue()
        seeds = range(known["next"], min(first + count, known["next"] + 1000))
        process = context.Process(target=_work, args=(kind, seeds, at, failures))
        process.start()
        seen, since, used = at.value, time.monotonic(), 0.0
        while process.is_alive():
            process.join(0.05)
            while not failures.empty():
                _note(known, kind, *failures.get())
            if at.value != seen:
                seen, since, used = at.value, time.monotonic(), _processor_seconds(process.pid or 0)
            spent = _processor_seconds(process.pid or 0) - used
            if spent > _MOST_SECONDS + 10 * (seen == seeds.start) or time.monotonic() - since > 300:
                process.kill()
                process.join()
                _note(known, kind, seen, f"Hang: more than {_MOST_SECONDS} s")
        while not failures.empty():
            _note(known, kind, *failures.get())
        if process.exitcode and process.exitcode != -9:
            _note(known, kind, seen, f"Crash: exit status {process.exitcode}")
        known["next"] = at.value + (at.value < seeds.stop)
        state.write_text(json.dumps(known, indent=1))
        print(f"{kind}: {known['next'] - first:,} of {count:,}, {_counts(known)}", flush=True)
    return _counts(known)


def _note(known: dict[str, Any], kind: str, seed: int, failure: str) -> None:
    last = failure.strip().splitlines()[-1][:100]
    lines = [line.strip() for line in failure.splitlines() if "src/restorae" in line]
    where = lines[-1] if lines else ""
    found = known["failures"].setdefault(f"{last} | {where}", {"count": 0, "seeds": []})
    found["count"] += 1
    if len(found["seeds"]) < 5:
        found["seeds"].append(seed)
        found["first"] = found.get("first", failure)


def _counts(known: dict[str, Any]) -> dict[str, int]:
    return {name: each["count"] for name, each in list(known["failures"].items())[:_DISTINCT]}


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--kind", action="append", choices=TARGETS, help="default: all")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--keep", type=Path, default=Path(".fuzz"))
    parser.add_argument("--only", type=int, metavar="SEED")
    given = parser.parse_args()
    kinds = given.kind or list(TARGETS)
    if given.only is not None:
        with tempfile.TemporaryDirectory() as folder:
            print(attempt(TARGETS[kinds[0]], given.only, Path(folder)) or "read and written")
        return 0
    given.keep.mkdir(parents=True, exist_ok=True)
    failed = {kind: fuzz(kind, given.first, given.count, given.keep) for kind in kinds}
    for kind, found in failed.items():
        print(f"{kind}: {sum(found.values())} failures of {len(found)} kinds")
        for name, number in found.items():
            print(f"  {number:6} {name}")
    return int(any(failed.values()))
