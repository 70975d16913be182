"""`restorae serve`: a page to look at, on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from restorae.cli.options import Device, Import, import_files
from restorae.errors import MissingExtra, UsageError

_TOKEN = "RESTORAE_TOKEN"  # noqa: S105


def serve(
    host: Annotated[
        str,
        typer.Option(help="The address to listen at; beyond this machine a token is asked for."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")
    ] = 8765,
    models: Annotated[
        Path, typer.Option(metavar="DIR", help="Models to list; trained ones are written there.")
    ] = Path("models"),
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folders below this one may be trained on.")
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in your browser.")
    ] = True,
    max_upload: Annotated[
        int, typer.Option(min=1, metavar="MB", help="Largest picture that may be sent.")
    ] = 512,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Most pixels of a picture that may be sent.")
    ] = 2**28,
    max_stored: Annotated[
        int,
        typer.Option(
            min=1, metavar="MB", help="What all pictures and results may take on the disk."
        ),
    ] = 8192,
    device: Device = "auto",
    imports: Import = None,
) -> None:
    """Open a page on which pictures are restored, damages tried, latent space walked and networks trained."""
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            f"The page needs {error.name}, which is not installed: pip install 'restorae[web]'."
        ) from None
    if data is not None and not data.is_dir():
        raise UsageError(f"There is no folder {data} to train on.")
    import_files(imports)
    from restorae.cli.console import say
    from restorae.process import prepare_process
    from restorae.web import Limits, Options
    from restorae.web import serve as run

    token = os.environ.get(_TOKEN) or None
    if token is not None and not all(
        letter.isascii() and (letter.isalnum() or letter in "-_.") for letter in token
    ):
        raise UsageError(
            f"{_TOKEN} holds characters that cannot stand in an address. Take letters, digits, hyphens and underscores."
        )
    prepare_process()
    options = Options(
        host=host,
        port=port,
        models=models.resolve(),
        data=data.resolve() if data is not None else None,
        token=token,
        device=device,
        imports=tuple(path.resolve() for path in imports or []),
        limits=Limits(upload=max_upload * 2**20, pixels=max_pixels, stored=max_stored * 2**20),
    )
    run(options, say, open_page)
