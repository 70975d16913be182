"""Figures: what is drawn is what was given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from restorae.figures import (
    comparison_sheet,
    digit_sheets,
    full_size_sheet,
    training_curves,
    write_figure,
    write_report,
)
from tests.command import pixels


def test_digit_sheets_show_every_image_unclipped(tmp_path: Path) -> None:
    images = torch.linspace(-1, 2, 10 * 28 * 28).reshape(10, 1, 28, 28)
    figure = digit_sheets({"Original": images, "Damaged": images})
    axes = [axis for part in figure.subfigs for axis in part.axes]
    shown = [axis.images[0] for axis in axes]
    assert len(shown) == 20
    assert all(image.get_cmap().name == "binary" for image in shown)
    assert shown[0].get_array().min() == -1
    assert shown[9].get_array().max() == 2
    write_figure(figure, tmp_path / "sheet.png")
    assert pixels(tmp_path / "sheet.png").std() > 10


def test_a_sheet_that_is_not_full_leaves_its_places_empty() -> None:
    figure = digit_sheets({"Seven": torch.rand(7, 1, 8, 8)})
    assert [len(axis.images) for axis in figure.subfigs[0].axes] == [1] * 7 + [0] * 3


def test_a_comparison_has_a_line_an_image(tmp_path: Path) -> None:
    figure = comparison_sheet(
        [
            ("a.png", (torch.rand(1, 9, 9), torch.rand(1, 9, 9))),
            ("b.png", (torch.rand(3, 9, 9),) * 2),
        ],
        ("clean", "degraded"),
    )
    assert len(figure.axes) == 4
    assert figure.axes[0].get_title(loc="left") == "a.png  clean"


def test_curves_plot_what_they_are_given() -> None:
    figure = training_curves([(1, 0.5), (2, 0.25)], [(2, 20.0)], "mean squared error")
    assert figure.axes[0].lines[0].get_xydata().tolist() == [[1, 0.5], [2, 0.25]]
    assert figure.axes[1].lines[0].get_xydata().tolist() == [[2, 20.0]]


def test_the_report_needs_nothing_else_and_escapes_what_it_is_given(tmp_path: Path) -> None:
    write_figure(training_curves([(1, 1.0)], [(1, 1.0)], "loss"), tmp_path / "curve.png")
    write_report(
        tmp_path / "report.html",
        "A <title>",
        "Words & more",
        {"Figures": [("<b>", "1 & 2")]},
        {"Curve": tmp_path / "curve.png"},
    )
    text = (tmp_path / "report.html").read_text()
    assert "data:image/png;base64," in text
    assert 'src="http' not in text
    assert "A &lt;title&gt;" in text
    assert "<th scope=row>&lt;b&gt;</th><td>1 &amp; 2</td>" in text


def test_a_full_size_sheet_scales_nothing(tmp_path):
    generator = torch.Generator().manual_seed(0)
    grey, colour = (
        torch.rand(1, 37, 51, generator=generator),
        torch.rand(3, 80, 90, generator=generator),
    )
    write_figure(
        full_size_sheet(
            [("grey $x", (grey, 1 - grey)), ("colour", (colour, colour))], ("before", "after")
        ),
        tmp_path / "sheet.png",
    )
    sheet = pixels(tmp_path / "sheet.png")[..., :3].astype(int)
    for image in (grey, 1 - grey, colour):
        wanted = (image.expand(3, -1, -1).permute(1, 2, 0).numpy() * 255).astype(int)
        height, width = wanted.shape[:2]
        # where the corner's colour stands, the whole image must stand
        corners = np.argwhere((np.abs(sheet - wanted[0, 0]) <= 1).all(-1))
        fits = [
            np.abs(sheet[top : top + height, left : left + width] - wanted).max() <= 1
            for top, left in corners
            if top + height <= sheet.shape[0] and left + width <= sheet.shape[1]
        ]
        assert any(fits), "the image does not stand in the sheet pixel for pixel"


def test_small_images_are_enlarged_by_whole_pixels_so_that_labels_fit(tmp_path):
    image = torch.rand(1, 28, 28, generator=torch.Generator().manual_seed(0))
    name = "x_test_noisy.npy, page 1 " * 4
    figure = full_size_sheet([(name, (image, image))], ("before", "after"))
    write_figure(figure, tmp_path / "sheet.png")
    sheet = pixels(tmp_path / "sheet.png")[..., 0].astype(int)
    wanted = (image[0].numpy() * 255).astype(int).repeat(5, 0).repeat(5, 1)
    corners = np.argwhere(np.abs(sheet - wanted[0, 0]) <= 1)
    assert any(
        np.abs(sheet[top : top + 140, left : left + 140] - wanted).max() <= 1
        for top, left in corners
        if top + 140 <= sheet.shape[0] and left + 140 <= sheet.shape[1]
    )
    renderer = FigureCanvasAgg(figure).get_renderer()
    before, after, label = (text.get_window_extent(renderer) for text in figure.texts)
    assert before.x1 < after.x0
    assert label.x1 <= figure.bbox.width
