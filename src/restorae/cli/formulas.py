r"""Formulas of docstrings as plain text: `$x\,\sigma$` becomes `x σ`."""

from __future__ import annotations

import re
from typing import Final

_SYMBOLS: Final = {
    r"\varepsilon": "ε", r"\sigma": "σ", r"\ell": "ℓ", r"\sim": "~", r"\sum": "∑", r"\prod": "∏", r"\max": "max ",
    r"\exp": "exp", r"\cos": "cos", r"\,": " ", "^2": "²", "^4": "⁴", "_k": "ₖ",
}  # fmt: skip
_FORMULA: Final = re.compile(r"\$([^$]+)\$")
_UPRIGHT: Final = re.compile(r"\\math(?:rm|cal)\{(\w+)\}")


def readable(text: str) -> str:
    """Text with its formulas in Unicode instead of LaTeX, on one line."""
    return " ".join(_FORMULA.sub(lambda found: _plain(found[1]), text).split())


def _plain(formula: str) -> str:
    formula = _UPRIGHT.sub(r"\1", formula)
    for command, symbol in _SYMBOLS.items():
        formula = formula.replace(command, symbol)
    return formula
