"""How the page words errors: settings are the labels of its form."""

from __future__ import annotations

from restorae.errors import Fix


class PageWording:
    """Settings as the page's labels: “Tile size”."""

    def setting(self, name: str) -> str:
        return f"“{name.replace('_', ' ').capitalize()}”"

    def fix(self, fix: Fix) -> str:
        label = self.setting(fix.setting)
        match fix.action:
            case "omit":
                return f"leave {label} unset"
            case "change":
                return f"choose another {label}"
            case _:
                return (
                    f"turn on {label}"
                    if fix.value in (None, True)
                    else f"set {label} to {fix.value}"
                )


PAGE = PageWording()
