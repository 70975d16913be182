"""Two plots of latent space, as in the digits exercise: the manifold, and the label clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

_LEGEND_UP_TO = 20


def manifold_figure(
    canvas: np.ndarray,
    values: Sequence[float] | np.ndarray,
    axes: tuple[str, str] = ("z[0]", "z[1]"),
    size: float = 15,
) -> Figure:
    """The manifold: decoded images on a grid of latents, with a tick for each.

    Args:
        canvas: all images as one, (n · height, n · width[, 3]); the top row has the largest value of the vertical axis.
        values: the n values along both axes, increasing.
        axes: names of the horizontal and the vertical axis.
        size: side of the figure in inches.
    """
    n = len(values)
    height, width = canvas.shape[0] / n, canvas.shape[1] / n
    figure = Figure(figsize=(size, size), layout="constrained")
    axis = figure.subplots()
    labels = _distinct(values)
    axis.set_xticks(np.arange(n) * width + width / 2 - 0.5, labels)
    axis.set_yticks(np.arange(n) * height + height / 2 - 0.5, labels[::-1])
    if len(labels[0]) > len("-0.5"):  # side by side they would overlap
        axis.tick_params(axis="x", rotation=90)
    axis.set(xlabel=axes[0], ylabel=axes[1])
    axis.imshow(canvas, cmap="Greys_r", vmin=0, vmax=1)
    return figure


def clusters_figure(
    points: np.ndarray,
    labels: np.ndarray | None,
    axes: tuple[str, str],
    note: str = "",
    colour_bar: bool = False,
) -> Figure:
    """Scatter plot of images in latent space, coloured by label.

    Args:
        points: (n, 2).
        labels: (n,) classes: few get a legend, many numbers a colour bar; None for one colour.
        axes: names of the horizontal and the vertical axis.
        note: how the points were projected, shown as the title.
        colour_bar: draw a colour bar for few classes, too, instead of a legend of distinct colours.
    """
    figure = Figure(figsize=(12, 10), layout="constrained")
    axis = figure.subplots()
    size = float(np.clip(40_000 / max(1, len(points)), 2, 30))
    if labels is None:
        axis.scatter(points[:, 0], points[:, 1], s=size, alpha=0.6, linewidths=0)
    else:
        classes, indices = np.unique(labels, return_inverse=True)
        if len(classes) <= _LEGEND_UP_TO and not colour_bar:
            colours = _colours(len(classes))
            axis.scatter(
                points[:, 0], points[:, 1], c=colours[indices], s=size, alpha=0.6, linewidths=0
            )
            handles = [Line2D([], [], marker="o", linestyle="", color=colour) for colour in colours]
            axis.legend(
                handles,
                [str(each) for each in classes],
                title="label",
                loc="center left",
                bbox_to_anchor=(1.0, 0.5),
            )
        else:
            numbers = labels if np.issubdtype(labels.dtype, np.number) else indices
            drawn = axis.scatter(
                points[:, 0],
                points[:, 1],
                c=numbers,
                s=size,
                alpha=0.6,
                linewidths=0,
                cmap="viridis",
            )
            figure.colorbar(drawn, ax=axis, label="label")
    axis.set(xlabel=axes[0], ylabel=axes[1], title=note)
    axis.set_aspect("equal", adjustable="datalim")
    axis.grid(alpha=0.2)
    return figure


def _distinct(values: Sequence[float] | np.ndarray) -> list[str]:
    """Numbers with as few decimals, at most three, as tell all of them apart."""
    labels: list[str] = []
    for decimals in (1, 2, 3):
        # plus zero: no minus in front of 0.0
        labels = [f"{round(float(value), decimals) + 0.0:.{decimals}f}" for value in values]
        if len(set(labels)) == len(labels):
            break
    return labels


def _colours(count: int) -> np.ndarray:
    import matplotlib as mpl

    scale = mpl.colormaps["tab10" if count <= 10 else "tab20"]
    return np.asarray([scale(index) for index in range(count)])
