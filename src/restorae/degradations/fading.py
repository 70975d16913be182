"""Fading, colour casts and vignettes."""

from __future__ import annotations

from typing import Annotated

from restorae.degradations.contract import Amount, Amounts, Degradation
from restorae.degradations.fields import absorbed, clouds, knots_of, luminance, middles, sheet
from restorae.randomness import RandomSource
from restorae.ranges import Within
from restorae.shapes import Images


class Fading(Degradation, kind="fading"):
    r"""A faded print: pale colours, brighter blacks, darker whites.

    With $l$ the brightness, $c = l + (1 - s\,a)(x - l)$ loses saturation and $y = t + (1 - s\,k)(c - t)$ contrast. Black
    ends at $s\,k\,t$ and white at $1 - s\,k\,(1 - t)$.

    >>> import torch
    >>> from restorae.randomness import generator
    >>> print_ = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2)
    >>> faded = Fading(strength=0.5, contrast=0.6, tone=0.8, unevenness=0).draw(generator(0), count=1).apply(print_)
    >>> [round(value, 2) for value in faded.flatten().tolist()]
    [0.24, 0.94]
    """

    strength: Annotated[Amount, Within(0.0, 1.0)] = 0.5
    """Amount of fading, 0 (none) to 1."""
    contrast: Annotated[Amount, Within(0.0, 1.0)] = 0.6
    """Share of the contrast that is lost at strength 1, 0 to 1 ($k$)."""
    saturation: Annotated[Amount, Within(0.0, 1.0)] = 0.7
    """Share of the saturation that is lost at strength 1, 0 to 1 ($a$)."""
    tone: Annotated[Amount, Within(0.0, 1.0)] = 0.75
    """The brightness towards which everything fades, on the [0, 1] pixel scale ($t$)."""
    unevenness: Annotated[Amount, Within(0.0, 1.0)] = 0.2
    """Unevenness of the fading: standard deviation of the strength over the image, relative to the strength."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        height, width = images.shape[-2:]
        rows, columns = (knots_of(length, images.device) for length in (height, width))
        variation = sheet(clouds(rng, len(images), 3, 1, rows, columns), height, width)
        strength = (amounts["strength"] * (1 + amounts["unevenness"] * variation)).clamp(0, 1)
        brightness = luminance(images)
        pale = images - strength * amounts["saturation"] * (images - brightness)
        return pale - strength * amounts["contrast"] * (pale - amounts["tone"])


class ColourCast(Degradation, kind="colour-cast"):
    r"""A colour cast, as of a filter: yellowed paper and varnish, wrong white balance, faded dyes.

    Each channel keeps a share of its light, $y_c = x_c\,(1 - s\,(1 - \cos(h - h_c)) / 2)$, where $h_c$ is 0° for red, 120°
    for green and 240° for blue: the channel of the cast's own hue is kept, the opposite one loses most. A grey image
    loses brightness accordingly.

    >>> import torch
    >>> from restorae.randomness import generator
    >>> white = torch.ones(1, 3, 1, 1)
    >>> yellow = ColourCast(hue=60, strength=0.4).draw(generator(0), count=1).apply(white)
    >>> [round(value, 2) for value in yellow.flatten().tolist()]
    [0.9, 0.9, 0.6]
    """

    hue: Annotated[Amount, Within(-360.0, 360.0)] = 40.0
    """Hue of the cast in degrees: 0 red, 40 the yellow of old paper, 120 green, 240 blue."""
    strength: Annotated[Amount, Within(0.0, 1.0)] = 0.3
    """Share of the light that the opposite colour loses, 0 to 1."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        return images * (1 - amounts["strength"] * absorbed(amounts["hue"], images.shape[1]))


class Vignette(Degradation, kind="vignette"):
    r"""Brightness that falls off towards the corners, $y = x\,(1 - s\,((1 - e)\,r^2 + e\,r^4))$, with $r$ from 0 in the centre to 1.

    Old lenses, narrow hoods and enlargers; $r$ is 1 at the four corners.

    >>> import torch
    >>> from restorae.randomness import generator
    >>> shaded = Vignette(strength=0.5).draw(generator(0), count=1).apply(torch.ones(1, 1, 65, 65))
    >>> [round(shaded[0, 0, i, i].item(), 2) for i in (0, 32)]
    [0.52, 1.0]
    """

    strength: Annotated[Amount, Within(0.0, 1.0)] = 0.5
    """Share of the light that is lost in the corners, 0 to 1."""
    edge: Annotated[Amount, Within(0.0, 1.0)] = 0.3
    """Concentration of the loss near the corners: 0 falls off with the square of the distance, 1 with its fourth power."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        down, across = (middles(length, images.device) * 2 - 1 for length in images.shape[-2:])
        square = (down[:, None] ** 2 + across**2) / 2
        return images * (1 - amounts["strength"] * square * (1 - amounts["edge"] * (1 - square)))
