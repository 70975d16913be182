"""Pictures to learn from and to measure on: by name or path, as pairs, as training examples."""

from restorae.data.correlation import Correlation, noise_correlation
from restorae.data.examples import Examples
from restorae.data.hold_out import content_hash, hold_out, hold_out_position
from restorae.data.named import NAMES, Labelled, Split, load_named
from restorae.data.noisy import PlanePictures, open_noisy
from restorae.data.opening import is_named, open_labelled, open_pictures, read_labels
from restorae.data.pairs import Pairs, match
from restorae.data.pictures import (
    ArrayPictures,
    ListedPictures,
    Pictures,
    content_hashes,
)
from restorae.data.ranges import in_their_ranges
from restorae.data.registration import Registration, registration
from restorae.data.swapped import seem_swapped
from restorae.data.views import GreyPictures

__all__ = [
    "NAMES",
    "ArrayPictures",
    "Correlation",
    "Examples",
    "GreyPictures",
    "Labelled",
    "ListedPictures",
    "Pairs",
    "Pictures",
    "PlanePictures",
    "Registration",
    "Split",
    "content_hash",
    "content_hashes",
    "hold_out",
    "hold_out_position",
    "in_their_ranges",
    "is_named",
    "load_named",
    "match",
    "noise_correlation",
    "open_labelled",
    "open_noisy",
    "open_pictures",
    "read_labels",
    "registration",
    "seem_swapped",
]
