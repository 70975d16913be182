"""The contract of outputs: what is written takes restored rows, then is finished or dropped."""

from __future__ import annotations

import abc
from dataclasses import dataclass

import numpy as np

from restorae.value_range import ValueRange


@dataclass(frozen=True, kw_only=True)
class RestoredRows:
    """Complete rows of a page, as they were restored."""

    page: int
    top: int
    stored: np.ndarray
    """What is written, (count, width, bands), alpha included."""
    further: np.ndarray
    """Samples, defects and the error bound on the working scale, (count, width, samples + defects + bound, channels)."""
    values: ValueRange
    """What the stored values mean."""


class Output(abc.ABC):
    """Something that is written while an image is restored; then `finish`, or `drop`."""

    takes_bounds = False
    """Whether it needs the error bound, which then is the last of `further`."""

    @abc.abstractmethod
    def put(self, rows: RestoredRows) -> None:
        """Take complete rows.

        Raises:
            OutputError: there is no room for them.
        """

    @abc.abstractmethod
    def finish(self) -> None:
        """Write it, whole or not at all.

        Raises:
            OutputError: it cannot be written.
            BadImage: the source, of which something is copied, cannot be read any more.
        """

    @abc.abstractmethod
    def drop(self) -> None:
        """Release memory and temporary files; nothing is written."""
