"""Tables as text and as HTML: how values show themselves at a prompt and in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_EDGE = 5
"""Rows of a long table that are shown at its beginning and at its end."""


def number(value: object) -> str:
    """A value as a person reads it: four significant digits, thousands separated.

    >>> number(0.123456), number(1234567), number(12.0)
    ('0.1235', '1,234,567', '12')
    """
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return f"{int(value):,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def counted(count: int | Sequence[int], noun: str) -> str:
    """A count, or several to choose from, and what is counted.

    >>> counted(1, "image"), counted(0, "image"), counted(2500, "image"), counted((1, 3), "channel")
    ('1 image', '0 images', '2,500 images', '1 or 3 channels')
    """
    counts = [count] if isinstance(count, int) else list(count)
    return f"{' or '.join(f'{each:,}' for each in counts)} {noun if counts == [1] else f'{noun}s'}"


def text_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in aligned columns; the middle of a long one is left out."""
    shown = [list(map(number, row)) for row in _edges(rows)]
    if len(shown) < len(rows):
        shown.insert(_EDGE, ["…"] * len(columns))
    widths = [max(map(len, cells)) for cells in zip(columns, *shown, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (columns, *shown)
    )


def html_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in HTML; the middle of a long one is left out."""
    shown = [[_html(cell) for cell in row] for row in _edges(rows)]
    if len(shown) < len(rows):
        shown.insert(_EDGE, ["…"] * len(columns))
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in shown)
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_facts(title: str, facts: Sequence[tuple[str, object]]) -> str:
    """A titled list of facts in HTML; those that are empty are left out."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{_html(fact)}</td></tr>'
        for name, fact in facts
        if fact is not None and str(fact)
    )
    return f"<div><b>{escape(title)}</b><table>{rows}</table></div>"


def _html(value: object) -> str:
    return escape(number(value))


def _edges(rows: Sequence[Sequence[object]]) -> list[Sequence[object]]:
    return list(rows) if len(rows) <= 2 * _EDGE + 1 else [*rows[:_EDGE], *rows[-_EDGE:]]
