"""What an image shows: enough to choose a model for it when none is given."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional

from restorae.pixels import to_grey
from restorae.shapes import Image

_SEEN = 1024
"""Side in pixels of the centre crop that is examined."""
_BLOCK = 32
"""Side in pixels of the blocks that are judged by their own brightest part: a shadow over a page is no ink."""
_BRIGHT_END = 0.9
_LIGHT, _DARK = 0.85, 0.6
_SMALLEST_LIGHT, _LARGEST_BETWEEN = 0.6, 0.22
_DARK_SHARE = (0.03, 0.3)
_PAPER, _INKED = 0.5, 0.7
_COLOURFUL, _MOST_COLOURFUL = 0.25, 0.2
"""Chroma from which a pixel is colourful, and the share of such pixels from which an image is not a page. Chroma is the
range of the channels after each is divided by its own bright end, so that yellow paper has none. Of pages scanned in colour
the most colourful has a share of 0.18; of photographs half have more than 0.14 and a tenth more than 0.55."""
_RED_OR_GREEN, _MOST_RED_OR_GREEN = 0.15, 0.06
"""The same for the difference of red and green from that of the paper, relative to brightness, over cells of `_CELL` px
that are lit. Paper yellows and stains brown unevenly, which is a difference of yellow and blue: scanned pages have a share
of 0.024 at most; crops of a portrait that pass all other tests have 0.10 and more."""
_CELL = 8
_OVERVIEW = 768
"""Side in pixels of the smaller copy in which a photograph is looked for."""
_LINE = 17
"""Height in pixels of a line of print in that copy."""
_ROUGH = 0.06
_MOST_DARK, _MOST_ROUGH = 0.0075, 0.095
_WINDOW, _FILLED, _SURELY_FILLED = 80, 0.65, 0.835
"""Sizes and shares from which an image is on a page. Of 161 scanned pages with stains, creases and shadows none passes; of 69
pages with a photograph pasted in, 0.2 to 0.55 of the page's width, 78 % do. Those that are missed are small or light."""


_STROKES_SEEN = 700
"""Side in pixels above which the crop is halved before strokes are measured."""
_CLOSED = 25
"""Side in pixels of the squares that a stroke must not fill: closing by them removes strokes and leaves the paper."""
_PAPER_CELL, _INK_CELL = 16, 48
_MOST_PAPER_SPREAD, _MOST_WIDTH_SPREAD, _MOST_FILLED = 0.1, 0.64, 0.65
"""Bounds of the standard deviation of the paper's log brightness (the channel with the largest), of the standard deviation of
stroke widths over their mean, and of the ink in any cell of `_INK_CELL` px. Chosen on half of 52 written and printed documents
with stains and bleed-through, 835 photographs, micrographs and prints, and 29 drawings. Of the other half of the documents 19
of 26 are pages, and none of the other images of either half is."""
_WIDEST = 12
_LEAST_COVERED, _INK_SHARE, _LEAST_CONTRAST = 0.45, (0.02, 0.3), 0.06
_MOST_EQUAL = 0.5
"""Share of neighbouring pixels that are equal: of scanned paper few are; diagrams and screenshots have more than 0.58."""


def looks_like_page(image: Image) -> bool:
    """Whether an image, (1 or 3, height, width), is a page, printed or written: dark strokes on bright paper.

    Either nearly all of it is paper and ink with little between, judged in blocks by their own brightest part, and it is not
    colourful (the tint of old paper is not colour); or what is left when thin dark strokes are removed is as even as paper, and
    the strokes are about equally wide and nowhere dense. The second finds handwriting, yellow paper and bleed-through.

    The bounds were chosen on halves of sets of photographs, which it should leave alone, and of pages, made and scanned.

    >>> import torch
    >>> page = torch.full((1, 128, 128), 0.8)
    >>> page[:, ::8] = 0.1
    >>> looks_like_page(page), looks_like_page(torch.rand(1, 128, 128))
    (True, False)
    """
    if image.shape[0] not in (1, 3) or min(image.shape[1:]) < 2 * _BLOCK:
        return False
    image = center_crop(image, _SEEN)
    return _is_print(image) or _is_strokes_on_paper(image)


