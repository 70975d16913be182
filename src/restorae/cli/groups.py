"""The titled groups of options in help texts: one table for all commands."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Final

from typer.core import TyperCommand, TyperOption

from restorae.cli.help_text import write_help
from restorae.errors import UsageError

MOST_USED: Final = "Options"
"""Title of the first group, with the options that are used most."""

_GROUPS: Final = {
    MOST_USED: (
        "clean", "degraded", "noisy", "spec", "data", "out", "model", "network", "latent_dim", "strength", "mask", "epochs",
        "minutes", "start_from", "preview", "show", "at", "list_kinds", "overwrite", "skip_existing",
    ),
    "Input": ("count", "data_dir", "end", "labels", "limit", "split", "start", "validation", "binarise"),
    "Model": ("baseline", "baselines", "likelihood"),
    "Output": ("kind", "pixels", "json_wanted", "per_image", "scores_file", "sheet", "worst", "zoom"),
    "Computing": ("device", "precision", "seed", "workers", "imports"),
}  # fmt: skip
_GROUP_OF: Final = {name: group for group, names in _GROUPS.items() for name in names}
"""Group of an option by its parameter's name; the others stand where they say, or in the first group."""
_ORDER: Final = (
    MOST_USED, "Restoring", "Colour", "Training", "Model", "Input", "Reading", "Uncertainty", "Output", "Film", "Computing",
)  # fmt: skip
_NUMBER: Final = re.compile(r"-?(\d+\.?\d*|\.\d+)")
_RANK: Final = {
    **{name: rank for rank, name in enumerate(_GROUPS[MOST_USED])},
    "imports": 98,
    "help": 99,
}
"""Place of an option in its group; the others stand between, as they are declared."""


class GroupedCommand(TyperCommand):
    """A command whose help shows its options in titled groups, the most used first."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        for option in self.params:
            if isinstance(option, TyperOption):
                own = option.rich_help_panel or MOST_USED
                option.rich_help_panel = _GROUP_OF.get(option.name or "", own)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for first, second in pairwise(args):
            if _NUMBER.fullmatch(first) and _NUMBER.fullmatch(second) and second.startswith("-"):
                raise UsageError(
                    f"{first} and {second} are two words, and {second} would be an option. Join the numbers of one point by a "
                    f"comma: {first},{second}"
                )
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        write_help(self, ctx, formatter, _place)


def _place(param: Any) -> tuple[int, int]:
    """Where a parameter stands: its group, then its place there."""
    group = getattr(param, "rich_help_panel", None) or MOST_USED
    return _ORDER.index(group), _RANK.get(param.name, 50)
