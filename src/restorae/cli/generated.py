"""Command-line options made from the fields of a request, so that a new option is one field."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from restorae.cli.wording import COMMAND_LINE
from restorae.restoring.form_fields import GROUPS, FormField
from restorae.restoring.request import Request

_TYPES: Mapping[str, Any] = {
    "flag": bool,
    "integer": int,
    "number": float,
    "text": str,
    "path": Path,
    "paths": list[Path],
}


def option_for(field: FormField) -> inspect.Parameter:
    """The keyword parameter that Typer makes an option of."""
    settings: dict[str, Any] = {"help": field.help, "rich_help_panel": field.group}
    if field.low is not None:
        settings["min"] = field.low
    if field.high is not None:
        settings["max"] = field.high
    if field.metavar:
        settings["metavar"] = field.metavar
    declared: Any = _TYPES.get(field.kind, str)
    default = list(field.default) if field.kind == "paths" else field.default
    if field.choices:
        declared = Literal[tuple(str(value) for value in field.choices)]
        default = None if default is None else str(default)
    name = COMMAND_LINE.setting(field.name)
    if field.default is True:
        name = f"{name}/--no-{name.removeprefix('--')}"
    option = typer.Option(name, **settings)
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[declared | None if field.optional else declared, option],
    )


def _value(field: FormField, given: Any) -> Any:
    """What an option's word means: values of a closed choice need not be texts."""
    if field.kind == "paths":
        return tuple(given)
    return {str(value): value for value in field.choices}.get(given, given)


def with_request_options(command: Callable[..., None]) -> Callable[..., None]:
    """Replace a command's parameters that are requests by an option for each of the requests' fields.

    Its other parameters stay as they are, before the generated ones.
    """
    signature = inspect.signature(command, eval_str=True)
    requests: dict[str, type[Request]] = {
        each.name: each.annotation
        for each in signature.parameters.values()
        if isinstance(each.annotation, type) and issubclass(each.annotation, Request)
    }
    own = [each for each in signature.parameters.values() if each.name not in requests]
    fields = {name: request.form_fields() for name, request in requests.items()}

    def run(**given: Any) -> None:
        made = {
            name: request(
                **{field.name: _value(field, given.pop(field.name)) for field in fields[name]}
            )
            for name, request in requests.items()
        }
        command(**made, **given)

    listed = [field for each in fields.values() for field in each]
    parameters = [
        *(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own),
        *(option_for(field) for field in sorted(listed, key=lambda each: GROUPS.index(each.group))),
    ]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run
