"""The front door: every public name is there, and asking for help costs nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import restorae
from restorae import errors
from restorae.version import VERSION

HEAVY = {
    "torch",
    "pydantic",
    "matplotlib",
    "numpy",
    "pyvips",
    "skimage",
    "sklearn",
    "torchmetrics",
    "lightning",
    "safetensors",
}


def loaded_after(code: str) -> set[str]:
    """The heavy libraries that a fresh Python has loaded after running `code`."""
    ending = "; import json, sys; sys.stderr.write(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", code + ending],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(json.loads(done.stderr)) & HEAVY


@pytest.mark.parametrize("name", restorae.__all__)
def test_every_public_name_resolves_and_is_listed(name):
    found = getattr(restorae, name)
    assert found is not None
    assert name in dir(restorae)
    if hasattr(found, "__module__"):
        assert found.__module__.startswith("restorae.")
        assert found.__doc__


def test_names_are_listed_once():
    assert len(restorae.__all__) == len(set(restorae.__all__))
    assert dir(restorae) == sorted(restorae.__all__)
    assert set(restorae._HOMES) == set(restorae.__all__) - {"__version__"}


def test_the_names_are_those_of_their_rooms():
    from restorae.model import load
    from restorae.training import Recipe

    assert restorae.load is load
    assert restorae.Recipe is Recipe
    assert restorae.__version__ == VERSION


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'restorae' has no attribute 'lode'"):
        _ = restorae.lode
    with pytest.raises(ImportError):
        from restorae import lode  # noqa: F401


def test_star_import_gives_the_public_names():
    names: dict[str, object] = {}
    exec("from restorae import *", names)
    assert set(names) - {"__builtins__"} == set(restorae.__all__)


def test_importing_restorae_loads_nothing_heavy():
    assert loaded_after("import restorae; dir(restorae); restorae.__version__") == set()


ASK = """
from typer.testing import CliRunner
from restorae.cli.main import app
def ask(*words):
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0 and result.output, (words, result.output)
"""


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_the_first_question_loads_nothing_heavy(option):
    assert loaded_after(f"{ASK}\nask({option!r})") == set()


def test_help_of_every_command_loads_nothing_heavy():
    code = f"""{ASK}
import typer
def commands(group, path=()):
    for name, command in getattr(group, "commands", {{}}).items():
        yield (*path, name)
        yield from commands(command, (*path, name))
asked = list(commands(typer.main.get_command(app)))
assert ("train",) in asked and ("models", "list") in asked, asked
for path in asked:
    ask(*path, "--help")
pass"""
    assert loaded_after(code) <= {
        "pydantic"
    }  # typer itself looks for pydantic when it reads a command's options


def test_the_command_helps_and_tells_its_version():
    told = subprocess.run(
        [sys.executable, "-m", "restorae", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "degrade" in told.stdout
    assert told.stderr == ""
    told = subprocess.run(
        [sys.executable, "-m", "restorae", "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert told.stdout.strip() == VERSION


def test_the_tree_of_errors_is_drawn_as_it_grows():
    drawn = [
        line.split("──")[1].split()[0]
        for line in (errors.__doc__ or "").splitlines()
        if "──" in line
    ]
    grown = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.RestoraeError)
    ]
    assert drawn == grown[1:], (
        "the drawing at the head of errors.py and the classes below it differ"
    )


def test_wrong_usage_ends_with_two_and_everything_else_with_one():
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, errors.RestoraeError):
            assert value.exit_status == (2 if issubclass(value, errors.UsageError) else 1)
