"""Source files: 300 lines at most, so that each can be read in one sitting and holds one idea."""

from pathlib import Path

import restorae

SOURCES = Path(restorae.__file__).parent
MOST = 300


def lengths(folder: Path) -> dict[str, int]:
    """Lines of each Python file below a folder."""
    return {
        str(path.relative_to(folder)): len(path.read_text(encoding="utf-8").splitlines())
        for path in folder.rglob("*.py")
    }


def test_no_source_file_is_longer_than_300_lines():
    found = lengths(SOURCES)
    assert "cli/train.py" in found  # folders are searched too
    assert {name: lines for name, lines in found.items() if lines > MOST} == {}
