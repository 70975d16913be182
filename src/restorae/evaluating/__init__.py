"""How good a model is: scores, and signs of collapse."""

from restorae.evaluating.bounds import Bound, LatentEvaluation, evaluate_latent
from restorae.evaluating.calibration import calibrate
from restorae.evaluating.collapse import constant_answer_error, has_collapsed
from restorae.evaluating.coverage import Coverage, CoverageTally
from restorae.evaluating.fitted import FittedScores, GainFitted
from restorae.evaluating.scores import Evaluation, ImageScores, Scores, Tally, evaluate
from restorae.evaluating.test_set import TestSet

__all__ = [
    "Bound",
    "Coverage",
    "CoverageTally",
    "Evaluation",
    "FittedScores",
    "GainFitted",
    "ImageScores",
    "LatentEvaluation",
    "Scores",
    "Tally",
    "TestSet",
    "calibrate",
    "constant_answer_error",
    "evaluate",
    "evaluate_latent",
    "has_collapsed",
]
