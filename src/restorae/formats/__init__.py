"""Reading and writing files: images with everything that belongs to them, stills to learn from, arrays, idx, GIF."""

from restorae.formats.animations import write_gif
from restorae.formats.array_files import ArrayOriginal
from restorae.formats.arrays import read_array, write_array
from restorae.formats.finding import (
    FoundImages,
    find_images,
    image_files,
    kinds_counted,
    titles_of_images,
)
from restorae.formats.format import Capabilities, Format
from restorae.formats.idx import read_idx
from restorae.formats.in_colour import in_colour
from restorae.formats.libraries import quiet_libraries
from restorae.formats.opening import MOST_PIXELS, open_original
from restorae.formats.original import ArrayRows, Original, Page, Rows, skip_rows
from restorae.formats.plain import begin_plain, plain_suffix
from restorae.formats.registry import (
    ARRAY_KINDS,
    ARRAY_SUFFIXES,
    FORMATS,
    SUFFIX_OF,
    SUFFIXES,
    WRITTEN,
    format_named,
    format_of,
    identify,
    kind_named,
    kind_of,
)
from restorae.formats.results import begin_result
from restorae.formats.stills import (
    Outline,
    outlines_of,
    read_alpha,
    read_image,
    read_outline,
    read_still,
    write_still,
)
from restorae.formats.writer import MemoryWriter, Writer

__all__ = [
    "ARRAY_KINDS",
    "ARRAY_SUFFIXES",
    "FORMATS",
    "MOST_PIXELS",
    "SUFFIXES",
    "SUFFIX_OF",
    "WRITTEN",
    "ArrayOriginal",
    "ArrayRows",
    "Capabilities",
    "Format",
    "FoundImages",
    "MemoryWriter",
    "Original",
    "Outline",
    "Page",
    "Rows",
    "Writer",
    "begin_plain",
    "begin_result",
    "find_images",
    "format_named",
    "format_of",
    "identify",
    "image_files",
    "in_colour",
    "kind_named",
    "kind_of",
    "kinds_counted",
    "open_original",
    "outlines_of",
    "plain_suffix",
    "quiet_libraries",
    "read_alpha",
    "read_array",
    "read_idx",
    "read_image",
    "read_outline",
    "read_still",
    "skip_rows",
    "titles_of_images",
    "write_array",
    "write_gif",
    "write_still",
]
