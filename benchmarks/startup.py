"""Part `startup`: whole processes, from the shell's point of view."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from interleaved_timing import ContestantFailed, Spread
from settings import Bench
from writing import table

from restorae.formats import write_still
from restorae.model import Model, make_card
from restorae.networks import Conv

TITLE = "Start-up"
RUNS, QUICK_RUNS = 15, 2
_HELP_WITHOUT_TORCH = """
import sys
sys.argv = ["restorae", "--help"]
from restorae.cli.main import main
try:
    main()
except SystemExit:
    pass
sys.exit(3 if "torch" in sys.modules else 0)
"""


def measure(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """Time the commands in turn, several times; what they compare with is a Python that does nothing or imports torch."""
    bench.folder.mkdir(parents=True, exist_ok=True)
    image, model, out = (
        bench.folder / name for name in ("digit.png", "small.safetensors", "digit-restored.png")
    )
    write_still(image, np.random.default_rng(bench.seed).integers(0, 256, (28, 28), np.uint8))
    network = Conv()
    module = network.build()
    Model(network, module, card=make_card(network, module, name="small")).save(model)
    restorae = str(Path(sys.executable).parent / "restorae")
    commands = {
        "python": [sys.executable, "-c", "pass"],
        "torch": [sys.executable, "-c", "import torch"],
        "help": [restorae, "--help"],
        "restore": [
            restorae,
            "restore",
            str(image),
            "--model",
            str(model),
            "--out",
            str(out),
            "--overwrite",
        ],
    }
    for command in commands.values():
        _seconds(command)
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(QUICK_RUNS if bench.quick else RUNS):
        for name, command in commands.items():
            seconds[name].append(_seconds(command))
    say(", ".join(f"{name} {Spread.of(taken).to_text()} s" for name, taken in seconds.items()))
    torch_free = (
        subprocess.run(
            [sys.executable, "-c", _HELP_WITHOUT_TORCH], capture_output=True, check=False
        ).returncode
        == 0
    )
    return {
        "seconds": seconds,
        "help_without_torch": torch_free,
        "parameters": sum(weights.numel() for weights in module.parameters()),
    }


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - started
    if done.returncode:
        raise ContestantFailed(
            f"{' '.join(command)} failed:\n{done.stderr.strip() or done.stdout.strip()}"
        )
    return taken


def report(record: Mapping[str, Any]) -> str:
    """The section's text."""
    found = record["measured"]
    names = {
        "help": ("`restorae --help`", "0.6, goal 0.25"),
        "restore": (
            f"`restorae restore` of one 28 × 28 PNG by a `conv` of {found['parameters']:,} parameters",
            "",
        ),
        "python": ("for comparison: `python -c pass`", ""),
        "torch": ("for comparison: `python -c 'import torch'`", ""),
    }
    rows = [
        [text, Spread.of(found["seconds"][name]).to_text(), target]
        for name, (text, target) in names.items()
    ]
    torch = (
        "imports no torch" if found["help_without_torch"] else "imports torch, which it should not"
    )
    return "\n\n".join(
        [
            table(["", "seconds", "target"], rows),
            f"Whole processes, the commands in turn, {len(found['seconds']['help'])} times each after one warm-up, with warm disk "
            f"caches: medians, with the smallest and the largest. `restorae --help` {torch}.",
        ]
    )
