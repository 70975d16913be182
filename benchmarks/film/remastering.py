"""Part `remaster`: CPU time and memory of cleaning and colouring, beside DeepRemaster's two networks.

    python benchmarks/film/remastering.py restoring HEIGHT WIDTH     one of their networks alone

Each side runs in processes of its own. Theirs have random weights, are built from their description, and take one block of
frames; sides are rounded up to what they can take. Ours restores and colours a film from three references, reading, flow,
encoding and start included.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from settings import Bench
from writing import table

from film.memory import measured
from film.remaster import BLOCK, RemasterC, RemasterR

TITLE = "Films beside DeepRemaster"
SIZES = ((240, 428), (540, 960))
FRAMES = 12
"""Frames of the films that ours restores."""
MOST_GIB = 14
"""Address space of a process that runs a network of theirs."""
_MULTIPLE = 16


def measure(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """CPU seconds of a frame and peak memory, of both sides, at each size."""
    sizes: dict[str, dict[str, Any]] = {}
    asked = SIZES[: 1 if bench.quick else None]
    # the largest peak of all processes so far is what is read: smaller ones come first
    for size in asked:
        peak, seconds = measured("film-cleaner", FRAMES, in_colour=True, size=size)
        sizes[_named(size)] = {"ours": {"seconds": seconds, "peak": peak}}
        say(f"{_named(size)}: ours {seconds:.2f} s a frame, {peak:,.0f} MiB")
    for size in asked:
        for name in ("restoring", "colouring"):
            sizes[_named(size)][name] = _of_child(name, *size)
            say(f"{_named(size)}: {name} {sizes[_named(size)][name]}")
    return {"sizes": sizes}


def report(record: Mapping[str, Any]) -> str:
    """The section of the page."""
    rows, ratios, missing = [], [], []
    for size, found in record["measured"]["sizes"].items():
        ours, restoring, colouring = (found[name] for name in ("ours", "restoring", "colouring"))
        if not (restoring and colouring):
            missing.append(size)
            continue
        theirs = restoring["seconds"] + colouring["seconds"]
        ratios.append(f"{ours['seconds'] / theirs:.3f} at {size}")
        peak = max(restoring["peak"], colouring["peak"])
        rows.append(
            [
                size,
                f"{ours['seconds']:.2f}",
                f"{restoring['seconds']:.1f}",
                f"{colouring['seconds']:.1f}",
                f"{ours['seconds'] / theirs:.3f}",
                f"{ours['peak']:,.0f}",
                f"{peak:,.0f}",
            ]
        )
    header = [
        "size",
        "ours, s a frame",
        "theirs: restoring",
        "colouring",
        "ratio",
        "ours, MiB",
        "theirs, MiB",
    ]
    said = [
        f"CPU time and peak memory of cleaning and colouring a film of {FRAMES} frames from three references, reading, optical flow, "
        "encoding and the start of the program included, and of DeepRemaster's two networks: built from their description, random "
        f"weights, float32, one block of {BLOCK} frames and three references of 256 × 448, nothing but the networks.",
        table(header, rows),
    ]
    if missing:
        said.append(f"Theirs needed more than {MOST_GIB} GiB at {', '.join(missing)}.")
    return "\n\n".join(said)


def _named(size: tuple[int, int]) -> str:
    return f"{size[1]} × {size[0]}"


def _of_child(name: str, height: int, width: int) -> dict[str, float] | None:
    """Time and memory of one of their networks; None where memory does not suffice."""
    command = [sys.executable, __file__, name, str(height), str(width)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(ran.stdout) if ran.returncode == 0 else None


def _run_network(name: str, height: int, width: int) -> dict[str, float]:
    most = MOST_GIB * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    torch.set_num_threads(1)
    rows, columns = (-(-side // _MULTIPLE) * _MULTIPLE for side in (height, width))
    block = torch.rand(1, 1, BLOCK, rows, columns)
    network, given = (
        (RemasterR(), (block,))
        if name == "restoring"
        else (RemasterC(), (block, torch.rand(1, 3, 3, 256, 448)))
    )
    network.eval()
    with torch.inference_mode():
        begun = time.process_time()
        network(*given)
    seconds = (time.process_time() - begun) / BLOCK
    return {
        "seconds": seconds,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(_run_network(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
