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
from unittest import mock

import pytest
from rich.text import Text
from typer.core import TyperOption

from restorae.cli.deferred import load_command
from restorae.cli.doctor import library_versions
from restorae.cli.main import COMMANDS
from tests.command import run


def unstyle(line: str) -> str:
    return Text.from_ansi(line).plain


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
    assert groups["out"] == groups["overwrite"] == {"Options"}


@pytest.fixture(scope="module")
def help_of() -> dict[str, list[str]]:
    """Lines of each command's help on a terminal of 80 columns."""
    texts = {}
    with mock.patch.dict(os.environ, COLUMNS="80"):
        for name, (target, _) in COMMANDS.items():
            command = load_command(target)
            for inner, each in getattr(command, "commands", {"": command}).items():
                title = f"{name} {inner}".strip()
                context = each.make_context(title, [], resilient_parsing=True)
                texts[title] = each.get_help(context).splitlines()
    return texts


def test_help_fits_80_columns_and_leaves_50_of_them_to_the_descriptions(help_of):
    for command, lines in help_of.items():
        assert max(map(len, lines)) <= 78, command
        options = [line for line in lines if line.startswith("  -")]
        assert options, command
        # beside an option, its description begins at column 26; under a long one, on the next line
        assert all(line[24:26] == "  " or len(line) <= 78 - 26 for line in options), command


@pytest.mark.parametrize("command", ["restore", "train", "degrade", "vae train"])
def test_the_options_used_most_come_first_and_fit_one_screen(help_of, command):
    lines = [unstyle(line) for line in help_of[command]]
    first = lines.index("Options")
    assert lines.index("", first) - first <= 25
    shown = " ".join(lines[first : lines.index("", first)])
    assert "--out" in shown
    assert "--seed" not in shown
    if command == "restore":
        assert all(option in shown for option in ("--model", "--strength", "--mask", "--preview"))


@pytest.mark.parametrize(
    "term",
    [
        "random seed", "learning rate", "early stopping", "augmentation", "denoise", "inpaint", "fine-tune",
        "standard deviation", "pretrained",
    ],
)  # fmt: skip
def test_a_search_in_the_help_finds_the_usual_terms(help_of, term):
    everything = " ".join(" ".join(lines) for lines in help_of.values())
    assert term in " ".join(everything.split()).lower()


@pytest.mark.parametrize("command", ["degrade", "train"])
def test_lists_of_kinds_are_readable_without_latex(command, tmp_path: Path):
    listed = run(command, "--list", cwd=tmp_path).out
    assert len(listed.splitlines()) > 30
    assert not set(listed) & set("\\$^")


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
