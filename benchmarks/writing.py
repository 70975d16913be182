"""The page: prose that stays, and sections between markers that a run writes anew, each alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any


def markers(name: str) -> tuple[str, str]:
    """The lines that stand before and after the section `name`."""
    return f"<!-- {name}: written by benchmarks/run.py, do not edit -->", f"<!-- end of {name} -->"


def replace_section(page: str, name: str, body: str, order: Sequence[str] = ()) -> str:
    """The page with `body` as its section `name`; everything else stays as it was.

    A section that the page does not have yet comes before the first that stands later in `order`, else at the end.
    """
    start, end = markers(name)
    section = f"{start}\n\n{body.strip()}\n\n{end}"
    present = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if present.search(page):
        return present.sub(lambda _: section, page, count=1)
    later = order[order.index(name) + 1 :] if name in order else ()
    places = [place for other in later if (place := page.find(markers(other)[0])) >= 0]
    if places:
        return f"{page[: min(places)]}{section}\n\n{page[min(places) :]}"
    return f"{page.rstrip()}\n\n{section}\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first column is text, the others are figures."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def provenance(record: Mapping[str, Any]) -> str:
    """When, how and on what a section was measured."""
    machine, (before, after) = record["machine"], record["load"]
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return (
        f"Measured on {record['date']} with seed {record['seed']} by `{record['command']}` on {machine['processor']}, "
        f"{machine['cores']} cores, {machine['threads']} threads, {machine['capability']}, precision `auto` = {machine['precision']}; "
        f"load average {before:.1f} before and {after:.1f} after. {versions}."
    )
