"""The command `restorae`: one file per command, imported when it is called."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import typer

from restorae.cli.deferred import Group, deferred
from restorae.cli.wording import COMMAND_LINE
from restorae.errors import Interrupted, RestoraeError

COMMANDS = {
    "demo": ("restorae.cli.demo:demo", "Degrade digits, train a network, restore unseen digits."),
    "degrade": ("restorae.cli.degrade:degrade", "Add noise, blur, scratches and other damage."),
    "train": ("restorae.cli.train:train", "Train a network to restore your images."),
    "restore": ("restorae.cli.restore:restore", "Restore images, stacks, folders and arrays."),
    "film": ("restorae.cli.film:film", "Find the frames of a film that are to be coloured."),
    "evaluate": ("restorae.cli.evaluate:evaluate", "Score models and classical methods."),
    "vae": ("restorae.cli.vae:vae", "Variational auto-encoders and their latent space."),
    "models": ("restorae.cli.models:models", "List, show, calibrate and share models."),
    "export": ("restorae.cli.export:export", "Write a model for other programs, as ONNX."),
    "serve": ("restorae.cli.serve:serve", "Open the web page on this machine."),
    "doctor": ("restorae.cli.doctor:doctor", "Show what restorae finds on this machine."),
}
"""Name of each command: where it is, and its line in `restorae --help`."""

app = typer.Typer(
    name="restorae",
    cls=Group,
    help="Learns from examples what is wrong with your images and repairs the rest.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _not_called() -> None:
    """Stands where a deferred command's function will be."""


def _check_inputs(words: Sequence[str]) -> None:
    """Answer a misspelt name before the command's options are made, which takes pydantic."""
    from restorae.restoring.sources import check_exists

    for word in words:
        check_exists(Path(word))


for name, (target, summary) in COMMANDS.items():
    stands_in = deferred(target, _check_inputs) if name == "restore" else deferred(target)
    app.command(name, cls=stands_in, help=summary)(_not_called)


def _version(wanted: bool) -> None:
    if wanted:
        from restorae.version import VERSION

        print(VERSION)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


def main() -> NoReturn:
    """Run the command line; errors become a message on stderr and an exit status (1 failed, 2 wrong usage)."""
    signal.signal(signal.SIGTERM, _stopped)
    signal.signal(signal.SIGINT, _stopped)  # click would exit without a message
    try:
        app(standalone_mode=True)
    except RestoraeError as error:
        print(f"restorae: {error.render(COMMAND_LINE)}", file=sys.stderr)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        # the reader of our output is gone, so there is nobody to report to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(0)


def _stopped(number: int, frame: FrameType | None) -> None:
    raise Interrupted(
        f"{'interrupted' if number == signal.SIGINT else 'stopped by SIGTERM'}; no partial files are left."
    )
