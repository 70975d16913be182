"""The wheel: built, installed into an empty environment, and used from there, not from the sources."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import restorae
from restorae.model.files import bundled

ROOT = Path(__file__).parents[2]
PACKAGE = Path(restorae.__file__).parent
MOST_BYTES = 16_000_000
"""What a wheel may weigh; nearly all of it are the weights of the bundled models."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, which sees the libraries of this one but not its restorae."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin/python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*command, "--no-deps", "--no-index", str(wheel)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    # Python does not follow .pth files of folders that a .pth file names, so an editable restorae is not seen
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


@pytest.mark.slow
def test_it_holds_what_is_used_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    in_package = {name.removeprefix("restorae/") for name in names if name.startswith("restorae/")}
    sources = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert in_package == sources
    assert {"py.typed", "web/static/index.html", "data/digits.npz", "napari/napari.yaml"} <= sources
    assert {f"bundled/{name}.safetensors" for name in bundled()} <= sources
    others = {name.partition("/")[2] for name in names} - sources
    assert others == {
        "METADATA",
        "WHEEL",
        "RECORD",
        "entry_points.txt",
        "licenses/LICENSE",
        "licenses/src/restorae/data/digits.LICENSE.txt",
    }
    assert wheel.stat().st_size < MOST_BYTES


@pytest.mark.slow
def test_it_works_from_an_empty_environment(environment: Path, tmp_path: Path) -> None:
    """Trains and restores, with nothing of the sources in reach."""
    without = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    settings = {**without, "PYTHONSAFEPATH": "1", "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def run(*words: str) -> str:
        done = subprocess.run(
            [environment / "bin" / words[0], *words[1:]],
            cwd=tmp_path,
            env=settings,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    home = run("python", "-c", "import restorae; print(restorae.__file__)")
    assert Path(home.strip()).is_relative_to(environment)
    run("restorae", "demo", "--data", "digits", "--epochs", "0.1", "--out", "demo")
    assert (tmp_path / "demo/digits.png").exists()
    page = "from skimage import data, io; io.imsave('page.png', data.page())"
    run("python", "-c", page)
    run("restorae", "restore", "page.png", "--out", "clean.png", "--model", "page-cleaner")
    assert (tmp_path / "clean.png").exists()
