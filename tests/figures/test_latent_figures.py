"""The plots of latent space: ticks, names, colours, and what tells the classes apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from restorae.figures import clusters_figure, manifold_figure, write_figure
from restorae.latent import axis_values
from tests.command import pixels


def texts(labels: list[object]) -> list[str]:
    return [label.get_text() for label in labels]


# ------------------------------------------------------------------------------------------------- the manifold


@pytest.mark.parametrize(("n", "decimals"), [(1, 1), (3, 1), (30, 2)])
@pytest.mark.parametrize(("height", "width"), [(28, 28), (5, 9)])
def test_each_image_of_the_manifold_has_a_tick_of_its_own(n, decimals, height, width):
    values = axis_values(n, 1.0, "linear")
    figure = manifold_figure(np.zeros((n * height, n * width)), values, size=4)
    (axis,) = figure.axes
    expected = [
        f"{np.round(float(value), decimals) + 0.0:.{decimals}f}" for value in values
    ]  # a zero has no sign: nobody reads -0.0 on an axis
    assert len({*expected}) == n
    assert texts(axis.get_xticklabels()) == expected
    assert texts(axis.get_yticklabels()) == expected[::-1], "the top row has the largest value"
    # pixel k is drawn from k - ½ to k + ½, so that an image's middle is half a pixel off the middle of its numbers
    assert np.allclose(axis.get_xticks(), [width * place + (width - 1) / 2 for place in range(n)])
    assert np.allclose(axis.get_yticks(), [height * place + (height - 1) / 2 for place in range(n)])


def test_the_manifold_is_drawn_in_grey_from_black_to_white_with_the_axes_named():
    canvas = np.full((6, 6), 0.4)
    axis = manifold_figure(canvas, [-1, 1], size=3).axes[0]
    (shown,) = axis.images
    assert shown.get_cmap().name == "Greys_r"
    assert shown.get_clim() == (0, 1), "grey is not stretched to what happens to be there"
    assert np.array_equal(shown.get_array(), canvas)
    assert shown.origin == "upper"
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("z[0]", "z[1]")
    named = manifold_figure(canvas, [-1, 1], axes=("z[3]", "z[5]"), size=3).axes[0]
    assert (named.get_xlabel(), named.get_ylabel()) == ("z[3]", "z[5]")


def test_a_written_manifold_shows_its_images(tmp_path: Path):
    canvas = np.zeros((20, 20))
    canvas[:10] = 1
    write_figure(manifold_figure(canvas, [-1, 1], size=3), tmp_path / "manifold.png", dpi=50)
    shown = pixels(tmp_path / "manifold.png")[..., :3]
    middle = shown[:, shown.shape[1] // 2]
    bright, dark = np.flatnonzero((middle > 250).all(1)), np.flatnonzero((middle < 5).all(1))
    assert len(dark) > 30
    assert np.median(bright) < np.median(dark), "the first rows of the canvas are at the top"


# ------------------------------------------------------------------------------------------------- clusters


def points(count: int = 300, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 2))


def legend_of(figure: Figure) -> Legend | None:
    return figure.axes[0].get_legend()


@pytest.mark.parametrize("classes", [1, 2, 10, 20])
def test_few_classes_have_a_legend_with_a_colour_each(classes):
    labels = np.arange(300) % classes
    places = points()
    figure = clusters_figure(places, labels, ("z[0]", "z[1]"))
    legend = legend_of(figure)
    assert legend is not None
    assert len(figure.axes) == 1, "no colour bar beside the legend"
    assert texts(legend.get_texts()) == [str(each) for each in range(classes)]
    (drawn,) = figure.axes[0].collections
    assert np.allclose(drawn.get_offsets(), places)
    colours = drawn.get_facecolors()[:, :3]
    assert len(np.unique(colours, axis=0)) == classes
    for handle, each in zip(legend.legend_handles, range(classes), strict=True):
        assert np.allclose(handle.get_color()[:3], colours[labels == each]), (
            f"the legend's colour of {each} is not that of its points"
        )


def test_labels_may_be_names_and_come_in_any_order():
    labels = np.array(["coat", "boot", "bag"])[np.arange(300) % 3]
    figure = clusters_figure(points(), labels, ("a", "b"))
    legend = legend_of(figure)
    assert texts(legend.get_texts()) == ["bag", "boot", "coat"]
    colours = figure.axes[0].collections[0].get_facecolors()[:, :3]
    for handle, name in zip(legend.legend_handles, ["bag", "boot", "coat"], strict=True):
        assert np.allclose(handle.get_color()[:3], colours[labels == name])


def test_classes_need_not_be_counted_from_zero():
    legend = legend_of(clusters_figure(points(), np.array([3, 8])[np.arange(300) % 2], ("a", "b")))
    assert texts(legend.get_texts()) == ["3", "8"]


@pytest.mark.parametrize(
    "labels", [np.linspace(0, 5, 300), np.arange(300) % 21], ids=["measured", "21 classes"]
)
def test_many_numbers_have_a_colour_bar(labels):
    figure = clusters_figure(points(), labels, ("a", "b"))
    assert legend_of(figure) is None
    assert len(figure.axes) == 2
    assert figure.axes[1].get_ylabel() == "label"
    (drawn,) = figure.axes[0].collections
    assert np.allclose(drawn.get_array(), labels)


def test_few_classes_have_a_colour_bar_where_it_is_asked_for():
    figure = clusters_figure(points(), np.arange(300) % 10, ("z[0]", "z[1]"), colour_bar=True)
    plot, bar = figure.axes
    assert plot.get_legend() is None
    assert bar.get_ylabel() == "label"


def test_many_names_have_a_colour_bar_too():
    figure = clusters_figure(
        points(), np.array([f"writer {place % 50:02d}" for place in range(300)]), ("a", "b")
    )
    assert legend_of(figure) is None
    assert len(figure.axes) == 2


def test_without_labels_all_points_have_one_colour():
    figure = clusters_figure(points(), None, ("a", "b"))
    assert legend_of(figure) is None
    assert len(figure.axes) == 1
    assert len(figure.axes[0].collections[0].get_facecolors()) == 1


def test_axes_are_named_and_the_note_says_how_it_was_projected():
    axis = clusters_figure(
        points(), None, ("first", "second"), "40 latent dimensions, projected"
    ).axes[0]
    assert (axis.get_xlabel(), axis.get_ylabel(), axis.get_title()) == (
        "first",
        "second",
        "40 latent dimensions, projected",
    )
    assert axis.get_aspect() == 1, "a unit is as long in both directions"


@pytest.mark.parametrize("count", [1, 2000])
def test_points_are_small_where_they_are_many_and_can_be_seen_where_they_are_few(
    count, tmp_path: Path
):
    figure = clusters_figure(points(count), np.zeros(count, int), ("a", "b"))
    (size,) = figure.axes[0].collections[0].get_sizes()
    assert 2 <= size <= 30
    write_figure(figure, tmp_path / "clusters.png", dpi=40)
    assert pixels(tmp_path / "clusters.png")[..., :3].std() > 3
