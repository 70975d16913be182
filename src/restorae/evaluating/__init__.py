"""How good a model is: scores, and signs of collapse."""

from restorae.evaluating.bounds import Bound, LatentEvaluation, evaluate_latent
from restorae.evaluating.collapse import constant_answer_error, has_collapsed
from restorae.evaluating.scores import Evaluation, Exam, Scores, Tally, evaluate

__all__ = [
    "Bound",
    "Evaluation",
    "Exam",
    "LatentEvaluation",
    "Scores",
    "Tally",
    "constant_answer_error",
    "evaluate",
    "evaluate_latent",
    "has_collapsed",
]
