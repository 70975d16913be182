"""`restorae doctor`: what this machine offers, and what is missing."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from restorae.cli.options import Device, Json

if TYPE_CHECKING:
    from restorae.evaluating.speed import Speed


def doctor(
    json_wanted: Json = False,
    formats: Annotated[
        bool,
        typer.Option("--formats", help="Show which files are read and written, and what is kept."),
    ] = False,
    speed: Annotated[
        bool,
        typer.Option(
            "--speed",
            help="Also measure how fast each bundled model is on this machine, which takes about a minute on two cores.",
        ),
    ] = False,
    device: Device = "auto",
) -> None:
    """Show what matters for a problem report: the machine, libraries, data sets and models; nothing private."""
    from restorae.cli.console import show_json, table

    if formats:
        from restorae.formats.table import COLUMNS, format_rows

        rows = [row.cells() for row in format_rows()]
        if json_wanted:
            show_json({"formats": [dict(zip(COLUMNS, row, strict=True)) for row in rows]})
        else:
            table("Formats", COLUMNS, rows)
        return
    facts = _facts()
    measured = [each.to_dict() for each in _speeds(device)] if speed else []
    if json_wanted:
        show_json({**facts, **({"speed": measured} if speed else {})})
        return
    table(
        "restorae doctor", ("what", "found"), [(name, str(value)) for name, value in facts.items()]
    )
    if speed:
        table(
            "Speed",
            ("model", "megapixels per second", "precision", "runtime", "device", "images"),
            [
                (
                    each["model"],
                    f"{each['megapixels_per_second']:g}",
                    each["precision"],
                    each["runtime"],
                    each["device"],
                    "×".join(map(str, each["images"])),
                )
                for each in measured
            ],
        )


def _facts() -> dict[str, str | int]:
    """What is asked in every problem report. Paths and values that may be private are left out."""
    from restorae.data.named import IDX_SETS, find_here
    from restorae.machine import available_memory, describe
    from restorae.model import bundled
    from restorae.version import VERSION

    facts: dict[str, str | int] = {
        "restorae": VERSION,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "encoding": sys.stdout.encoding or "unknown",
        **describe(),
        "memory": f"{available_memory() / 2**30:.1f} GiB free",
        **_settings_of_environment(),
        **library_versions(),
    }
    for name, source in IDX_SETS.items():
        # a path may tell who works here
        is_here = find_here(source) is not None
        facts[f"data: {name}"] = (
            "on this machine" if is_here else "not on this machine; downloaded on first use"
        )
    facts["data: digits"] = "embedded"
    facts["models"] = ", ".join(bundled()) or "none"
    return facts


_SHOWN = (
    "RESTORAE_PRECISION",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES",
    "VIPS_CONCURRENCY",
)
"""Variables whose values explain results or times, and tell nothing about a person."""
_NAMED = ("RESTORAE_DATA", "RESTORAE_TOKEN", "HF_TOKEN", "HF_ENDPOINT", "MALLOC_ARENA_MAX")
"""Variables of which only is told that they are set."""


def _settings_of_environment() -> dict[str, str]:
    found = {name: os.environ[name] for name in _SHOWN if os.environ.get(name)}
    return found | {name: "set (not shown)" for name in _NAMED if os.environ.get(name)}


def _speeds(device: str) -> Iterator[Speed]:
    from restorae.cli.console import terminal_progress
    from restorae.evaluating.speed import measure_speeds
    from restorae.model import bundled, load

    progress = terminal_progress()
    for name in bundled():
        progress.say(f"Measuring {name}.")
        yield from measure_speeds(load(name).to(device))


def library_versions(requirements: Iterable[str] | None = None) -> dict[str, str]:
    """Installed versions of the libraries that restorae requires, those of its extras included, by name.

    A library that is not installed is `missing`, or `not installed (extra NAME)` if an extra brings it. Those for
    developers are left out.

    Args:
        requirements: as package metadata states them; by default those of the installed package.
    """
    from importlib.metadata import PackageNotFoundError, requires, version

    found: dict[str, str] = {}
    for requirement in requires("restorae") or [] if requirements is None else requirements:
        name_found = re.match(r"[\w.-]+", requirement)
        extra_found = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", requirement)
        if name_found is None or (extra_found is not None and extra_found[1] == "dev"):
            continue
        name = name_found[0]
        absent = f"not installed (extra {extra_found[1]})" if extra_found else "missing"
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found.setdefault(name, absent)
    return found
