"""How the page words errors: settings are the labels of its forms."""

from __future__ import annotations

from typing import Final

from restorae.errors import Fix

_LABELS: Final = {
    "degradation": "Damage",
    "learning_rate": "Largest step size",
    "mask": "Only where I paint",
    "name": "Model’s name",
    "recolour": "Replace the film’s own colours",
    "references": "Coloured references",
    "overwrite": "Replace a model of that name",
    "self_ensemble": "Self-ensemble",
    "start_from": "Start from",
    "tile": "Tile size",
}
"""Labels that are not simply the setting's name."""
_COMMAND_LINE_ONLY: Final = frozenset({"keep_times", "max_pixels", "out"})
"""Settings that the page does not offer."""


class PageWording:
    """Settings as the page's labels: “Tile size”."""

    def setting(self, name: str) -> str:
        if name in _COMMAND_LINE_ONLY:
            return f"--{name.replace('_', '-')}"
        return f"“{label(name)}”"

    def fix(self, fix: Fix) -> str:
        shown = self.setting(fix.setting)
        if fix.setting in _COMMAND_LINE_ONLY:
            return f"use {shown} on the command line"
        match fix.action:
            case "omit":
                return f"leave {shown} unset"
            case "change":
                return f"choose another {shown}"
            case _:
                if fix.value in (None, True):
                    return f"turn on {shown}"
                return f"set {shown} to {fix.value}"


def label(name: str) -> str:
    """The label of a setting in the page's forms.

    >>> label("self_ensemble"), label("mask")
    ('Self-ensemble', 'Only where I paint')
    """
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def choice_label(name: str, choice: object) -> str:
    """The label of one choice of a setting.

    >>> choice_label("self_ensemble", 1), choice_label("self_ensemble", 4), choice_label("format", "png")
    ('Standard', 'Average of 4 passes (4 × as long)', 'png')
    """
    if name == "self_ensemble":
        return "Standard" if choice == 1 else f"Average of {choice} passes ({choice} × as long)"
    return "automatic" if choice == "auto" else str(choice)


PAGE = PageWording()
