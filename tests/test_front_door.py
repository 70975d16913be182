"""The front door: every public name is there, and asking for help costs nothing."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
import tifffile

import restorae
from restorae import errors
from restorae.cli import main
from restorae.cli.deferred import load_command
from restorae.version import VERSION

HEAVY = {
    "torch",
    "pydantic",
    "matplotlib",
    "numpy",
    "pyvips",
    "scipy",
    "skimage",
    "safetensors",
}
"""Names of modules, not of packages: that each can be imported is tested."""


def loaded_after(code: str) -> set[str]:
    """The heavy libraries that a fresh Python has loaded after running `code`."""
    ending = "; import json, sys; sys.stderr.write(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    return set(json.loads(run_in_new_process(code + ending).stderr)) & HEAVY


def run_in_new_process(code: str) -> subprocess.CompletedProcess[str]:
    """A Python that ran `code` to its end."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


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
    from restorae.model import Model
    from restorae.training import Recipe

    assert restorae.Model is Model
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


def loaded_after_commands(*lines: tuple[str, ...], status: int) -> set[str]:
    """The heavy libraries that one process has loaded after these commands, each of which ends with `status`."""
    return loaded_after(f"""
import contextlib, io, sys
from restorae.cli.main import main
for words in {lines!r}:
    sys.argv = ["restorae", *words]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            main()
        except SystemExit as left:
            assert left.code == {status}, (words, left.code)
pass""")


def test_every_heavy_library_is_a_module_that_exists():
    assert {name for name in HEAVY if importlib.util.find_spec(name) is None} == set()


COMMANDS = [
    (name, *inner)
    for name, (target, _) in main.COMMANDS.items()
    for inner in [(), *((each,) for each in getattr(load_command(target), "commands", ()))]
]


def test_the_commands_are_found_that_have_commands_of_their_own():
    assert {("train",), ("models", "list"), ("vae", "train")} <= set(COMMANDS)


def test_help_and_version_load_nothing_heavy():
    assert loaded_after_commands(("--version",), ("--help",), status=0) == set()


def test_help_of_every_command_loads_nothing_heavy():
    helps = [(*command, "--help") for command in COMMANDS]
    assert loaded_after_commands(*helps, status=0) == set()


def test_a_misspelt_option_or_command_loads_nothing_heavy():
    misspelt = [("--hlp",), ("rstore",), ("restore", "--modle", "x"), ("vae", "train", "--hlp")]
    assert loaded_after_commands(*misspelt, status=2) == set()


@pytest.mark.parametrize("more", [(), ("--model", "photo-denoiser")])
def test_a_missing_file_is_answered_before_anything_heavy(more):
    command = ("restore", "absent.png", "--out", "x", *more)
    assert loaded_after_commands(command, status=1) == set()


@pytest.mark.parametrize("name", ["a.png", "a.mp4"])
def test_settings_that_exclude_each_other_are_refused_before_torch(tmp_path, name):
    (tmp_path / name).write_bytes(b"not looked at")
    words = ("restore", str(tmp_path / name), "--out", "x", "--samples", "4", "--strength", "0.5")
    assert "torch" not in loaded_after_commands(words, status=2)


def test_a_model_is_loaded_without_what_only_files_and_figures_need():
    loaded = loaded_after("import restorae; restorae.load('digits-denoiser')")
    assert loaded == {"torch", "numpy", "pydantic", "safetensors"}


# Everything of a process that a library may not touch: the allocator, loggers, libvips' cache, threads.
HOST = """
import ctypes, logging, pathlib
import numpy, pyvips, torch
asked = []
class Libc:
    def __getattr__(self, name):
        return lambda *given: asked.append(name)
ctypes.CDLL = lambda name: Libc()
def state():
    return (
        torch.get_num_threads(), torch.get_num_interop_threads(), torch.get_float32_matmul_precision(),
        logging.getLogger("tifffile").level, logging.getLogger().level, tuple(logging.getLogger().handlers),
        pyvips.cache_get_max(), pyvips.cache_get_max_mem(),
    )
before = state()
"""


def test_the_library_leaves_the_host_process_alone(tmp_path):
    tifffile.imwrite(tmp_path / "image.tif", np.zeros((20, 24), np.uint8))
    run_in_new_process(f"""{HOST}
import restorae
from restorae.formats import open_original
model = restorae.load("digits-denoiser")
model.restore(numpy.zeros((28, 28), numpy.uint8))
open_original(pathlib.Path({str(tmp_path / "image.tif")!r}))
recipe = restorae.Recipe(degradation="gaussian-noise", network="dense", steps=2)
try:
    restorae.train(recipe, clean=numpy.random.default_rng(0).random((64, 8, 8), numpy.float32))
except restorae.RestoraeError as error:
    assert "collapsed" in str(error)  # two steps are too few for a model
assert state() == before, (state(), before)
assert not asked, asked""")


def test_the_command_line_prepares_its_process():
    run_in_new_process(f"""{HOST}
from restorae.cli.console import terminal_progress
terminal_progress()
assert "mallopt" in asked, asked
assert logging.getLogger("tifffile").level == logging.CRITICAL""")


def test_the_command_helps_and_reports_its_version():
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