def _is_print(image: Image) -> bool:
    if _is_colourful(image):
        return False
    grey = to_grey(image[None]) if image.shape[0] == 3 else image[None]
    blocks = functional.unfold(grey, _BLOCK, stride=_BLOCK)[0].T  # (blocks, pixels)
    bright = torch.quantile(blocks, _BRIGHT_END, dim=1)
    relative = blocks / bright.clamp(min=1e-3)[:, None]
    dark = (relative < _DARK).float()
    light, ink = (relative > _LIGHT).float().mean().item(), dark.mean().item()
    return (
        light >= _SMALLEST_LIGHT
        and 1 - light - ink <= _LARGEST_BETWEEN
        and _DARK_SHARE[0] <= ink <= _DARK_SHARE[1]
        and bright.median().item() >= _PAPER
        and (dark.mean(1) > 0.02).float().mean().item() >= _INKED
    )


def _is_strokes_on_paper(image: Image) -> bool:
    """Whether an image is even paper once thin dark strokes are removed, and these are alike."""
    images = image[None]
    if max(image.shape[1:]) > _STROKES_SEEN:
        images = functional.avg_pool2d(images, 2)
    soft = functional.avg_pool2d(images, 3, 1, 1, count_include_pad=False)
    paper = -_largest_around(-_largest_around(soft, _CLOSED), _CLOSED)
    spread = functional.avg_pool2d(paper, _PAPER_CELL).clamp(min=0.02).log().flatten(2).std(2)
    if spread.max().item() > _MOST_PAPER_SPREAD or paper.median().item() < _PAPER:
        return False
    soft, paper = (to_grey(each) if each.shape[1] == 3 else each for each in (soft, paper))
    depth = (1 - soft / paper).clamp(0, 1)
    ink = depth > _between_two_groups(depth)
    share = ink.float().mean().item()
    if not _INK_SHARE[0] <= share <= _INK_SHARE[1]:
        return False
    cells = functional.avg_pool2d(ink.float(), _INK_CELL)
    return (
        cells.max().item() <= _MOST_FILLED
        and (cells > 0.01).float().mean().item() >= _LEAST_COVERED
        and (depth[ink].mean() - depth[~ink].mean()).item() >= _LEAST_CONTRAST
        and (soft.diff(dim=3) == 0).float().mean().item() <= _MOST_EQUAL
        and _width_spread(ink) <= _MOST_WIDTH_SPREAD
    )


def _width_spread(ink: Tensor) -> float:
    """Standard deviation of the widths of strokes over their mean, measured along their middles.

    A pixel's depth in a stroke is how often a border of one pixel can be taken away before it is gone; twice that, less one, is
    the stroke's width where no neighbour is deeper.
    """
    left = ink.float()
    depth = left.clone()
    for _ in range(_WIDEST):
        left = -_largest_around(-left, 3)
        depth += left
    widths = 2 * depth[ink & (depth >= _largest_around(depth, 3))] - 1
    return (widths.std() / widths.mean()).item()


