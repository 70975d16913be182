"""`film`: what happens to film in a hundred years, for images and, drawn once for all frames, for clips."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from restorae.degradations.contract import Amount, Amounts, Degradation
from restorae.degradations.fields import luminance
from restorae.degradations.old_film.parameters import FilmParameters, draw_parameters
from restorae.degradations.old_film.render import render
from restorae.degradations.old_film.timeline import Timeline
from restorae.degradations.old_film.window import Window
from restorae.randomness import RandomSource
from restorae.ranges import Within
from restorae.shapes import Images


class OldFilm(Degradation, kind="film"):
    """Old film: grain, dust, hairs, scratches, flicker, weave, blur, fading and compression, all together.

    Each image becomes a frame of another film. On a clip the film is drawn once, and flicker, weave and scratches are
    processes in time.

    >>> import torch
    >>> from restorae.randomness import generator
    >>> old = OldFilm(age=0.5).draw(generator(0), count=1).apply(torch.full((1, 1, 64, 64), 0.5))
    >>> 0.005 < old.std().item() < 0.2
    True
    """

    age: Annotated[Amount, Within(0.0, 1.0)] = 0.5
    """How old and worn the film is, 0 (new) to 1 (very old); a range is sampled once per film."""
    grey: bool = False
    """Whether the film is black and white; its colours become grey."""
    weave: bool = True
    """Whether frames shift and flutter."""
    flicker: bool = True
    """Whether the exposure changes from frame to frame."""
    fading: bool = True
    """Whether contrast is lost and corners are dark."""

    def draw_film(self, age: float, seed: int) -> FilmParameters:
        """The parameters of the film that belongs to a seed."""
        film = draw_parameters(age, np.random.Generator(np.random.Philox(seed)))
        off: dict[str, float] = {}
        if not self.weave:
            off |= {"weave": 0.0}
        if not self.flicker:
            off |= {"flicker": 0.0, "flicker_gamma": 0.0, "flicker_local": 0.0}
        if not self.fading:
            off |= {"fading": 0.0, "vignette": 0.0}
        return film.model_copy(update=off)

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        height, width = images.shape[-2:]
        # seeds that a float holds exactly
        seeds = (rng.uniform((len(images), 2)) * 2**24).long().tolist()
        films, moments, sources = [], [], []
        for age, (first, second) in zip(amounts["age"].flatten().tolist(), seeds, strict=True):
            seed = first * 2**24 + second
            film = self.draw_film(age, seed)
            films.append(film)
            moments.append(Timeline.of(film, seed + 1, width / height).next_moment())
            sources.append(np.random.Generator(np.random.Philox(seed + 2)))
        grey = luminance(images).expand_as(images) if self.grey else images
        rendered = render(grey.cpu(), films, moments, sources, Window(height, width))
        return rendered.frames.to(images.device)
