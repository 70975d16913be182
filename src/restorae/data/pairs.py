"""Degraded and clean pictures that belong together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from restorae.data.pictures import Pictures
from restorae.errors import ShapeMismatch

_NAMED = 5


@dataclass(frozen=True)
class Pairs:
    """Two sets in the same order: `degraded[i]` belongs to `clean[i]`."""

    degraded: Pictures
    clean: Pictures

    def __len__(self) -> int:
        return len(self.clean)


def match(degraded: Pictures, clean: Pictures) -> tuple[Pairs, list[str]]:
    """Pair pictures by their names, whatever their suffixes; and the names that found no partner.

    Raises:
        ShapeMismatch: no name is shared, or pictures of a pair differ in size or channels; the message names them.
    """
    places = {_key(name): index for index, name in enumerate(clean.names)}
    exact = {name: index for index, name in enumerate(clean.names)}
    found = [(index, exact.get(name, places[_key(name)])) for index, name in enumerate(degraded.names) if _key(name) in places]
    if not found:
        raise ShapeMismatch(
            f"The degraded and the clean pictures share no names: {_some(degraded.names)} against {_some(clean.names)}. "
            "A pair has the same path below its folder."
        )
    wrong = [degraded.names[left] for left, right in found if degraded.size(left) != clean.size(right)]
    if wrong:
        raise ShapeMismatch(f"{len(wrong)} pair(s) differ in size: {_some(wrong)}. Both pictures of a pair must show the same region.")
    if degraded.channels != clean.channels:
        raise ShapeMismatch(f"The degraded pictures have {degraded.channels} channel(s), the clean ones {clean.channels}. Convert one set.")
    lonely = sorted({_key(name) for name in degraded.names} ^ set(places))
    return Pairs(degraded.subset([left for left, _ in found]), clean.subset([right for _, right in found])), lonely


def _key(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix()


def _some(names: object) -> str:
    listed = [str(name) for name in names]  # type: ignore[attr-defined]
    return ", ".join(listed[:_NAMED]) + (f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else "")