def _largest_around(images: Tensor, size: int) -> Tensor:
    """The largest value in the square of `size` px, odd, around each pixel; nothing counts beyond the border.

    As max pooling, with a number of passes that grows with the logarithm of the size.
    """
    for axis in (2, 3):
        border = [0, 0, size // 2, size // 2] if axis == 2 else [size // 2, size // 2]
        images = functional.pad(images, border, value=float("-inf"))
        reach = 1
        while reach < size:
            step = min(reach, size - reach)
            length = images.shape[axis] - step
            images = torch.maximum(
                images.narrow(axis, 0, length), images.narrow(axis, step, length)
            )
            reach += step
    return images


def _between_two_groups(values: Tensor) -> float:
    """The value in [0, 1] that divides values best into two groups (Otsu, 1979)."""
    counts = torch.histc(values, 256, 0, 1)
    below = counts.cumsum(0)[:-1]
    sums = (counts * (torch.arange(256) + 0.5) / 256).cumsum(0)
    above = counts.sum() - below
    apart = (sums[-1] * below - sums[:-1] * counts.sum()) ** 2 / (below * above).clamp(min=1)
    return (apart.argmax().item() + 1) / 256


def strip_heights(height: int, most: int) -> list[int]:
    """Heights of the strips in which an image is read to make it smaller."""
    return [min(most, height - top) for top in range(0, height, most)]


def smaller(strips: Iterable[Image], size_px: int | None = None) -> Tensor:
    """A grey copy, (height, width), of at most about `_OVERVIEW` pixels a side, of an image that comes in strips.

    Args:
        strips: (1 or 3, height, width), from the top; all heights but the last a multiple of the reduction.
        size_px: the longer side of the image; None where the only strip is all of it.
    """
    rows = []
    for strip in strips:
        factor = max(1, -(-(size_px or max(strip.shape[1:])) // _OVERVIEW))
        grey = to_grey(strip[None]) if strip.shape[0] == 3 else strip[None, :1]
        height, width = (min(factor, length) for length in grey.shape[2:])
        rows.append(functional.avg_pool2d(grey, (height, width), factor)[0, 0])
    return torch.cat(rows)


def shows_photograph(grey: Tensor) -> bool:
    """Whether a page of print, a smaller grey copy, has a photograph or a drawing with tones on it.

    The brightest value within the height of a line removes print: paper is left, with its stains and shadows, which are
    light or change slowly. What is much darker than the paper around it, or changes much from place to place, is an image.
    """
    if min(grey.shape) < 2 * _LINE:
        return False
    paper = torch.quantile(grey.flatten()[:: max(1, grey.numel() // 100_000)], _BRIGHT_END)
    filled = _filled_share(grey)
    if filled > _SURELY_FILLED:
        return True
    bright = functional.max_pool2d(grey[None, None], _LINE, _CELL)
    around = functional.max_pool2d(bright, 17, 1, 8)
    dark = bright / around.clamp(min=0.05) < _DARK
    mean, square = (functional.avg_pool2d(each, 3, 1) for each in (bright, bright**2))
    rough = (square - mean**2).clamp(min=0).sqrt() / paper.clamp(min=0.05) > _ROUGH
    return filled > _FILLED and (
        dark.float().mean().item() > _MOST_DARK or rough.float().mean().item() > _MOST_ROUGH
    )


def _filled_share(grey: Tensor) -> float:
    """The share of pixels darker than what is brightest around them, in the window with nearly the most of them."""
    size = min(_WINDOW, *grey.shape)
    soft = functional.avg_pool2d(grey[None, None], 3, 1, 1)
    bright = functional.max_pool2d(soft, 33, 1, 16)
    darker = (grey / bright.clamp(min=0.05) < _LIGHT).float()
    shares = functional.avg_pool2d(darker, size, _CELL).flatten()
    return shares.topk(min(4, shares.numel())).values[-1].item()


def _is_colourful(image: Image) -> bool:
    """Whether many pixels have a colour that is not the tint of the paper."""
    if image.shape[0] != 3:
        return False
    paper = torch.quantile(image.flatten(1), _BRIGHT_END, dim=1).clamp(min=0.05)
    relative = image / paper[:, None, None]
    chroma = relative.amax(0) - relative.amin(0)
    return (
        _share_above(chroma, _COLOURFUL) > _MOST_COLOURFUL
        or _share_above(_red_against_green(image), _RED_OR_GREEN) > _MOST_RED_OR_GREEN
    )


def _red_against_green(image: Image) -> Tensor:
    """How far red less green lies from its median, relative to brightness: one value for each lit cell."""
    cells = functional.avg_pool2d(image[None], _CELL)[0].flatten(
        1
    )  # (3, cells): strokes average out
    brightness = cells.mean(0)
    lit = brightness > 0.5 * torch.quantile(brightness, _BRIGHT_END)
    difference = ((cells[0] - cells[1]) / brightness.clamp(min=0.05))[lit]
    return (difference - difference.median()).abs() if len(difference) else difference


def _share_above(values: Tensor, bound: float) -> float:
    return (values > bound).float().mean().item() if values.numel() else 0.0


def center_crop(image: Image, size_px: int) -> Image:
    """The centre of an image, at most `size_px` pixels high and wide."""
    top, left = (max(0, (length - size_px) // 2) for length in image.shape[-2:])
    return image[..., top : top + size_px, left : left + size_px]
