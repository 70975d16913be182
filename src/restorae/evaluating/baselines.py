"""Baselines: the scores of classical methods on the same test set as a model."""

from __future__ import annotations

from collections.abc import Sequence

from restorae.errors import UsageError
from restorae.evaluating.scores import Evaluation, evaluate
from restorae.evaluating.test_set import TestSet
from restorae.progress import SILENT, Progress
from restorae.restoring.classical import Classical, all_methods


def all_baselines() -> tuple[Classical, ...]:
    """Every classical restorer with its default settings that needs no mask, by name.

    >>> {"median", "nlm", "tv", "wavelet"} <= {str(method) for method in all_baselines()}
    True
    """
    return tuple(kind() for kind in all_methods() if not kind.needs_mask)


def check_baseline(method: Classical) -> Classical:
    """`method`, if it can be scored: a test set has no masks.

    Raises:
        UsageError: the method needs a mask.
    """
    if method.needs_mask:
        known = ", ".join(str(other) for other in all_baselines())
        raise UsageError(
            f"{method} fills what a mask marks, and an evaluation has no masks. Baselines: {known}."
        )
    return method


def evaluate_baselines(
    methods: Sequence[Classical],
    test_set: TestSet,
    progress: Progress = SILENT,
    with_ssim: bool = True,
    fit_gain: bool = False,
) -> dict[str, Evaluation]:
    """Scores of classical restorers, by their texts. Settings that are not given are measured on each image.

    Args:
        methods: the methods to score, each once.
        test_set: the images and their damage.
        progress: reports the progress of each method.
        with_ssim: whether to compute SSIM too.
        fit_gain: whether to score with gain and offset fitted too.

    Raises:
        UsageError: one of them needs a mask.
    """
    for method in methods:
        check_baseline(method)
    return {
        str(method): evaluate(method.apply, test_set, progress, with_ssim, fit_gain)
        for method in methods
    }
