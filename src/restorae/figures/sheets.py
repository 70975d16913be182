"""Sheets of images, in rows of five by default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from restorae.files import written_whole
from restorae.shapes import Image, Images

COLUMNS = 5
_DPI = 110
_GAP, _LINE = 8, 22
_LETTER = 8
"""Width of a letter of a sheet's labels, in pixels, at most."""
_READABLE = 160
"""Images are enlarged up to this side, in pixels."""


def digit_sheets(
    rows: Mapping[str, Sequence[Image] | Images | np.ndarray], columns: int = COLUMNS
) -> Figure:
    """Sheets below each other, each with a title and `columns` images a row; grey images are inverted (cmap "binary").

    Images are tensors (channel, height, width), or arrays (height, width) or (height, width, 3).

    Nothing is clipped: each image is scaled from its own minimum to its own maximum, as matplotlib does.
    """
    lines = sum(-(-len(images) // columns) for images in rows.values())
    figure = Figure(figsize=(1.5 * columns, 1.5 * lines + 0.45 * len(rows)), layout="constrained")
    parts = figure.subfigures(
        len(rows), 1, height_ratios=[-(-len(images) // columns) for images in rows.values()]
    )
    for part, (title, images) in zip(np.atleast_1d(np.asarray(parts)), rows.items(), strict=True):
        part.suptitle(title, fontsize=11, x=0.01, ha="left")
        axes = part.subplots(-(-len(images) // columns), columns, squeeze=False).flatten()
        for axis in axes:
            axis.set_axis_off()
        for axis, image in zip(axes, images, strict=False):
            _show(axis, image, cmap="binary")
    return figure


def comparison_sheet(
    images: Sequence[tuple[str, Sequence[Image]]], titles: Sequence[str]
) -> Figure:
    """One row per image, its versions side by side, shown on the [0, 1] scale."""
    wide = len(titles)
    figure = Figure(figsize=(3.2 * wide, 2.6 * len(images) + 0.3), layout="constrained")
    axes = figure.subplots(len(images), wide, squeeze=False)
    for line, (name, versions) in zip(axes, images, strict=True):
        for axis, image in zip(line, versions, strict=True):
            axis.set_axis_off()
            _show(axis, image, cmap="gray", vmin=0, vmax=1)
        line[0].set_title(name, fontsize=9, loc="left")
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(f"{axis.get_title(loc='left')}  {title}".strip(), fontsize=9, loc="left")
    return figure


def full_size_sheet(images: Sequence[tuple[str, Sequence[Image]]], titles: Sequence[str]) -> Figure:
    """One row per image, its versions side by side at 100 %: without scaling, noise keeps its look.

    If all images are small, as digits are, each pixel becomes a square of several pixels.
    """
    largest = max(max(image.shape[1:]) for _, versions in images for image in versions)
    zoom = max(1, _READABLE // largest)
    images = [(name, [_enlarged(image, zoom) for image in versions]) for name, versions in images]
    wide = max(image.shape[2] for _, versions in images for image in versions)
    tall = [max(image.shape[1] for image in versions) for _, versions in images]
    width = len(titles) * (wide + _GAP) + _GAP
    height = sum(tall) + len(tall) * (_LINE + _GAP) + _LINE
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    for column, title in enumerate(titles):
        figure.text(
            (_GAP + column * (wide + _GAP)) / width,
            1 - 0.7 * _LINE / height,
            title,
            fontsize=9,
            weight="bold",
        )
    down = _LINE
    for (name, versions), line in zip(images, tall, strict=True):
        figure.text(
            _GAP / width,
            1 - (down + 0.7 * _LINE) / height,
            _shortened(name, (width - _GAP) // _LETTER),
            fontsize=8,
            parse_math=False,
        )
        for column, image in enumerate(versions):
            pixels = (
                image.detach().cpu().float().expand(3, -1, -1).permute(1, 2, 0).clamp(0, 1).numpy()
            )
            figure.figimage(
                pixels,
                _GAP + column * (wide + _GAP),
                height - down - _LINE - image.shape[1],
                origin="upper",
            )
        down += _LINE + line + _GAP
    return figure


def _enlarged(image: Image, zoom: int) -> Image:
    return image.repeat_interleave(zoom, 1).repeat_interleave(zoom, 2)


def _shortened(name: str, letters: int) -> str:
    """The end of a name that is too long: files are told apart by their ends."""
    return name if len(name) <= letters else f"…{name[1 - letters :]}"


def write_figure(figure: Figure, path: Path, dpi: int = _DPI) -> None:
    """Write a figure as PNG, atomically."""
    with written_whole(path) as partial:
        figure.savefig(partial, dpi=dpi, format="png", facecolor="white")


def _show(axis: Any, image: Image | np.ndarray, **options: Any) -> None:
    if isinstance(image, np.ndarray):
        pixels = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
    else:
        pixels = image.detach().cpu().float().numpy()
    if pixels.shape[0] == 1:
        axis.imshow(
            pixels[0],
            interpolation="nearest" if max(pixels.shape) <= 64 else "antialiased",
            **options,
        )
    else:
        axis.imshow(np.clip(pixels.transpose(1, 2, 0), 0, 1))
