"""`restorae doctor`: what this machine offers, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

import typer

from restorae.cli.options import Json


def doctor(
    json_wanted: Json = False,
    formats: Annotated[
        bool,
        typer.Option("--formats", help="Show which files are read and written, and what is kept."),
    ] = False,
) -> None:
    """Show the processor, precision, libraries, data sets and models that restorae finds."""
    from restorae.cli.console import show_json, table

    if formats:
        from restorae.formats.table import COLUMNS, format_rows

        rows = [row.cells() for row in format_rows()]
        if json_wanted:
            show_json({"formats": [dict(zip(COLUMNS, row, strict=True)) for row in rows]})
        else:
            table("Formats", COLUMNS, rows)
        return
    from restorae.data.named import IDX_SETS, find_here
    from restorae.machine import describe
    from restorae.model import bundled
    from restorae.version import VERSION

    facts: dict[str, str | int] = {"restorae": VERSION, **describe(), **library_versions()}
    for name, source in IDX_SETS.items():
        facts[f"data: {name}"] = str(
            find_here(source) or "not on this machine; downloaded on first use"
        )
    facts["data: digits"] = "embedded"
    facts["models"] = ", ".join(bundled()) or "none"
    if json_wanted:
        show_json(facts)
        return
    table(
        "restorae doctor", ("what", "found"), [(name, str(value)) for name, value in facts.items()]
    )


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
