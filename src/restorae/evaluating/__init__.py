"""Scores, and what they are held against."""

from restorae.evaluating.collapse import constant_answer_error, has_collapsed
from restorae.evaluating.scores import Evaluation, Exam, Scores, Tally, evaluate

__all__ = ["Evaluation", "Exam", "Scores", "Tally", "constant_answer_error", "evaluate", "has_collapsed"]
