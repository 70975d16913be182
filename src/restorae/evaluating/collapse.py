"""Telling a network that has learned something from one that gives the same answer to everything."""

from __future__ import annotations

import torch

from restorae.data import ImageSet

MARGIN = 0.95
_ENOUGH = 5000
_FLAT = 1e-7


def constant_answer_error(clean: ImageSet, reference: ImageSet, patch: int | None) -> float:
    """The mean squared error of the best constant output, which ignores the input.

    For images taken whole that is the mean image of `reference` (what was trained on); for images seen by patches
    it is each patch's own mean.
    """
    if (
        patch is None
        and reference.common_size is not None
        and reference.common_size == clean.common_size
    ):
        mean = reference.batch(range(min(len(reference), _ENOUGH))).mean(0, keepdim=True)
        return (clean.batch(range(len(clean))) - mean).square().mean().item()
    errors, side = [], patch or 96
    for index in range(len(clean)):
        image = clean[index]
        for top in range(0, image.shape[1], side):
            for left in range(0, image.shape[2], side):
                piece = image[:, top : top + side, left : left + side]
                errors.append(
                    (piece - piece.mean((1, 2), keepdim=True)).square().sum() / image.numel()
                )
    return torch.stack(errors).sum().item() / len(clean)


def has_collapsed(error: float, constant: float) -> bool:
    """Whether a validation error is no better than `MARGIN` times that of a constant answer (never for flat images)."""
    return constant > _FLAT and error >= MARGIN * constant
