"""How the plugin words errors: settings are the labels of its widgets."""

from __future__ import annotations

from restorae.errors import Fix, RestoraeError


class WidgetWording:
    """Settings as the labels of a widget: “Self ensemble”."""

    def setting(self, name: str) -> str:
        return f"“{label(name)}”"

    def fix(self, fix: Fix) -> str:
        shown = self.setting(fix.setting)
        match fix.action:
            case "omit":
                return f"leave {shown} as it was"
            case "change":
                return f"choose another {shown}"
            case _:
                return (
                    f"turn on {shown}"
                    if fix.value in (None, True)
                    else f"set {shown} to {fix.value}"
                )


_LABELS = {"mask": "Only where labels mark", "out": "Model file", "overwrite": "Replace it"}
"""Labels that are not simply the setting's name."""


def label(name: str) -> str:
    """The label of a setting.

    >>> label("self_ensemble"), label("out")
    ('Self ensemble', 'Model file')
    """
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def in_plain_words(error: BaseException) -> str:
    """An error as a person reads it; an unexpected one keeps its type."""
    if isinstance(error, RestoraeError):
        return error.render(WidgetWording())
    return f"{type(error).__name__}: {error}"
