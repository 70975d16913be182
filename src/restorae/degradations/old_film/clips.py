"""Old film made of clips: the film is drawn once, its processes go on from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from restorae.degradations.contract import bounds
from restorae.degradations.fields import luminance
from restorae.degradations.old_film.kind import OldFilm
from restorae.degradations.old_film.parameters import FilmParameters
from restorae.degradations.old_film.render import Rendered, render
from restorae.degradations.old_film.timeline import Moment, Timeline
from restorae.degradations.old_film.window import Window
from restorae.randomness import SEED_LIMIT, derive_seed
from restorae.shapes import Images

_FILM, _TIME, _FRAMES = range(3)
"""Branches of a film's seed."""


@dataclass(frozen=True, kw_only=True)
class DamagedClip:
    """Degraded frames of one film, and what was done to them. Tensors have the frames as their first axis."""

    frames: Images
    """Degraded frames, (frames, channels, height, width), [0, 1]."""
    clean: Images
    """The frames as they were given; grey if the film is."""
    toned: Images
    """The clean frames with the film's weave, fading, vignette and flicker: what is left where only grain, blur, marks and
    compression are removed."""
    defects: Tensor
    """Opacity of dust, dirt, hairs, scratches and splices, (frames, 1, height, width), 0 to 1."""
    scratches: Tensor
    """Opacity of the scratches alone."""
    change: Tensor
    """How far the marks move each pixel's brightness: marks that nobody can see have an opacity but no change."""
    gain: Tensor
    """Exposure of each frame, (frames)."""
    gamma: Tensor
    """Exponent of each frame's contrast, (frames)."""
    shift: Tensor
    """How far each frame lies below and right of its place, in pixels, (frames, 2)."""
    film: FilmParameters
    """What was drawn for the film."""


class FilmDamager:
    """Damages the frames of one film in order, some at a time: the result does not depend on how many.

    Args:
        degradation: how old the film is.
        seed: all that is random follows from it.
        window: size of the frames, and which part of them is given.
    """

    def __init__(self, degradation: OldFilm, seed: int, *, window: Window) -> None:
        self.degradation, self.seed, self.window = degradation, seed, window
        source = np.random.Generator(np.random.Philox(derive_seed(seed, _FILM)))
        low, high = bounds(degradation.age)
        self.film = degradation.draw_film(
            low + (high - low) * source.random(), int(source.integers(SEED_LIMIT))
        )
        """What was drawn for the film."""
        self._timeline = Timeline.of(
            self.film, derive_seed(seed, _TIME), window.width / window.height
        )
        self.index = 0
        """Number of the next frame."""

    def next_moments(self, count: int) -> list[Moment]:
        """Go on by `count` frames, which are then not damaged."""
        self.index += count
        return [self._timeline.next_moment() for _ in range(count)]

    def damage(self, frames: Images) -> DamagedClip:
        """Damage the next frames, (frames, channels, height, width), 1 or 3 channels."""
        first = self.index
        moments = self.next_moments(len(frames))
        sources = [
            np.random.Generator(np.random.Philox(derive_seed(self.seed, _FRAMES, number)))
            for number in range(first, self.index)
        ]
        clean = luminance(frames).expand_as(frames) if self.degradation.grey else frames
        rendered: Rendered = render(clean, [self.film] * len(frames), moments, sources, self.window)
        return DamagedClip(
            clean=clean,
            gain=torch.tensor([moment.gain for moment in moments]),
            gamma=torch.tensor([moment.gamma for moment in moments]),
            shift=torch.tensor([moment.shift for moment in moments]) * self.window.height,
            film=self.film,
            **rendered._asdict(),
        )


def damage_clip(
    clip: Images,
    degradation: OldFilm,
    *,
    generator: torch.Generator,
    window: Window | None = None,
) -> DamagedClip:
    """Make old film of a clip (frames, channels, height, width), [0, 1], 1 or 3 channels.

    Args:
        clip: consecutive frames.
        degradation: how old the film is, and what happens to it.
        generator: a seed is taken from it.
        window: where the clip is a patch of larger frames: their size, and where it begins.

    >>> from restorae.randomness import generator
    >>> clip = damage_clip(torch.full((5, 1, 96, 96), 0.5), OldFilm(age=0.5), generator=generator(0))
    >>> clip.frames.shape, clip.defects.shape
    (torch.Size([5, 1, 96, 96]), torch.Size([5, 1, 96, 96]))
    """
    seed = int(torch.randint(SEED_LIMIT, (1,), generator=generator))
    window = window or Window(*clip.shape[-2:])
    return FilmDamager(degradation, seed, window=window).damage(clip)
