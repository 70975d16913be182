"""The kinds of a family, printed from their own docstrings."""

from __future__ import annotations

from restorae.cli.console import show
from restorae.parts import Part, kinds
from restorae.specs import to_text


def list_family(family: type[Part]) -> None:
    """Each kind with its sentence, and under it its settings, their defaults and units."""
    for part in sorted(kinds(family), key=lambda each: each.kind):
        show(f"{part.kind}: {_first_sentence(part.__doc__)}")
        for name, field in part.model_fields.items():
            default = "" if field.is_required() else f" = {to_text(field.default)}"
            show(f"    {name}{default}: {_first_sentence(field.description)}")
        show("")


def _first_sentence(text: str | None) -> str:
    """The first paragraph on one line, without the delimiters of formulas."""
    paragraph = (text or "").strip().split("\n\n")[0]
    return " ".join(paragraph.replace("$", "").split())
