"""How the command line words errors: settings are options, fixes are what to type."""

from __future__ import annotations

from typing import Final

from restorae.errors import Fix

_OPTION_OF: Final = {
    "degradation": "with",
    "start_from": "from",
    "from_time": "from",
    "to_time": "to",
}
"""Settings whose option has another name."""


class CommandLineWording:
    """Settings as options: `--tile 68`."""

    def setting(self, name: str) -> str:
        return f"--{_OPTION_OF.get(name, name).replace('_', '-')}"

    def fix(self, fix: Fix) -> str:
        option = self.setting(fix.setting)
        match fix.action:
            case "omit":
                return f"omit {option}"
            case "change":
                return f"choose another {option}"
            case _:
                return f"use {option}" if fix.value in (None, True) else f"use {option} {fix.value}"


COMMAND_LINE = CommandLineWording()
