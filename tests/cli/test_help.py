"""Help texts: closed choices and groups are shown, and shell completion offers them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import pytest
from typer.core import TyperOption

from restorae.cli.deferred import load_command
from restorae.cli.doctor import library_versions
from restorae.cli.main import COMMANDS
from tests.command import run

COMPLETE = "import sys; sys.argv = ['restorae']; from restorae.cli.main import main; main()"


def options() -> dict[str, list[TyperOption]]:
    """All options by command; those of `vae` and `models` by their subcommands."""
    found = {}
    for name, (target, _) in COMMANDS.items():
        command = load_command(target)
        for inner, each in getattr(command, "commands", {"": command}).items():
            found[f"{name} {inner}".strip()] = [
                param for param in each.params if isinstance(param, TyperOption)
            ]
    return found


def test_shared_options_are_in_the_same_group_in_every_command():
    groups: dict[str, set[str | None]] = {}
    for command, listed in options().items():
        for option in listed:
            if option.name in ("device", "precision", "seed", "out", "overwrite", "data_dir"):
                groups.setdefault(option.name, set()).add(option.rich_help_panel)
                assert option.rich_help_panel, f"{command}: {option.name} has no group"
    assert groups["device"] == groups["precision"] == {"Computing"}
    assert groups["out"] == groups["overwrite"] == {"Output"}


@pytest.mark.parametrize(
    "command",
    ["evaluate", "demo", "models calibrate", "vae manifold", "vae evaluate", "vae encode"],
)
def test_a_command_that_computes_takes_a_precision_and_shows_its_choices(command):
    (precision,) = (option for option in options()[command] if option.name == "precision")
    assert get_args(precision.type_descriptor.annotation) == ("auto", "float32", "bfloat16")


def test_a_wrong_choice_is_answered_with_the_right_ones(tmp_path: Path):
    done = run("evaluate", "--model", "m", "--clean", "digits", "--split", "tset", cwd=tmp_path)
    assert done.status == 2
    assert "'tset' is not one of 'train', 'test', 'all'" in " ".join(
        done.complaint.replace("│", " ").split()
    )


def test_the_shell_completes_commands_and_choices():
    def completed(words: str, index: int) -> list[str]:
        environment = {
            **os.environ,
            "_RESTORAE_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(index),
        }
        done = subprocess.run(
            [sys.executable, "-c", COMPLETE],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split()

    assert completed("restorae ev", 1) == ["evaluate"]
    assert completed("restorae evaluate --split t", 3) == ["train", "test"]


def test_doctor_lists_the_declared_dependencies_with_their_versions(tmp_path: Path):
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *(f"{each}; extra == 'web'" for each in extras["web"])]
    names = {re.split(r"[^\w.-]", each)[0] for each in declared}
    found = library_versions(
        [*declared, "pytest>=8; extra == 'dev'", "no-such-library; extra == 'web'"]
    )
    assert found.pop("no-such-library") == "not installed (extra web)"
    assert set(found) == names
    assert found == {name: version(name) for name in names}

    shown = json.loads(run("doctor", "--json", cwd=tmp_path).out)
    assert {name: shown[name] for name in library_versions()} == library_versions()
