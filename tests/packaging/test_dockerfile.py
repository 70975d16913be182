"""The Dockerfile: without a daemon it cannot be built here, but what it names must be there."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from restorae.cli.deferred import load_command
from restorae.cli.main import COMMANDS
from restorae.web.guard import OPEN_FILES

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def instructions(text: str) -> list[tuple[str, str]]:
    """Each instruction with its words, comments left out and continued lines joined."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = [line.partition(" ") for line in joined.splitlines() if line.strip()]
    return [(name, words.strip()) for name, _, words in found]


DOCKERFILE = instructions((ROOT / "Dockerfile").read_text("utf-8"))


def words_of(name: str) -> list[str]:
    return [words for each, words in DOCKERFILE if each == name]


def reads(command: list[str]) -> None:
    """Let a command read its options, without doing anything."""
    name, *words = command
    load_command(COMMANDS[name][0]).make_context(name, words)


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    sent = [line[1:] for line in ignored if line.startswith("!")]
    sources = [
        source
        for words in words_of("COPY")
        if not words.startswith("--from")
        for source in words.split()[:-1]
    ]
    assert {"src", "pyproject.toml", "constraints.txt"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(fnmatch.fnmatch(source, pattern) for pattern in sent), source
    licences = [each for each in PROJECT["license-files"] if not each.startswith("src/")]
    assert {*licences, PROJECT["readme"]} <= set(sources)


def test_the_page_is_what_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (entry,), (command,) = map(json.loads, words_of("ENTRYPOINT")), map(json.loads, words_of("CMD"))
    assert entry[0] in PROJECT["scripts"]
    reads(command)
    with pytest.raises(Exception, match="No such option"):
        reads([*command, "--hosts"])
    assert words_of("EXPOSE") == [command[command.index("--port") + 1]]
    volumes = json.loads(words_of("VOLUME")[0])
    assert command[command.index("--models") + 1] in volumes
    assert "/data" in volumes


def test_it_does_not_run_as_root_and_is_watched() -> None:
    user = words_of("USER")[-1]
    assert user not in ("root", "0")
    assert any(re.search(rf"useradd .*\b{user}\b", words) for words in words_of("RUN"))
    path = re.search(r"http://127\.0\.0\.1:8765(/[^']+)'", words_of("HEALTHCHECK")[0])
    assert path is not None
    assert path[1] in OPEN_FILES
    compile(json.loads(words_of("HEALTHCHECK")[0].partition("CMD ")[2])[2], "check", "exec")


def test_the_extras_are_those_of_the_package() -> None:
    (extras,) = (re.search(r"\.whl\)\[([^\]]+)\]", words) for words in words_of("RUN")[-1:])
    assert extras is not None
    assert set(extras[1].split(",")) <= set(PROJECT["optional-dependencies"])


def test_the_documented_commands_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    shown = (ROOT / "docs/docker.md").read_text("utf-8")
    runs = [shlex.split(line) for line in shown.splitlines() if line.startswith("docker run")]
    pages = [words for words in runs if words[-1] == "restorae"]
    commands = [words[words.index("restorae") + 1 :] for words in runs if words not in pages]
    assert len(commands) == 2
    for command in commands:
        reads(command)
    for words in pages:  # never all addresses of the host
        assert words[words.index("--publish") + 1].startswith("127.0.0.1:")
