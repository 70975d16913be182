"""Write docs/formats.md: which files are read and written, and what is kept, from the formats themselves.

`--check` writes nothing and exits with status 1 if the page is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from restorae.formats.table import COLUMNS, format_rows

PAGE = Path(__file__).with_name("formats.md")
HEAD = """<!-- written by docs/make_formats.py, do not edit -->
# Formats

Which files are read and written, and what is carried over from an original of the same format. A file's content decides which
format it is of, never its name. `restorae doctor --formats` shows this table with the decoders that are installed.

- A result is looked through after it is written, and what it lacks of what its original holds is told and logged.
- In a folder, files that are not read, and those that are read but not written in their own format, are counted in one line, also
  in the log.
- The extra `heic` brings a decoder for HEIC, the extra `codecs` brings decoders for JPEG XL, deep JPEG 2000, and rare TIFFs.

"""


def page() -> str:
    """The page."""
    columns = COLUMNS[:-1]
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    for row in format_rows():
        lines.append(f"| {' | '.join(cell or '–' for cell in row.cells(here=False))} |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
            sys.exit(f"{PAGE.name} is out of date: run python docs/make_formats.py")
    else:
        PAGE.write_text(page(), encoding="utf-8")
