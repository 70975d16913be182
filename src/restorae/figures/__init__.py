"""Figures: sheets, curves, the report. Drawn with matplotlib, written as PNG."""

from restorae.figures.curves import training_curves
from restorae.figures.latent import clusters_figure, manifold_figure
from restorae.figures.report import write_report
from restorae.figures.sheets import comparison_sheet, digit_sheets, full_size_sheet, write_figure

__all__ = [
    "clusters_figure",
    "comparison_sheet",
    "digit_sheets",
    "full_size_sheet",
    "manifold_figure",
    "training_curves",
    "write_figure",
    "write_report",
]
