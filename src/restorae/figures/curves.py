"""Training curves."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure


def training_curves(
    losses: Sequence[tuple[int, float]], validation: Sequence[tuple[int, float]], loss_name: str
) -> Figure:
    """The loss over the steps, and beside it the validation PSNR in dB.

    Args:
        losses: (step, loss) as reported on the way.
        validation: (step, PSNR) after each epoch.
        loss_name: name of the loss.
    """
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(
        [step for step, _ in losses], [loss for _, loss in losses], color="tab:blue", linewidth=1
    )
    left.set(title="Training loss", xlabel="step", ylabel=loss_name, yscale="log")
    right.plot(
        [step for step, _ in validation],
        [psnr for _, psnr in validation],
        color="tab:green",
        marker="o",
    )
    right.set(title="Validation", xlabel="step", ylabel="PSNR (dB, pooled)")
    for axis in (left, right):
        axis.grid(alpha=0.3)
    return figure
