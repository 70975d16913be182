"""Any degradation on the frames of a clip: drawn once, with new noise, dust and the like in every frame."""

from __future__ import annotations

import abc
from typing import Any, final

from restorae.degradations.chain import Chain, OneOf
from restorae.degradations.contract import Degradation, Draw
from restorae.degradations.old_film import FilmDamager, OldFilm, Window
from restorae.randomness import derive_seed, generator
from restorae.shapes import Images


class ClipDegrader(abc.ABC):
    """Degrades the frames of one clip in order, some at a time: the result does not depend on how many."""

    @abc.abstractmethod
    def degrade(self, frames: Images) -> Images:
        """The next frames, (frames, channels, height, width), degraded."""

    @property
    @abc.abstractmethod
    def drawn(self) -> dict[str, Any]:
        """What was drawn for the clip, as plain JSON."""


def degrader_of_clip(degradation: Degradation, seed: int, height: int, width: int) -> ClipDegrader:
    """What degrades a clip of frames of that size; all that is random follows from the seed.

    >>> import torch
    >>> steps = degrader_of_clip(Degradation.of("gaussian-noise(sigma=0.1..0.2)"), 0, 8, 8)
    >>> first, second = (steps.degrade(torch.zeros(1, 1, 8, 8)) for _ in range(2))
    >>> bool((first == second).any()), 0.1 <= steps.drawn["sigma"] <= 0.2
    (False, True)
    """
    if isinstance(degradation, OldFilm):
        return _Film(FilmDamager(degradation, seed, window=Window(height, width)))
    if isinstance(degradation, Chain):
        return _InTurn(
            [
                degrader_of_clip(part, derive_seed(seed, number), height, width)
                for number, part in enumerate(degradation.parts)
            ]
        )
    if isinstance(degradation, OneOf) and degradation.choices:
        chosen = degradation.choices[degradation.choose(generator(seed), 1)[0]]
        return degrader_of_clip(chosen, derive_seed(seed, 1), height, width)
    return _FrameByFrame(degradation, seed)


@final
class _Film(ClipDegrader):
    def __init__(self, damager: FilmDamager) -> None:
        self._damager = damager

    def degrade(self, frames: Images) -> Images:
        return self._damager.damage(frames).frames

    @property
    def drawn(self) -> dict[str, Any]:
        return {"kind": OldFilm.kind, **self._damager.film.model_dump()}


@final
class _InTurn(ClipDegrader):
    def __init__(self, parts: list[ClipDegrader]) -> None:
        self._parts = parts

    def degrade(self, frames: Images) -> Images:
        for part in self._parts:
            frames = part.degrade(frames)
        return frames

    @property
    def drawn(self) -> dict[str, Any]:
        return {"kind": Chain.kind, "parts": [part.drawn for part in self._parts]}


@final
class _FrameByFrame(ClipDegrader):
    def __init__(self, degradation: Degradation, seed: int) -> None:
        self._draw = degradation.draw(generator(seed), 1)
        self._seed, self._index = seed, 0

    def degrade(self, frames: Images) -> Images:
        first, self._index = self._index, self._index + len(frames)
        numbers = range(first, self._index)
        drawn = Draw(
            degradation=self._draw.degradation,
            amounts={name: values * len(frames) for name, values in self._draw.amounts.items()},
            seeds=tuple(derive_seed(self._seed, number) for number in numbers),
        )
        return drawn.apply(frames)

    @property
    def drawn(self) -> dict[str, Any]:
        amounts = {name: values[0] for name, values in self._draw.amounts.items()}
        return {"kind": self._draw.degradation.kind, **amounts}
