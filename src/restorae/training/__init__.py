"""Training: recipes, what they resolve to, the loop, checkpoints."""

from restorae.training.api import train
from restorae.training.callbacks import TrainingCallback
from restorae.training.dataset import RecipeDataset
from restorae.training.given import Given
from restorae.training.loop import run
from restorae.training.recipe import NOTHING, Recipe, ResolvedRecipe, read_toml
from restorae.training.recipe_files import require_data
from restorae.training.resolve import DataFacts, resolve
from restorae.training.setup import Machinery, TrainingSetup, prepare

__all__ = [
    "NOTHING",
    "DataFacts",
    "Given",
    "Machinery",
    "Recipe",
    "RecipeDataset",
    "ResolvedRecipe",
    "TrainingCallback",
    "TrainingSetup",
    "prepare",
    "read_toml",
    "require_data",
    "resolve",
    "run",
    "train",
]
