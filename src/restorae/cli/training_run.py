"""Running a training from the command line, alone or as one of several processes, and reporting what came of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

from restorae.cli.console import say
from restorae.cli.wording import COMMAND_LINE
from restorae.errors import Interrupted, RestoraeError, TrainingDiverged, UsageError
from restorae.model import Model
from restorae.progress import Progress
from restorae.training import Machinery, Recipe, train
from restorae.training.processes import (
    WHILE_TRAINING,
    is_first,
    is_first_on_this_machine,
    joined,
    share_of_this_process,
)


def train_and_report(
    recipe: Recipe, target: Path, resume: bool, *, machinery: Machinery, progress: Progress
) -> None:
    """Train, write the model, and print its scores; of several processes the first prints."""
    try:
        with joined():
            model = train(
                recipe,
                target,
                resume=resume,
                overwrite=True,
                machinery=machinery,
                progress=progress,
            )
    except RestoraeError as error:
        if is_first():
            raise
        _leave(error)
    if is_first():
        _report(model, target)


def _leave(error: RestoraeError) -> NoReturn:
    """End a process that is not the first; it prints what the first may not know."""
    is_own = is_first_on_this_machine() or WHILE_TRAINING in getattr(error, "__notes__", ())
    if is_own and not isinstance(error, UsageError | TrainingDiverged | Interrupted):
        share = share_of_this_process()
        name = f"process {share.index} of {share.count}"
        print(f"restorae ({name}): {error.render(COMMAND_LINE)}", file=sys.stderr)
    sys.exit(error.exit_status)


def _report(model: Model, target: Path) -> None:
    scores = model.card.scores["validation"]
    say(
        f"{target}: {model.card.parameters:,} parameters, {model.card.steps:,} steps in {model.card.seconds:,.0f} s."
    )
    if "taken_off" in scores:
        say(
            f"It removes noise of standard deviation {scores['taken_off']:.4f} ([0, 1] scale); without clean images its error is unknown."
        )
    if "reconstructed" in scores:
        psnr = scores["reconstructed"]["psnr_pooled"] or 0
        say(f"Validation PSNR of reconstructions {psnr:.2f} dB (pooled).")
        say(f"To see its codes: restorae vae clusters --model {target}")
    if "degraded" in scores:
        before, after = (
            scores["degraded"]["psnr_pooled"] or 0,
            scores["restored"]["psnr_pooled"] or 0,
        )
        say(f"Validation PSNR {before:.2f} dB degraded, {after:.2f} dB restored (pooled).")
