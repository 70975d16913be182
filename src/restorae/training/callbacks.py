"""Observers of a training."""

from __future__ import annotations

from restorae.model import Model
from restorae.training.setup import TrainingSetup
from restorae.training.validation import ValidationResult


class TrainingCallback:
    """Observes a training and changes nothing; override what you want to see."""

    def on_start(self, setup: TrainingSetup) -> None:
        """Training is about to start (or to go on)."""

    def on_validation(self, step: int, model: Model, result: ValidationResult) -> None:
        """A validation is done: `model` after `step` updates, and what was found."""

    def on_end(self, model: Model) -> None:
        """The model is finished and, where a file was named, written."""
