"""The titled groups of options in help texts: one table for all commands."""

from __future__ import annotations

from typing import Any, Final

from typer.core import TyperCommand, TyperOption

_INPUT, _MODEL, _OUTPUT, _COMPUTING = "Input", "Model", "Output", "Computing"

_GROUPS: Final = {
    _INPUT: (
        "clean", "count", "data", "data_dir", "degraded", "end", "labels", "limit", "spec", "split", "start",
    ),
    _MODEL: ("baseline", "baselines", "imports", "model", "network", "self_ensemble", "views"),
    _OUTPUT: (
        "json_wanted", "out", "overwrite", "per_image", "scores_file", "sheet", "show", "skip_existing", "worst", "zoom",
    ),
    _COMPUTING: ("device", "precision", "seed"),
}  # fmt: skip
_GROUP_OF: Final = {name: group for group, names in _GROUPS.items() for name in names}
"""Group of an option by its parameter's name; options that are not listed stay in the first group."""


class GroupedCommand(TyperCommand):
    """A command whose help shows its options in titled groups."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        for option in self.params:
            if isinstance(option, TyperOption) and option.rich_help_panel is None and option.name:
                option.rich_help_panel = _GROUP_OF.get(option.name)
