"""The command `restorae`: one file per command, each importing what it needs when it runs."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import typer

from restorae.cli.degrade import degrade
from restorae.cli.demo import demo
from restorae.cli.doctor import doctor
from restorae.cli.evaluate import evaluate
from restorae.cli.groups import GroupedCommand
from restorae.cli.models import models
from restorae.cli.restore import restore
from restorae.cli.serve import serve
from restorae.cli.train import train
from restorae.cli.vae import vae
from restorae.cli.wording import COMMAND_LINE
from restorae.errors import Interrupted, RestoraeError

app = typer.Typer(
    name="restorae",
    help="Learn from examples what is wrong with your images and repair the rest.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (demo, degrade, train, restore, evaluate):
    app.command(cls=GroupedCommand)(command)
app.add_typer(vae, name="vae")
app.add_typer(models, name="models")
app.command(cls=GroupedCommand)(serve)
app.command(cls=GroupedCommand)(doctor)


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
        f"{'interrupted' if number == signal.SIGINT else 'stopped by SIGTERM'}; nothing half-written is left."
    )
