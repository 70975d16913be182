"""Help texts that fit 80 columns: option and value to the left, at least 50 columns of description beside them."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import typer

_START: Final = 26
"""Column at which descriptions start; an option that does not fit before it has a line of its own."""
_WORDS: Final = {int: "N", float: "X", Path: "PATH"}
"""Stands for a value of that type; a text is called after its option."""


def write_help(
    command: Any, ctx: Any, formatter: Any, order: Callable[[Any], Any] | None = None
) -> None:
    """Write the help text of a command or a group of commands.

    Args:
        command: Typer's command or group.
        ctx: its context.
        formatter: collects the text; its width is that of the terminal, at most 78 columns.
        order: sorts the options; groups stand in the order of their first option.
    """
    usage = command.get_usage(ctx).replace("{", "").replace("}", "")
    formatter.write(f"{usage}\n\n")
    if command.help:
        formatter.write(_filled(inspect.cleandoc(command.help), formatter.width))
    groups: dict[str, list[tuple[str, str]]] = {"": []}
    declared = _declarations(command)
    params = [each for each in command.get_params(ctx) if not getattr(each, "hidden", False)]
    for param in sorted(params, key=order) if order else params:
        info, kind = declared.get(param.name, (None, bool))
        if param.param_type_name == "argument":
            title, left = "", (param.metavar or param.name.upper()) + "..." * (param.nargs == -1)
        else:
            title, left = param.rich_help_panel or "Options", _option(param, info, kind)
        groups.setdefault(title, []).append((left, _description(param, kind)))
    commands = getattr(command, "commands", {})
    if commands:
        groups["Commands"] = [
            (name, _first_sentence(each.help or ""))
            for name, each in commands.items()
            if not each.hidden
        ]
    for title, rows in groups.items():
        if rows:
            formatter.write(f"\n{typer.style(title, bold=True)}\n" if title else "\n")
            formatter.write("".join(f"{line}\n" for line in two_columns(rows, formatter.width)))
    if commands:
        formatter.write(f"\nThe options of a command: {ctx.command_path} COMMAND --help\n")


def _declarations(command: Any) -> dict[str, tuple[Any, Any]]:
    """What the command's function says of each parameter: Typer's settings, and the type without None."""
    found: dict[str, tuple[Any, Any]] = {}
    if command.callback is None:
        return found
    for name, parameter in inspect.signature(command.callback, eval_str=True).parameters.items():
        if get_origin(parameter.annotation) is not Annotated:
            continue
        declared, info = get_args(parameter.annotation)[:2]
        if get_origin(declared) is not Literal:
            declared = next(
                (each for each in get_args(declared) if each is not type(None)), declared
            )
        found[name] = (info, declared)
    return found


def _option(param: Any, info: Any, kind: Any) -> str:
    """An option and its value: `--strength 0..1`."""
    names = ", ".join(sorted(param.opts, key=len)) + "".join(f"/{o}" for o in param.secondary_opts)
    if param.is_flag or kind is bool:
        return names
    return f"{names} {_value(param, info, kind)}"


def _value(param: Any, info: Any, kind: Any) -> str:
    if param.metavar:
        return str(param.metavar)
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    kind = next(iter(get_args(kind)), kind)  # a list's
    low, high = getattr(info, "min", None), getattr(info, "max", None)
    if low is not None and high is not None:
        return f"{low:g}..{high:g}"
    name: str = max(param.opts, key=len)
    return _WORDS.get(kind, name.rpartition("-")[2].upper())


def _description(param: Any, kind: Any) -> str:
    """The option's help with its default, its environment variable and whether it is required."""
    sentences = [" ".join((param.help or "").split())]
    default = param.default
    if param.required:
        sentences.append("Required.")
    elif not (default is None or kind is bool or default == "" or "Default" in sentences[0]):
        sentences.append(
            f"Default: {default:g}." if isinstance(default, float) else f"Default: {default}."
        )
    if param.envvar:
        sentences.append(f"Environment variable: {param.envvar}.")
    return " ".join(filter(None, sentences))


def two_columns(rows: Iterable[tuple[str, str]], width: int, indent: str = "  ") -> Iterator[str]:
    """Lines of a list: terms to the left, their descriptions beside them from column 26 on.

    >>> for line in two_columns([("--seed N", "Random seed.")], 78):
    ...     print(line)
      --seed N                Random seed.
    """
    left_width = _START - len(indent) - 2
    for left, text in rows:
        lines = textwrap.wrap(text, width - _START, break_on_hyphens=False) or [""]
        if len(left) > left_width:
            yield indent + left
        else:
            yield f"{indent}{left:{left_width}}  {lines.pop(0)}".rstrip()
        yield from (" " * _START + line for line in lines)


def _filled(text: str, width: int) -> str:
    """Text as paragraphs of full lines."""
    return (
        "\n\n".join(textwrap.fill(" ".join(each.split()), width) for each in text.split("\n\n"))
        + "\n"
    )


def _first_sentence(text: str) -> str:
    """The sentence before the first full stop or colon that ends one."""
    first = " ".join(text.split()).split(". ")[0].split("; ")[0]
    return first if first.endswith(".") else f"{first}."
