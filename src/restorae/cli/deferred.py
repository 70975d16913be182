"""Commands that are imported when they are called, so that `restorae --help` and each other command start fast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import takewhile
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from restorae.cli.groups import GroupedCommand
from restorae.cli.help_text import write_help


def deferred(
    target: str, check: Callable[[Sequence[str]], None] = lambda words: None
) -> type[TyperCommand]:
    """The class of a command that stands for the one at `target` until it is called.

    Args:
        target: `module:name` of a function, or of a `typer.Typer` with commands of its own.
        check: is given the words before the first option, which are surely no option's value, before the command
            is imported, and raises if one of them is wrong.
    """

    class Deferred(TyperCommand):
        def make_context(
            self, info_name: str | None, args: list[str], *rest: Any, **extra: Any
        ) -> Any:
            if not extra.get("resilient_parsing") and not {"-h", "--help"} & set(args):
                check([*takewhile(lambda word: not word.startswith("-"), args)])
            # the context's command is the real one, so everything after this is done by that
            return load_command(target).make_context(info_name, args, *rest, **extra)

    return Deferred


def load_command(target: str) -> TyperCommand | TyperGroup:
    """The command at `module:name`."""
    module, _, name = target.partition(":")
    found: typer.Typer | Callable[..., None] = getattr(import_module(module), name)
    if isinstance(found, typer.Typer):
        found.info.cls = Group
        return typer.main.get_group(found)
    alone = typer.Typer(add_completion=False)
    alone.command(cls=GroupedCommand)(found)
    return typer.main.get_command(alone)  # type: ignore[return-value]


class Group(TyperGroup):
    """A group with our help texts, whose own options are read without pydantic, which takes 0.15 s to import."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its parameters. A flag that is unset would be None, which Typer asks pydantic to convert."""
        params = super().get_params(ctx)
        for param in params:
            if param.default is None and getattr(param, "is_flag", False):
                param.default = False
        return params

    def format_help(self, ctx: Any, formatter: Any) -> None:
        write_help(self, ctx, formatter)
