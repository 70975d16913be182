"""Training: recipes, the loop, checkpoints."""

from restorae.training.loop import Machinery, train
from restorae.training.recipe import Recipe, read_toml

__all__ = ["Machinery", "Recipe", "read_toml", "train"]
