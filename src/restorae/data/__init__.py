"""Images to learn from and to measure on: by name or path, as pairs, as training examples."""

from restorae.data.clip_examples import ClipBatch, ClipExamples
from restorae.data.correlation import Correlation, noise_correlation
from restorae.data.examples import Examples
from restorae.data.footage import Footage, Material, open_material
from restorae.data.hold_out import content_hash, hold_out, hold_out_position
from restorae.data.image_set import (
    ArrayImages,
    ImageSet,
    ListedImages,
    content_hashes,
)
from restorae.data.named import NAMES, Labelled, Split, load_data, load_named
from restorae.data.noisy import open_noisy
from restorae.data.opening import is_named, open_images, open_labelled, read_labels
from restorae.data.pairs import Pairs, match
from restorae.data.ranges import in_their_ranges
from restorae.data.registration import Registration, registration
from restorae.data.share import WHOLE, Share
from restorae.data.swapped import seem_swapped
from restorae.data.views import GreyImages

__all__ = [
    "NAMES",
    "WHOLE",
    "ArrayImages",
    "ClipBatch",
    "ClipExamples",
    "Correlation",
    "Examples",
    "Footage",
    "GreyImages",
    "ImageSet",
    "Labelled",
    "ListedImages",
    "Material",
    "Pairs",
    "Registration",
    "Share",
    "Split",
    "content_hash",
    "content_hashes",
    "hold_out",
    "hold_out_position",
    "in_their_ranges",
    "is_named",
    "load_data",
    "load_named",
    "match",
    "noise_correlation",
    "open_images",
    "open_labelled",
    "open_material",
    "open_noisy",
    "read_labels",
    "registration",
    "seem_swapped",
]
