"""Part `learning`: what is learned from real damage, against published figures and classical methods; test sets are looked at here only.

A section that fails is told and the others go on. One that is measured alone leaves the others' last results on the page.
"""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from settings import Bench
from writing import provenance, table

from learning import denoise, noisy, pages, sheets
from restorae.errors import DataUnavailable, UnknownKind
from restorae.machine import describe
from restorae.version import VERSION

TITLE = "Learning real damage"
_PROVENANCE = ("date", "seed", "command", "machine", "versions", "load")


@dataclass(frozen=True)
class Section:
    """A question of this part: how it is measured, held against its target, and told."""

    title: str
    measure: Callable[[Bench, Callable[[str], None]], dict[str, Any]]
    goals: Callable[[Mapping[str, Any]], list[list[str]]]
    report: Callable[[Mapping[str, Any]], list[str]]
    trains: bool = True
    """Whether networks are trained, which `minutes_scale` shortens."""


SECTIONS: Mapping[str, Section] = {
    "denoise": Section(
        "Gaussian noise on photos",
        denoise.measure,
        denoise.goals,
        denoise.report,
        trains=False,
    ),
    "speed": Section(
        "What that costs",
        denoise.measure_speed,
        denoise.speed_goals,
        denoise.report_speed,
        trains=False,
    ),
    "pages": Section("Dirty pages", pages.measure, pages.goals, pages.report),
    "few": Section(
        "Dirty pages from eight pairs",
        pages.measure_few,
        pages.goals_of_few,
        pages.report_few,
    ),
    "noisy": Section(
        "Photos from noisy images alone",
        noisy.measure,
        noisy.goals,
        noisy.report,
    ),
    "w2s": Section(
        "Micrographs from noisy images alone",
        noisy.measure_w2s,
        noisy.goals_of_w2s,
        noisy.report_w2s,
    ),
    "sheets": Section(
        "Images to look at",
        sheets.measure,
        sheets.goals,
        sheets.report,
    ),
}


def measure(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """Every section that was asked for; what the last run found of the others is kept, with when and how it was measured."""
    sections, failed = _of_before(bench), []
    for name in bench.sections or SECTIONS:
        found = _one(name, bench, say)
        if "failed" in found:
            failed.append(name)
        sections[name] = found
    versions = {
        "restorae": VERSION,
        **{package: version(package) for package in ("torch", "scikit-image")},
    }
    ordered = {name: sections[name] for name in SECTIONS if name in sections}
    return {"machine": describe(), "versions": versions, "sections": ordered, "failed": failed}


def _one(name: str, bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """A section's findings, or why there are none: `absent` is what was not there, `failed` what should not have happened."""
    say(f"{name} begins")
    started, before = time.perf_counter(), os.getloadavg()[0]
    said: dict[str, Any]
    try:
        said = {"found": SECTIONS[name].measure(bench, lambda message: say(f"{name}: {message}"))}
    except (DataUnavailable, UnknownKind) as error:
        # names of models can be places on this machine
        said = {
            "absent": str(error)
            if isinstance(error, DataUnavailable)
            else f"`{Path(bench.denoiser).name}` is not here."
        }
        say(f"{name} is left out: {error}")
    except Exception as error:
        # one section is no reason to lose the hours of the others; all of it is in the log
        said = {"failed": type(error).__name__}
        log = bench.folder / "logs" / f"learning-{name}.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(traceback.format_exc(), encoding="utf-8")
        say(f"{name} FAILED: {error} (all of it is in {log})")
    seconds = time.perf_counter() - started
    say(f"{name} took {seconds:.0f} s")
    return {
        **said,
        "seconds": round(seconds),
        "minutes_scale": bench.minutes_scale,
        "load": [before, os.getloadavg()[0]],
    }


def _of_before(bench: Bench) -> dict[str, Any]:
    results = bench.folder / "learning.json"
    if not results.is_file():
        return {}
    record = json.loads(results.read_text(encoding="utf-8"))
    its_own = {key: record[key] for key in _PROVENANCE}
    return {
        name: {"record": its_own, **section}
        for name, section in record["measured"]["sections"].items()
        if name in SECTIONS
    }


# the section


def report(record: Mapping[str, Any]) -> str:
    """The goals of all sections in one table, then each section; one of another run says which."""
    sections = record["measured"]["sections"]
    lines = [
        line
        for name, section in sections.items()
        if "found" in section
        for line in SECTIONS[name].goals(section["found"])
    ]
    paragraphs = [_table_of_goals(lines)] if lines else []
    for name, section in sections.items():
        paragraphs.append(f"### {SECTIONS[name].title}")
        if "found" in section:
            paragraphs += SECTIONS[name].report(section["found"])
        paragraphs.append(_ending(name, section))
    return "\n\n".join(paragraphs)


def _table_of_goals(lines: Sequence[Sequence[str]]) -> str:
    words = {"goal": "goal reached", "floor": "floor reached", "missed": "missed"}
    return table(
        ["", "measured", "floor", "goal", "verdict"],
        [[*line[:-1], words[line[-1]]] for line in lines],
    )


def _ending(name: str, section: Mapping[str, Any]) -> str:
    """What belongs under a section: that it is not there, that it was shortened, when it was measured if not with the rest."""
    said = []
    if "absent" in section:
        said.append(f"Left out: {section['absent']}")
    if "failed" in section:
        said.append(
            f"This section failed ({section['failed']}); see `build/benchmarks/logs/learning-{name}.txt`."
        )
    if SECTIONS[name].trains and section["minutes_scale"] != 1:
        said.append(
            f"Trainings took {section['minutes_scale']:g} times the intended time, so these figures are not meaningful."
        )
    said.append(f"The section took {section['seconds']:,} s.")
    if "record" in section:
        said.append(provenance({**section["record"], "load": section["load"]}))
    return " ".join(said)
