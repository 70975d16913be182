"""`restorae doctor`: what this machine offers, and what is missing."""

from __future__ import annotations

from restorae.cli.options import Json


def doctor(json_wanted: Json = False) -> None:
    """What restorae finds here: processor, precision, libraries, data sets, models."""
    from importlib.metadata import PackageNotFoundError, version

    from restorae.cli.console import show_json, table
    from restorae.data.named import IDX_SETS, find_here
    from restorae.machine import describe
    from restorae.model import bundled
    from restorae.version import VERSION

    facts: dict[str, str | int] = {"restorae": VERSION, **describe()}
    for library in (
        "numpy",
        "pydantic",
        "pyvips",
        "pyvips-binary",
        "scikit-image",
        "matplotlib",
    ):
        try:
            facts[library] = version(library)
        except PackageNotFoundError:
            facts[library] = "missing"
    for name, wanted in IDX_SETS.items():
        facts[f"data: {name}"] = str(
            find_here(wanted) or "not here; downloaded when first asked for"
        )
    facts["data: digits"] = "embedded"
    facts["models"] = ", ".join(bundled()) or "none"
    if json_wanted:
        show_json(facts)
        return
    table(
        "restorae doctor", ("what", "found"), [(name, str(value)) for name, value in facts.items()]
    )
