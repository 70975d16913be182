"""Options as faces show them: the command line, the API and the page are generated from these fields of a request."""

from __future__ import annotations

import ast
import inspect
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

GROUPS = ("Restoring", "Colour", "Uncertainty", "Output", "Film", "Reading", "Computing")
"""Titles of the groups of options, the most used first."""
COMMON = "Restoring"


def option(default: Any, group: str = COMMON, **facts: Any) -> Any:
    """A field of a request: its default, its bounds (`ge`, `le`), and what faces need to know of it.

    Args:
        default: what it is where nobody says.
        group: the title under which it stands.
        facts: `ge` and `le` bound a number; `unit`, `metavar` and `page` go to the faces.
    """
    return field(default=default, metadata={"group": group, **facts})


@dataclass(frozen=True, kw_only=True)
class FormField:
    """An option as a face shows it."""

    name: str
    """The setting's name in Python and in the API."""
    title: str
    """A label: “Self ensemble”."""
    group: str
    """Title of its group, one of `GROUPS`."""
    help: str
    """What it does, in one or two sentences."""
    kind: Literal["flag", "integer", "number", "text", "choice", "path", "paths"]
    """What its values are."""
    default: Any
    optional: bool
    """Whether it may be unset (None)."""
    choices: tuple[Any, ...] = ()
    """The values of a closed choice, without None."""
    low: float | None = None
    high: float | None = None
    unit: str = ""
    metavar: str = ""
    page: str = ""
    """What the page does with it: empty for an ordinary field, `flag` for a check box that stands for a file of the page's
    own, `arrays` where only arrays and stacks have it, `hidden`."""


def form_fields(request: type[Any]) -> tuple[FormField, ...]:
    """All options of a kind of request, a dataclass whose fields are made with `option`, group by group."""
    types, texts = get_type_hints(request), _docstrings(request)
    found = [_form_field(each, types[each.name], texts[each.name]) for each in fields(request)]
    return tuple(sorted(found, key=lambda each: GROUPS.index(each.group)))


def bounds_of(declared: Field[Any]) -> dict[str, Any]:
    """The bounds of an option, `ge` and `le`, as pydantic takes them."""
    return {name: declared.metadata[name] for name in ("ge", "le") if name in declared.metadata}


def _form_field(declared: Field[Any], annotation: Any, text: str) -> FormField:
    types = [each for each in get_args(annotation) if each is not type(None)]
    is_tuple = get_origin(annotation) is tuple
    is_choice = get_origin(annotation) is Literal
    inner = annotation if is_choice or not types else types[0]
    choices = get_args(inner) if get_origin(inner) is Literal else ()
    kinds: dict[Any, Any] = {bool: "flag", int: "integer", float: "number", Path: "path"}
    bounds = bounds_of(declared)
    return FormField(
        name=declared.name,
        title=declared.name.replace("_", " ").capitalize(),
        group=declared.metadata["group"],
        help=text,
        kind="choice" if choices else "paths" if is_tuple else kinds.get(inner, "text"),
        default=declared.default,
        optional=declared.default is None,
        choices=choices,
        low=bounds.get("ge"),
        high=bounds.get("le"),
        unit=declared.metadata.get("unit", ""),
        metavar=declared.metadata.get("metavar", ""),
        page=declared.metadata.get("page", ""),
    )


def _docstrings(request: type[Any]) -> dict[str, str]:
    """The sentences under the fields of a kind of request."""
    module = ast.parse(Path(inspect.getfile(request)).read_text(encoding="utf-8"))
    found = next(
        each
        for each in module.body
        if isinstance(each, ast.ClassDef) and each.name == request.__name__
    )
    return {
        declared.target.id: " ".join(str(text.value.value).split())
        for declared, text in zip(found.body, found.body[1:], strict=False)
        if isinstance(declared, ast.AnnAssign)
        and isinstance(declared.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }
