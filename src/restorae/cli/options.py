"""Options that several commands share, and how their values become ours."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restorae.errors import Fix, InputError, Message, UsageError

if TYPE_CHECKING:
    from restorae.restoring import Restorer

Seed = Annotated[int, typer.Option(min=0, help="Random seed: the same seed gives the same result.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, alone on stdout.")]
Device = Annotated[str, typer.Option(help="Device to compute on: auto, cpu, cuda, cuda:1, …")]
DataDir = Annotated[
    Path | None,
    typer.Option(envvar="RESTORAE_DATA", help="Folder with named data sets, such as mnist."),
]
With = Annotated[
    str | None,
    typer.Option(
        "--with",
        metavar="SPEC",
        help='Synthetic damage, such as "gaussian-noise(sigma=0.1)" or "blur | jpeg"; all kinds: restorae degrade --list.',
    ),
]
ModelName = Annotated[
    str,
    typer.Option(
        help="A model file, a bundled model's name (restorae models list), or a classical method such as classical:nlm."
    ),
]
SelfEnsemble = Annotated[
    int,
    typer.Option(
        help="Test-time augmentation: average over 2, 4 or 8 rotations and flips. Slightly better, that many times slower.",
        rich_help_panel="Restoring",
    ),
]
Import = Annotated[
    list[Path] | None,
    typer.Option(
        "--import",
        metavar="FILE.py",
        help="Python file to import first: registers your own networks, losses and degradations.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")]
SkipExisting = Annotated[
    bool,
    typer.Option("--skip-existing", help="Skip files whose result exists."),
]


def ready_for(
    target: Path, suffixes: tuple[str, ...], overwrite: bool, setting: str = "out"
) -> None:
    """Check before long work that its result can be written to `target`, which `setting` names.

    Raises:
        UsageError: the file exists already, is a folder, or has another suffix.
        OutputError: its folder cannot be written to.
    """
    from restorae.files import require_absent, require_writable

    other = Fix(setting, action="change")
    if target.suffix.lower() not in suffixes:
        raise UsageError(
            f"expected a name that ends in {' or '.join(suffixes)}", subject=target, fix=other
        )
    if target.is_dir():
        raise UsageError("is a folder", subject=target, fix=other)
    require_absent(target, overwrite, setting=setting)
    require_writable(target.parent)


def import_file(path: Path) -> Any:
    """Run a Python file that the person named, and return its module (once per run).

    Raises:
        InputError: it is not there or fails; the message says where.
    """
    name = path.stem
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path.resolve()):
        return known
    if known is not None:
        raise UsageError(f"{path}: a module {name!r} is loaded already. Rename the file.")
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if not path.is_file() or spec is None or spec.loader is None:
        raise InputError(f"{path} cannot be imported: expected a Python file (.py).")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise InputError(
            f"{path} failed while it was imported: {type(error).__name__}: {error}"
        ) from error
    return module


def import_files(paths: list[Path] | None) -> None:
    """Run each named file."""
    for path in paths or []:
        import_file(path)


def network_from(text: str) -> Any:
    """The network that `unet(patch=2)` or `mine.py:Mine` says.

    Raises:
        UsageError: the file has no such class, or it is not a network.
    """
    from restorae.networks import Network

    file, colon, rest = text.partition(".py:")
    if not colon:
        return Network.of(text)
    module = import_file(Path(f"{file}.py"))
    name, bracket, settings = rest.partition("(")
    found = getattr(module, name, None)
    if not (isinstance(found, type) and issubclass(found, Network)):
        raise UsageError(
            f"{file}.py has no network {name!r}. Expected a subclass of restorae.Network with a `build` method that returns your "
            "torch.nn.Module (CONTRIBUTING.md walks through one)."
        )
    return Network.of(f"{found.kind}{bracket}{settings}")


def warn_of_self_ensemble(restorer: Restorer, count: int) -> None:
    """Warn where averaging over rotations and flips is not expected to help."""
    from restorae.cli.console import terminal_progress

    if count > 1 and not restorer.capabilities.learned_flips:
        terminal_progress().warn(
            Message(
                f"{restorer.name} was not trained on rotated and flipped images, so a self-ensemble may make the result worse. "
                "Compare both",
                fixes=(Fix("self_ensemble", action="omit"),),
            )
        )
