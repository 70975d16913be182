"""`restorae film`: what is done with films beside restoring them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restorae.cli.groups import GroupedCommand
from restorae.errors import UsageError

film = typer.Typer(help="Find the frames of a film that are to be coloured.", no_args_is_help=True)


@film.callback()
def _root() -> None:
    """Keeps `suggest` a command of its own while it is the only one."""


@film.command(cls=GroupedCommand)
def suggest(
    source: Annotated[Path, typer.Argument(metavar="FILM", help="The film.")],
    out: Annotated[Path, typer.Option(help="Folder to write the frames to.")],
    count: Annotated[int, typer.Option(min=1, max=500, help="How many frames.")] = 5,
    cuts: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="List of the shots; written if it is not there."),
    ] = None,
) -> None:
    """Write the frames of a film where a coloured reference helps most, to be coloured by hand."""
    from restorae.restoring.sources import check_exists

    check_exists(source)
    if out.is_file():
        raise UsageError("is a file, and a folder is needed", subject=out)
    from restorae.cli.console import say, terminal_progress
    from restorae.files import require_writable
    from restorae.film import FilmRequest
    from restorae.film.colour.suggesting import suggest_frames
    from restorae.film.measuring import measure_film
    from restorae.formats.video import read_facts

    require_writable(out if out.exists() else out.parent)
    facts, progress = read_facts(source), terminal_progress()
    asked = FilmRequest(deflicker=0.0, cuts=cuts)
    analysis = measure_film(facts, asked, None, progress=progress, check=lambda: None)
    for each in suggest_frames(facts, analysis, out, count=count, progress=progress):
        at = (
            float(facts.seconds(facts.stamps[each.frame]))
            if each.frame < len(facts.stamps)
            else 0.0
        )
        say(f"{each.path}: frame {each.frame} at {at:.1f} s, for {each.serves:.0%} of the film.")
    say(f"Colour them, and give the folder to restorae restore {source} --references {out}")
