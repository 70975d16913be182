"""Runs the code in a document, so that what it says is true: `python tests/docs/execute.py docs/python.md`.

Blocks run in the order in which they stand, in the current folder:

- ```python in one namespace for the whole document;
- ```pycon in the same namespace, as a doctest: what is printed must be what is shown (`...` stands for anything);
- ```bash with `bash -euo pipefail`;
- ```output right after a ```bash block must be what that block wrote on stdout (`...` stands for anything).

Other fences (```sh, ```toml, ```text, …) are only shown. So is a ```bash block after the comment `<!-- executed in DOCUMENT -->`,
whose lines must all stand in executed blocks of that document (a path from the root of the repository): long work that two
documents show is done once.
"""

from __future__ import annotations

import doctest
import linecache
import os
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(
    r"^```(?P<language>\w+)[^\n]*\n(?P<code>.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE
)
EXECUTED_ELSEWHERE = re.compile(r"<!-- executed in (?P<document>\S+) -->\s*\Z")
ROOT = Path(__file__).parents[2]
COMPARISON = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Untrue(Exception):
    """A document shows something else than what happens."""


@dataclass(frozen=True)
class Block:
    """One fenced block and the line on which its code begins."""

    language: str
    code: str
    line: int
    follows_directly: bool
    """Whether only blank lines stand between it and the block before."""
    executed_in: str | None
    """Document that is executed in its place."""


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a document, in order."""
    end = 0
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start("code")) + 1
        between = text[end : found.start()]
        elsewhere = EXECUTED_ELSEWHERE.search(between)
        yield Block(
            found["language"],
            found["code"],
            line,
            follows_directly=not between.strip(),
            executed_in=elsewhere["document"] if elsewhere else None,
        )
        end = found.end()


def execute(document: Path) -> int:
    """Run every executable block and return how many there were.

    Raises:
        Exception: whatever a block raises; the traceback names the document's own lines.
        Untrue: a block printed something else than the document shows.
    """
    text = document.read_text(encoding="utf-8")
    if len(re.findall(r"^```", text, re.MULTILINE)) % 2:
        raise Untrue(f"{document}: a fence is opened and not closed.")
    found = list(blocks(text))
    # the reader's __main__: classes that are defined here know where they live, as in a notebook
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    _remember_source(document, text, found)
    printed = ""
    for block in found:
        match block.language:
            case "python":
                code = compile("\n" * (block.line - 1) + block.code, str(document), "exec")
                exec(code, main.__dict__)
            case "pycon":
                _check_session(document, block, main.__dict__)
            case "bash" if block.executed_in:
                _check_executed(document, block, block.executed_in)
            case "bash":
                printed = _run_shell(document, block)
            case "output" if block.follows_directly:
                _check_output(document, block, printed)
    return sum(block.language in ("python", "pycon", "bash") for block in found)


def _remember_source(document: Path, text: str, found: list[Block]) -> None:
    """Let tracebacks, and pydantic's search for docstrings under fields, find the source: code on its lines, prose blank."""
    lines = [""] * (text.count("\n") + 1)
    for block in found:
        if block.language == "python":
            code = block.code.splitlines()
            lines[block.line - 1 : block.line - 1 + len(code)] = code
    linecache.cache[str(document)] = (
        len(text),
        None,
        [f"{line}\n" for line in lines],
        str(document),
    )


def _check_session(document: Path, block: Block, namespace: dict[str, object]) -> None:
    session = doctest.DocTestParser().get_doctest(
        block.code, namespace, document.name, str(document), block.line - 1
    )
    told: list[str] = []
    doctest.DocTestRunner(optionflags=COMPARISON).run(session, out=told.append, clear_globs=False)
    namespace.update(session.globs)
    if told:
        raise Untrue("".join(told))


def _check_executed(document: Path, block: Block, elsewhere: str) -> None:
    executed = {
        line
        for other in blocks((ROOT / elsewhere).read_text(encoding="utf-8"))
        if other.language == "bash" and not other.executed_in
        for line in other.code.splitlines()
    }
    if missing := [line for line in block.code.splitlines() if line not in executed]:
        told = "\n".join(missing)
        raise Untrue(f"{document}, line {block.line}: {elsewhere} does not execute\n{told}")


def _run_shell(document: Path, block: Block) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.code],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Untrue(
            f"{document}, line {block.line}: the commands ended with status {done.returncode}.\n{block.code}{done.stdout}"
        )
    return done.stdout


def _check_output(document: Path, block: Block, printed: str) -> None:
    if not doctest.OutputChecker().check_output(block.code, printed, COMPARISON):
        raise Untrue(
            f"{document}, line {block.line}: shown is\n{block.code}\nbut printed was\n{printed}"
        )


def main() -> None:
    """Execute the documents named on the command line."""
    here = str(Path(sys.executable).parent)
    if here not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = f"{here}{os.pathsep}{os.environ['PATH']}"
    for name in sys.argv[1:]:
        count = execute(Path(name))
        print(f"{name}: {count} blocks executed", file=sys.stderr)


if __name__ == "__main__":
    main()
