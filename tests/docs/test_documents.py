"""Every document says what is true: its code runs, what it shows is what is printed, its links lead somewhere.

The documents run a hundred commands, which takes time in three ways. Starting: the commands are forks of one process that has
imported torch (`tests/preloaded.py`). Training: the documents train for a few steps on small images and say so; nothing is
shortened behind the reader's back. Repeating: what one document executes, another may only show (`tests/docs/execute.py`).
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.execute import Untrue, blocks, execute
from tests.preloaded import preloaded

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
LONG = {
    "README.md",
    "CONTRIBUTING.md",
    "command-line.md",
    "export.md",
    "images.md",
    "learning.md",
    "python.md",
    "training-from-python.md",
    "why-it-collapses.md",
    "web.md",
}
"""Documents that train networks or run many commands: tested with what is slow."""


def named(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def executable(document: Path) -> bool:
    return any(
        block.language in ("python", "pycon", "bash")
        for block in blocks(document.read_text(encoding="utf-8"))
    )


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment in which documents are executed, and commands start quickly."""
    folder = tmp_path_factory.mktemp("commands")
    environment = {name: value for name, value in os.environ.items() if name != "RESTORAE_DATA"}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONWARNINGS": "error",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(folder / "matplotlib"),
        "XDG_CACHE_HOME": str(folder / "no-cache"),
        "COLUMNS": "120",
    }
    with preloaded(folder, environment) as with_stand_ins:
        yield with_stand_ins


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(
            document, id=named(document), marks=pytest.mark.slow if document.name in LONG else ()
        )
        for document in DOCUMENTS
        if executable(document)
    ],
)
def test_the_code_runs_and_prints_what_is_shown(
    document: Path, tmp_path: Path, commands: dict[str, str]
) -> None:
    """In a process of its own, so that classes which a document defines are not met by other tests."""
    done = subprocess.run(
        ["execute-document", document],
        cwd=tmp_path,
        env=commands,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize(("command", "true"), [("ls demo", True), ("ls demoes", False)])
def test_what_is_said_to_be_executed_elsewhere_stands_there(
    command: str, true: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # `execute` sets its own
    document = tmp_path / "page.md"
    document.write_text(
        f"<!-- executed in docs/command-line.md -->\n```bash\n{command}\n```\n", encoding="utf-8"
    )
    with contextlib.nullcontext() if true else pytest.raises(Untrue, match=command):
        execute(document)


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_and_images_are_there(document: Path) -> None:
    prose = re.sub(
        r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    targets = re.findall(r"\]\(([^)\s]+)\)", prose) + re.findall(r'(?:src|href)="([^"]+)"', prose)
    local = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:", target)]
    lost = [target for target in local if target and not (document.parent / target).exists()]
    assert not lost, f"{named(document)} points to what is not there: {', '.join(lost)}"


@pytest.mark.parametrize("script", ["make_provenance.py", "make_formats.py"])
def test_generated_tables_are_up_to_date(script: str) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / script, "--check"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_figures_are_the_ones_that_the_script_draws(tmp_path: Path) -> None:
    script = ROOT / "docs" / "make_figures.py"
    done = subprocess.run(
        [sys.executable, script, "--out", tmp_path, "--epochs", "1"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    drawn = {path.name for path in tmp_path.glob("*.png")}
    assert drawn <= {path.name for path in (ROOT / "docs" / "figures").glob("*.png")}
    pages = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    assert all(f"figures/{name}" in pages for name in drawn)


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    site = tmp_path / "site"
    pages = "".join(
        page.read_text(encoding="utf-8")
        for page in site.rglob("*.html")
        if not page.is_relative_to(site / "examples")  # to be copied; it fetches ONNX Runtime
    )
    fetched = set(
        re.findall(
            r'<(?:script|img)[^>]+src="(https?://[^"]+)"|<link[^>]+rel="stylesheet"[^>]+href="(https?://[^"]+)"',
            pages,
        )
    )
    assert not fetched, f"the pages fetch {fetched} from elsewhere"
