"""Motion blur of a moving camera or subject."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from torch.nn import functional

from restorae.degradations.contract import Amount, Amounts, Degradation
from restorae.randomness import RandomSource
from restorae.ranges import Within
from restorae.shapes import Images


class MotionBlur(Degradation, kind="motion-blur"):
    r"""Motion blur: the mean of the image along a straight line.

    $y(p) = \int_{-1/2}^{1/2} x(p + t\,\ell\,u)\,\mathrm{d}t$.

    $u$ is the direction, $\ell$ the length of the line. The border is replicated, so a flat image stays flat.

    >>> from restorae.randomness import generator
    >>> point = torch.zeros(1, 1, 9, 9)
    >>> point[..., 4, 4] = 1
    >>> blurred = MotionBlur(length=5).draw(generator(0), count=1).apply(point)
    >>> [round(value, 2) for value in blurred[0, 0, 4].tolist()]
    [0.0, 0.0, 0.2, 0.2, 0.2, 0.2, 0.2, 0.0, 0.0]
    """

    length: Annotated[Amount, Within(0.0, 500.0)] = 9.0
    """Length of the line in pixels, independent of the image size."""
    angle: Annotated[Amount, Within(-360.0, 360.0)] = 0.0
    """Direction of the line in degrees: 0 is along the rows, 90 along the columns, 45 from the lower left to the upper right."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        moved = torch.empty_like(images)
        ways = zip(
            amounts["length"].flatten().tolist(), amounts["angle"].flatten().tolist(), strict=True
        )
        # image by image: each has its own taps, far fewer than a square kernel
        for index, (length, angle) in enumerate(ways):
            moved[index] = _move(images[index], taps(length, math.radians(angle)))
        return moved


def taps(length: float, angle: float) -> list[tuple[int, int, float]]:
    """Row offset, column offset and weight of each pixel of the kernel; the weights sum to 1.

    Along the axis nearer to the direction, a pixel's weight is the length of the line inside it. Across that axis the weight
    is interpolated between two neighbours.
    """
    down, right = -math.sin(angle) * length, math.cos(angle) * length
    steep = abs(down) > abs(right)
    long, short = (down, right) if steep else (right, down)
    reach = abs(long) / 2
    if reach == 0:
        return [(0, 0, 1.0)]
    found = []
    for step in range(-math.ceil(reach), math.ceil(reach) + 1):
        low, high = max(step - 0.5, -reach), min(step + 0.5, reach)
        if high <= low:
            continue
        weight = (high - low) / (2 * reach)
        beside = (low + high) / 2 * short / long
        nearer = math.floor(beside)
        for neighbour, share in ((nearer, 1 - (beside - nearer)), (nearer + 1, beside - nearer)):
            if share > 0:
                found.append(
                    (step, neighbour, weight * share)
                    if steep
                    else (neighbour, step, weight * share)
                )
    return found


def _move(image: torch.Tensor, kernel: list[tuple[int, int, float]]) -> torch.Tensor:
    height, width = image.shape[-2:]
    margin_y, margin_x = (
        max(abs(down) for down, _, _ in kernel),
        max(abs(right) for _, right, _ in kernel),
    )
    wide = functional.pad(image[None], (margin_x, margin_x, margin_y, margin_y), mode="replicate")[
        0
    ]
    moved, part = torch.zeros_like(image), torch.empty_like(image)
    for down, right, weight in kernel:
        window = wide[
            :,
            margin_y + down : margin_y + down + height,
            margin_x + right : margin_x + right + width,
        ]
        moved += torch.mul(window, weight, out=part)
    return moved
