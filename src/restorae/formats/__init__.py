"""Reading and writing: stills, arrays, idx, small animations."""

from restorae.formats.animations import write_gif
from restorae.formats.arrays import read_array, write_array
from restorae.formats.finding import picture_files
from restorae.formats.idx import read_idx
from restorae.formats.stills import SUFFIXES, Outline, read_outline, read_still, write_still

__all__ = [
    "SUFFIXES",
    "Outline",
    "picture_files",
    "read_array",
    "read_idx",
    "read_outline",
    "read_still",
    "write_array",
    "write_gif",
    "write_still",
]
