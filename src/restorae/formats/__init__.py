"""Reading and writing: pictures with all that belongs to them, stills to learn from, arrays, idx, small animations."""

from restorae.formats.animations import write_gif
from restorae.formats.arrays import read_array, write_array
from restorae.formats.finding import picture_files
from restorae.formats.idx import read_idx
from restorae.formats.kinds import ARRAY_KINDS, SUFFIX_OF, SUFFIXES, WRITTEN, kind_named, kind_of
from restorae.formats.original import ArrayRows, Original, Page, Rows, skip_rows
from restorae.formats.originals import MOST_PIXELS, open_original
from restorae.formats.plain import begin_plain, plain_suffix
from restorae.formats.results import begin_result
from restorae.formats.stills import Outline, read_outline, read_still, write_still
from restorae.formats.writer import MemoryWriter, Writer

Result = Writer
"""Former name of `Writer`."""

__all__ = [
    "ARRAY_KINDS",
    "MOST_PIXELS",
    "SUFFIXES",
    "SUFFIX_OF",
    "WRITTEN",
    "ArrayRows",
    "MemoryWriter",
    "Original",
    "Outline",
    "Page",
    "Result",
    "Rows",
    "Writer",
    "begin_plain",
    "begin_result",
    "kind_named",
    "kind_of",
    "open_original",
    "picture_files",
    "plain_suffix",
    "read_array",
    "read_idx",
    "read_outline",
    "read_still",
    "skip_rows",
    "write_array",
    "write_gif",
    "write_still",
]
