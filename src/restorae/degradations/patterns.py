"""Regular patterns: halftone screens and stripes."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from torch import Tensor

from restorae.degradations.contract import Amount, Amounts, Count, Degradation, bounds
from restorae.degradations.fields import middles, spline
from restorae.randomness import RandomSource
from restorae.ranges import Within
from restorae.shapes import Images

PLATES = (-30.0, 30.0, -45.0)
"""Angles of the cyan, magenta and yellow plates (for red, green and blue) relative to black, in degrees; they avoid moiré."""


class Halftone(Degradation, kind="halftone"):
    r"""Halftone print: a screen of dots, larger in dark areas, $y = [x > T]$ with soft edges.

    $T$ is the threshold at each point of the screen. Its values are uniform over [0, 1], so the print keeps the tones of
    the image; at mid grey the dots form a checkerboard. The channels of a colour image have screens of different angles.

    Reference: R. Ulichney, *Digital Halftoning*, 1987.

    >>> from restorae.randomness import generator
    >>> printed = Halftone(period=0.05).draw(generator(0), count=1).apply(torch.full((1, 1, 400, 400), 0.3))
    >>> round(printed.mean().item(), 1), round(printed.std().item(), 1)
    (0.3, 0.4)
    """

    period: Annotated[Amount, Within(1e-4, 1.0)] = 0.02
    """Distance between dots along the screen, as a fraction of the image's shorter side."""
    angle: Annotated[Amount, Within(-360.0, 360.0)] = 45.0
    """Angle of the screen in degrees; for colour images the angle of the black plate."""
    strength: Annotated[Amount, Within(0.0, 1.0)] = 1.0
    """Share of the halftone in the result, 0 to 1; the rest is the image."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        channels, height, width = images.shape[1:]
        plates = torch.tensor(PLATES if channels == 3 else (0.0,), device=images.device).view(
            1, -1, 1, 1
        )
        angle = torch.deg2rad(amounts["angle"] + plates)  # (batch, channels, 1, 1)
        period = amounts["period"] * min(height, width)
        down = ((middles(height, images.device) - 0.5) * height)[:, None]
        across = (middles(width, images.device) - 0.5) * width
        sine, cosine = angle.sin() / period, angle.cos() / period
        first = _triangle(cosine * across + sine * down)
        second = _triangle(cosine * down - sine * across)
        # the sum of two uniform values is not uniform; its own distribution function makes it so again
        both = first.add_(second)
        rest = 2 - both
        threshold = torch.where(both < 1, both * both / 2, 1 - rest * rest / 2)
        # edges about a pixel wide; near black and white they are cut off, which the tone makes up for
        soft = (2 * math.sqrt(2) / period).clamp(max=1)
        tone = images.clamp(0, 1)
        near = tone.minimum(1 - tone)
        made_up = (2 * soft * near).sqrt() - soft / 2
        tone = torch.where(near < soft / 2, torch.where(tone < 0.5, made_up, 1 - made_up), tone)
        printed = ((tone - threshold) / soft).add_(0.5).clamp_(0, 1)
        seen = amounts["strength"] * (period - 1).clamp(
            0, 1
        )  # dots finer than a pixel are invisible
        return images + seen * (printed - images)


class Banding(Degradation, kind="banding"):
    """Stripes along one axis, as of uneven sensors, worn scanners and blocked printer nozzles.

    Adds a smooth random curve of mean 0 across the stripes, equal in all channels.

    >>> from restorae.randomness import generator
    >>> striped = Banding(strength=0.1).draw(generator(0), count=1).apply(torch.zeros(1, 1, 64, 64))
    >>> bool((striped == striped[..., :1]).all()), round(striped.std().item(), 1)
    (True, 0.1)
    """

    strength: Annotated[Amount, Within(0.0)] = 0.05
    """Standard deviation of the stripes on the [0, 1] pixel scale."""
    stripes: Annotated[Count, Within(1, 10000)] = 60
    """Independent values of the curve across the image; more gives finer stripes."""
    direction: Literal["horizontal", "vertical"] = "horizontal"
    """Whether the stripes run along the rows (`horizontal`) or along the columns (`vertical`)."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        batch, _, height, width = images.shape
        most = int(bounds(self.stripes)[1])
        knots = rng.normal((batch, most + 3))
        at = middles(height if self.direction == "horizontal" else width, images.device)
        # an image with fewer stripes uses the first knots, spread wider
        stripes = torch.empty(batch, len(at), device=images.device)
        for index, count in enumerate(amounts["stripes"].flatten().tolist()):
            stripes[index] = spline(knots[index, : int(count) + 3], at, -1)
        # a B-spline of independent knots keeps 151/315 of their variance
        stripes = (stripes * math.sqrt(315 / 151)).view(batch, 1, -1, 1)
        return images + amounts["strength"] * (
            stripes if self.direction == "horizontal" else stripes.mT
        )


def _triangle(turns: Tensor) -> Tensor:
    """A triangle wave: 0 to 1 to 0 in each period."""
    return (turns - turns.floor()).mul_(2).sub_(1).abs_()
