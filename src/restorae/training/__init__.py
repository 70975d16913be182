"""Training: recipes, the loop, checkpoints."""

from restorae.training.loop import Machinery, train
from restorae.training.recipe import Recipe, read_toml, require_data
from restorae.training.starting import SUITABLE

__all__ = ["SUITABLE", "Machinery", "Recipe", "read_toml", "require_data", "train"]
