"""Compression: JPEG and few levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from torch import Tensor
from torch.nn import functional

from restorae.degradations.contract import Amounts, Count, Degradation
from restorae.degradations.fields import luminance
from restorae.randomness import RandomSource
from restorae.ranges import Within
from restorae.shapes import Images

BRIGHTNESS_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""Steps for the coefficients of brightness at quality 50 (ITU-T T.81, table K.1)."""
COLOUR_TABLE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
"""The same for the two colour differences (table K.2)."""
COSINES = tuple(
    tuple(
        (0.5 if u else math.sqrt(0.125)) * math.cos((2 * k + 1) * u * math.pi / 16)
        for k in range(8)
    )
    for u in range(8)
)
"""The cosine transform of eight values, as a matrix whose inverse is its transpose."""


class Jpeg(Degradation, kind="jpeg"):
    """JPEG compression: cosine transform of 8 × 8 blocks, coefficients rounded to multiples of a step.

    Tables and their scaling by quality are those of libjpeg, and so are its ways of rounding and of enlarging halved colour
    smoothly: the result differs from libjpeg's by less than 0.25 of 255 on average, because a few blocks round differently.
    Values are clipped to [0, 1] and rounded to 256 levels, before and after, as in a file.

    Reference: G. K. Wallace, "The JPEG still image compression standard", 1992; ITU-T T.81.

    >>> from restorae.randomness import generator
    >>> ramp = torch.linspace(0, 1, 64).repeat(64, 1)[None, None]
    >>> stored = Jpeg(quality=10).draw(generator(0), count=1).apply(ramp)
    >>> 0.005 < (stored - ramp).abs().mean().item() < 0.02
    True
    """

    quality: Annotated[Count, Within(1, 100)] = 30
    """libjpeg's quality, 1 to 100. Cameras use 90 and more, messengers 70 and less; blocks are visible below 30."""
    subsampling: Literal["4:2:0", "4:4:4"] = "4:2:0"
    """Whether colour is stored at half the width and height (`4:2:0`) or in full (`4:4:4`); grey images have none."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        return self.compress(images, amounts["quality"])

    def compress(self, images: Images, quality: Tensor) -> Images:
        """The images at a quality for each, (batch, 1, 1, 1)."""
        steps = tuple(_scaled(table, quality) for table in (BRIGHTNESS_TABLE, COLOUR_TABLE))
        stored = (images.clamp(0, 1) * 255).round()
        if images.shape[1] != 3:
            return _bytes(_coded(stored - 128, steps[0]) + 128) / 255
        height, width = images.shape[-2:]
        brightness, blueness, redness = _apart(stored)
        decoded = _bytes(_coded(brightness - 128, steps[0]) + 128)
        colour = torch.cat([blueness, redness], 1)  # around 0
        if self.subsampling == "4:2:0":
            even = functional.pad(colour, (0, width % 2, 0, height % 2), mode="replicate")
            fours = (
                even[..., ::2, ::2]
                + even[..., 1::2, ::2]
                + even[..., ::2, 1::2]
                + even[..., 1::2, 1::2]
            )
            # libjpeg rounds down and up in turn, column by column, here and below
            halved = _rounded(_coded(_in_turn(fours / 4, 1 / 4, 1 / 2), steps[1])).clamp(-128, 127)
            colour = _in_turn(_doubled(_doubled(halved).mT).mT, 8 / 16, 7 / 16)[
                ..., :height, :width
            ]
        else:
            colour = _rounded(_coded(colour, steps[1])).clamp(-128, 127)
        return _bytes(_together(decoded, colour[:, :1], colour[:, 1:])) / 255


class Quantise(Degradation, kind="quantise"):
    r"""Few levels of brightness, $y = \mathrm{round}(x\,(n - 1)) / (n - 1)$: palettes, old scanners, posterised prints.

    >>> from restorae.randomness import generator
    >>> Quantise(levels=3).draw(generator(0), count=1).apply(torch.rand(1, 1, 9, 9)).unique().tolist()
    [0.0, 0.5, 1.0]
    """

    levels: Annotated[Count, Within(2, 65536)] = 8
    """Number of levels per channel, black and white included."""

    def change(self, images: Images, amounts: Amounts, rng: RandomSource) -> Images:
        steps = amounts["levels"] - 1
        return (images * steps).round_() / steps


def _scaled(table: Sequence[Sequence[int]], quality: Tensor) -> Tensor:
    """The steps at each image's quality, (row, column, batch, 1, 1, 1), rounded as libjpeg rounds them."""
    percent = torch.where(quality < 50, (5000 / quality).floor(), 200 - 2 * quality)
    base = torch.tensor(table, device=quality.device, dtype=torch.float32)[
        ..., None, None, None, None
    ]
    return ((base * percent + 50) / 100).floor().clamp(1, 255)


