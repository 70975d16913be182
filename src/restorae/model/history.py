"""What was measured during a training, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import overload

from restorae.display import html_table, text_table

Row = Mapping[str, float]
_COUNTS = ("step", "epoch")


class History(Sequence[Row]):
    """One row for each validation: step, epoch, running losses, scores of the held-out images.

    A sequence of dictionaries, so `pandas.DataFrame(history)` makes a table of it.

    >>> history = History([{"step": 10.0, "loss": 0.5}, {"step": 20.0, "loss": 0.25, "psnr": 20.0}])
    >>> history.columns, history["loss"], history["psnr"], history[-1]["step"]
    (('step', 'loss', 'psnr'), [0.5, 0.25], [None, 20.0], 20)
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows: tuple[Row, ...] = tuple({**row, **_counts(row)} for row in rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(dict.fromkeys(name for row in self._rows for name in row))

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> History: ...
    @overload
    def __getitem__(self, index: str) -> list[float | None]: ...

    def __getitem__(self, index: int | slice | str) -> Row | History | list[float | None]:
        """A row by its index, rows by a slice, or a column by its name; None where it was not measured."""
        if isinstance(index, str):
            if index not in self.columns:
                raise KeyError(f"there is no column {index!r}; there are {', '.join(self.columns)}")
            return [row.get(index) for row in self._rows]
        return History(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self._rows == other._rows

    def __repr__(self) -> str:
        return text_table(self.columns, self._cells()) if self._rows else "History (empty)"

    def _repr_html_(self) -> str:
        return html_table(self.columns, self._cells())

    def _cells(self) -> list[list[object]]:
        return [[row.get(name, "") for name in self.columns] for row in self._rows]


def _counts(row: Row) -> dict[str, float]:
    """Steps and whole epochs as integers."""
    return {
        name: int(row[name]) for name in _COUNTS if name in row and float(row[name]).is_integer()
    }
