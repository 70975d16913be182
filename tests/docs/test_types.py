"""The documented forms type-check for a user: strict where it counts, without pydantic's plugin."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.execute import blocks

ROOT = Path(__file__).parents[2]
SECTIONS = ("Restore",)
"""Sections of the page on Python whose code is checked."""
RESULTS = """
from pathlib import Path
from typing import assert_type

import numpy as np
import restorae
import torch

loaded = restorae.load("digits-vae", device="cpu")
assert_type(loaded, restorae.Model)
assert_type(restorae.load("classical:nlm"), restorae.ClassicalModel)
assert_type(restorae.restore("a.jpg", "b.png"), Path)
assert_type(restorae.restore(Path("a.jpg"), model=loaded, strength=0.5), Path)
tensor, array = torch.zeros(1, 1, 8, 8), np.zeros((8, 8), np.uint8)
assert_type(loaded(tensor), torch.Tensor)
assert_type(loaded.restore([tensor, tensor], mask=array), list[torch.Tensor])
assert_type(restorae.restore(tensor), torch.Tensor)
assert_type(loaded.history["loss"], list[float | None])
assert_type(loaded.device, torch.device)
restorae.evaluate(loaded, restorae.TestSet(array[None], degradation="gaussian-noise(sigma=0.1)"))
restorae.evaluate(restorae.load("classical:nlm"), restorae.TestSet(array[None], degraded=array[None]))
"""


def documented() -> str:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    sections = [part for part in text.split("\n## ") if part.split("\n")[0] in SECTIONS]
    assert len(sections) == len(SECTIONS)
    code = [block.code for part in sections for block in blocks(part) if block.language == "python"]
    return "import restorae\n" + "\n".join(code)


def checked(code: str, folder: Path, command: list[str]) -> str:
    """What a type checker says of `code`; empty where it is satisfied."""
    path = folder / "forms.py"
    path.write_text(code, encoding="utf-8")
    done = subprocess.run([*command, path], cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.slow
def test_the_documented_forms_type_check(tmp_path):
    mypy = [sys.executable, "-m", "mypy", "--config-file=", "--ignore-missing-imports",
            f"--cache-dir={ROOT / '.mypy_cache' / 'user'}"]  # fmt: skip
    assert checked(documented() + RESULTS, tmp_path, mypy) == ""
    assert "incompatible type" in checked(RESULTS + "\nloaded.to(3)\n", tmp_path, mypy)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pyright") is None, reason="pyright is not installed")
def test_the_documented_forms_satisfy_pyright(tmp_path):
    assert checked(documented() + RESULTS, tmp_path, ["pyright"]) == ""
