"""Which images of a batch one of several processes computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """One of `count` consecutive parts of each batch, as equal as possible.

    >>> [Share(index, 3).of(8) for index in range(3)]
    [slice(0, 2, None), slice(2, 5, None), slice(5, 8, None)]
    """

    index: int = 0
    """Which part, from 0."""
    count: int = 1
    """Number of parts."""

    def of(self, batch_size: int) -> slice:
        """The indices of this part in a batch."""
        return slice(
            self.index * batch_size // self.count, (self.index + 1) * batch_size // self.count
        )

    def weight(self, batch_size: int) -> float:
        """How much of a batch this part is, 0 to 1."""
        part = self.of(batch_size)
        size: int = part.stop - part.start
        return size / batch_size


WHOLE = Share()
"""All images of each batch: there is one process."""
