"""`restorae doctor`: what this machine offers, and what is missing."""

from __future__ import annotations

import os
from pathlib import Path

from restorae.cli.options import Json


def doctor(json_wanted: Json = False) -> None:
    """What restorae finds here: processor, precision, libraries, data sets, models."""
    from importlib.metadata import PackageNotFoundError, version

    import platformdirs

    from restorae.cli.console import show_json, table
    from restorae.data.named import IDX_SETS
    from restorae.machine import describe
    from restorae.model import bundled
    from restorae.version import VERSION

    facts: dict[str, str | int] = {"restorae": VERSION, **describe()}
    for library in ("numpy", "lightning-fabric", "pydantic", "pyvips", "pyvips-binary", "scikit-image", "scikit-learn", "matplotlib"):
        try:
            facts[library] = version(library)
        except PackageNotFoundError:
            facts[library] = "missing"
    places = [Path(os.environ["RESTORAE_DATA"])] if os.environ.get("RESTORAE_DATA") else []
    places.append(Path(platformdirs.user_cache_dir("restorae")))
    for name, wanted in IDX_SETS.items():
        there = next((str(place / name) for place in places if all((place / name / file).is_file() for file in wanted.checksums)), "")
        facts[f"data: {name}"] = there or "not here; downloaded when first asked for"
    facts["data: digits"] = "embedded"
    facts["models"] = ", ".join(bundled()) or "none"
    if json_wanted:
        show_json(facts)
        return
    table("restorae doctor", ("what", "found"), [(name, str(value)) for name, value in facts.items()])
