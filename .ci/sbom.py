"""Writes a software bill of materials (CycloneDX 1.5) of restorae and all that it needs: python .ci/sbom.py OUT"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")


def normal(name: str) -> str:
    """A package's name as indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(found: Distribution, extras: frozenset[str]) -> list[str]:
    """The packages that a package asks for, with its extras."""
    names = []
    for requirement in found.requires or ():
        extra = _EXTRA.search(requirement)
        match = _NAME.match(requirement)
        if match and (extra is None or extra[1] in extras):
            names.append(normal(match[0]))
    return sorted({*names})


def bill(root: str, extras: frozenset[str]) -> dict[str, Any]:
    """The bill of all installed packages that `root` leads to."""
    waiting, components, dependencies = [normal(root)], {}, []
    while waiting:
        name = waiting.pop()
        if name in components:
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # of another system or Python
        of_this = needed(found, extras if name == normal(root) else frozenset())
        waiting += of_this
        components[name] = component(name, found)
        dependencies.append({"ref": reference(name, found), "dependsOn": of_this})
    by_name = {name: each["bom-ref"] for name, each in components.items()}
    for each in dependencies:
        each["dependsOn"] = [by_name[name] for name in each["dependsOn"] if name in by_name]
    main = components.pop(normal(root))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": main | {"type": "application"}},
        "components": [components[name] for name in sorted(components)],
        "dependencies": sorted(dependencies, key=lambda each: str(each["ref"])),
    }


def reference(name: str, found: Distribution) -> str:
    """The package's address in bills of materials."""
    return f"pkg:pypi/{name}@{found.version}"


def component(name: str, found: Distribution) -> dict[str, Any]:
    """One package: its name, version, licence and sentence."""
    facts = found.metadata
    licence = facts.get("License-Expression") or facts.get("License") or ""
    classified = [
        each.rpartition("::")[2].strip()
        for each in facts.get_all("Classifier") or ()
        if each.startswith("License ::")
    ]
    # some packages put the whole text there
    said = licence if licence and len(licence) < 100 else " AND ".join(classified)
    return {
        "type": "library",
        "bom-ref": reference(name, found),
        "name": name,
        "version": found.version,
        "purl": reference(name, found),
        "description": facts.get("Summary") or "",
        **({"licenses": [{"license": {"name": said}}]} if said else {}),
    }


def main() -> None:
    """The command."""
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    found = bill("restorae", frozenset({"film", "web"}))
    target.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{target}: {len(found['components'])} packages")


if __name__ == "__main__":
    main()
