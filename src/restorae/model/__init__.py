"""Models: a trained network with its card, in one file that holds no code."""

from restorae.model.card import FORMAT_VERSION, Card, make_card
from restorae.model.files import bundled, find, load, read_card, read_file
from restorae.model.model import Model
from restorae.model.saving import SUFFIX, with_suffix

__all__ = [
    "FORMAT_VERSION",
    "SUFFIX",
    "Card",
    "Model",
    "bundled",
    "find",
    "load",
    "make_card",
    "read_card",
    "read_file",
    "with_suffix",
]