def _coded(values: Tensor, steps: Tensor) -> Tensor:
    """The decoded values, centred on 0 like the input."""
    batch, channels, height, width = values.shape
    rows, columns = -(-height // 8), -(-width // 8)
    whole = functional.pad(values, (0, 8 * columns - width, 0, 8 * rows - height), mode="replicate")
    # the index within the block comes first: each of the transform's eight terms is one long stretch of memory
    blocks = (
        whole.reshape(batch, channels, rows, 8, columns, 8).permute(3, 5, 0, 1, 2, 4).contiguous()
    )
    coefficients = _transformed(_transformed(blocks).transpose(0, 1))  # (column, row, …)
    steps = steps.transpose(0, 1)
    # as libjpeg does: first to eighths, then halves away from 0; a flat block's mean lies half way between two steps often
    eighths = coefficients.mul_(8).add_(0.5).floor_()
    sizes = eighths.abs().add_(4 * steps).div_(8 * steps).floor_().mul_(steps)
    coefficients = sizes.copysign_(eighths)
    blocks = _restored(_restored(coefficients).transpose(0, 1))  # (row, column, …)
    return blocks.permute(2, 3, 4, 0, 5, 1).reshape(whole.shape)[..., :height, :width]


def _transformed(values: Tensor) -> Tensor:
    """The cosine transform along the first axis; sums and differences of mirrored values halve the work."""
    sums = [values[k] + values[7 - k] for k in range(4)]
    differences = [values[k] - values[7 - k] for k in range(4)]
    return torch.stack(
        [_weighted(differences if u % 2 else sums, COSINES[u][:4]) for u in range(8)]
    )


def _restored(coefficients: Tensor) -> Tensor:
    """The inverse transform, along the first axis."""
    even, odd = coefficients[0::2].unbind(0), coefficients[1::2].unbind(0)
    halves = []
    for k in range(4):
        first = _weighted(even, [COSINES[u][k] for u in range(0, 8, 2)])
        second = _weighted(odd, [COSINES[u][k] for u in range(1, 8, 2)])
        halves.append((first + second, first - second))
    return torch.stack([pair[0] for pair in halves] + [pair[1] for pair in reversed(halves)])


def _weighted(values: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    # term by term: the last digits of a product of matrices depend on how many blocks there are, and rounding magnifies them
    total = values[0] * weights[0]
    for value, weight in zip(values[1:], weights[1:], strict=True):
        total += value * weight
    return total


def _apart(stored: Images) -> tuple[Tensor, Tensor, Tensor]:
    """Brightness, and the differences of blue and red from it, in whole numbers (JFIF)."""
    brightness = luminance(stored)
    blueness = (stored[:, 2:] - brightness) / 1.772
    redness = (stored[:, :1] - brightness) / 1.402
    return brightness.round(), blueness.round().clamp(-128, 127), redness.round().clamp(-128, 127)


def _together(brightness: Tensor, blueness: Tensor, redness: Tensor) -> Images:
    red = brightness + 1.402 * redness
    green = brightness - 0.344136 * blueness - 0.714136 * redness
    return torch.cat([red, green, brightness + 1.772 * blueness], 1)


def _doubled(values: Tensor) -> Tensor:
    """Twice as many columns: each is three quarters of its own source column and a quarter of the next one."""
    before, after = (
        functional.pad(values, pads, mode="replicate") for pads in ((1, 0, 0, 0), (0, 1, 0, 0))
    )
    pairs = (0.75 * values + 0.25 * before[..., :-1], 0.75 * values + 0.25 * after[..., 1:])
    return torch.stack(pairs, -1).flatten(-2)


def _rounded(values: Tensor) -> Tensor:
    """Halves go up, also those that float32 holds a little too low: a block with a mean only has many of them."""
    return (values + 0.501).floor_()


def _in_turn(values: Tensor, even: float, odd: float) -> Tensor:
    """Rounds down after adding an offset, which differs between even and odd columns."""
    added = torch.tensor([even, odd], device=values.device).repeat(-(-values.shape[-1] // 2))[
        : values.shape[-1]
    ]
    return (values + added).floor_()


def _bytes(values: Tensor) -> Tensor:
    return _rounded(values).clamp_(0, 255)
