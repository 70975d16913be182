"""The kinds of a family, printed from their own docstrings."""

from __future__ import annotations

import shutil

from restorae.cli.console import show
from restorae.cli.formulas import readable
from restorae.cli.help_text import two_columns
from restorae.parts import Part, kinds
from restorae.specs import to_text

_WIDEST = 100


def list_family(family: type[Part]) -> None:
    """Each kind with its sentence, and under it its settings, their defaults and units."""
    width = min(shutil.get_terminal_size().columns, _WIDEST) - 2
    for part in sorted(kinds(family), key=lambda each: each.kind):
        for line in two_columns([(part.kind, _first_paragraph(part.__doc__))], width, indent=""):
            show(line)
        rows = []
        for name, field in part.model_fields.items():
            default = "" if field.is_required() else f"={to_text(field.default)}"
            rows.append((f"{name}{default}", _first_paragraph(field.description)))
        for line in two_columns(rows, width):
            show(line)
        show("")


def _first_paragraph(text: str | None) -> str:
    return readable((text or "").strip().split("\n\n")[0])
