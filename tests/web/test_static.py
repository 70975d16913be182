"""The page's own files, without a browser."""

import shutil
import subprocess
from pathlib import Path

import pytest

import restorae

STATIC = Path(restorae.__file__).parent / "web" / "static"


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
@pytest.mark.parametrize("module", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_a_module_can_be_parsed(module: Path) -> None:
    """One module that cannot be parsed keeps the whole page from starting."""
    checked = subprocess.run(
        ["node", "--input-type=module", "--check"],
        input=module.read_text(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
