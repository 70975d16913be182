"""Pictures to learn from and to measure on: by name or path, as pairs, as training examples."""

from restorae.data.examples import Examples, hold_out
from restorae.data.named import NAMES, Labelled, Split, load_named
from restorae.data.opening import is_named, open_labelled, open_pictures, read_labels
from restorae.data.pairs import Pairs, match
from restorae.data.pictures import ArrayPictures, GreyPictures, ListedPictures, Pictures

__all__ = [
    "NAMES",
    "ArrayPictures",
    "Examples",
    "GreyPictures",
    "Labelled",
    "ListedPictures",
    "Pairs",
    "Pictures",
    "Split",
    "hold_out",
    "is_named",
    "load_named",
    "match",
    "open_labelled",
    "open_pictures",
    "read_labels",
]
