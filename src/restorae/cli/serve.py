"""`restorae serve`: the web page, on this machine."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Annotated

import typer

from restorae.cli.options import Device, Import, import_files
from restorae.errors import Fix, MissingExtra, UsageError
from restorae.files import require_writable

_TOKEN = "RESTORAE_TOKEN"  # noqa: S105


def serve(
    host: Annotated[
        str,
        typer.Option(
            help="The address to listen on; addresses other than this machine's require a token."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 picks a free one.")
    ] = 8765,
    models: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder of models to list; new ones are saved there."),
    ] = Path("models"),
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder whose subfolders can be used for training."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Also save each result here, in the folders that were dropped."
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep images, masks and results in this folder when the server ends.",
        ),
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in your browser.")
    ] = True,
    max_upload: Annotated[int, typer.Option(min=1, metavar="MB", help="Largest upload.")] = 512,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Largest number of pixels of an uploaded image.")
    ] = 2**28,
    max_stored: Annotated[
        int,
        typer.Option(min=1, metavar="MB", help="Disk space for all uploads and results."),
    ] = 8192,
    device: Device = "auto",
    imports: Import = None,
) -> None:
    """Open a web page for restoring images, trying degradations, exploring latent space and training networks."""
    for name in ("fastapi", "uvicorn"):
        if importlib.util.find_spec(name) is None:
            raise MissingExtra(
                f"The web page needs {name}, which is not installed: pip install 'restorae[web]'."
            )
    if data is not None and not data.is_dir():
        raise UsageError("no such folder", subject=data, fix=Fix("data", action="change"))
    for folder in (out, keep):
        if folder is not None:
            require_writable(folder)
    import_files(imports)
    from restorae.cli.console import say
    from restorae.web import Limits, Options
    from restorae.web import serve as run

    token = os.environ.get(_TOKEN) or None
    if token is not None and not all(
        letter.isascii() and (letter.isalnum() or letter in "-_.") for letter in token
    ):
        raise UsageError(
            "the token may contain only letters, digits, hyphens, underscores and dots",
            subject=_TOKEN,
        )
    options = Options(
        host=host,
        port=port,
        models=models.resolve(),
        data=data.resolve() if data is not None else None,
        out=out.resolve() if out is not None else None,
        keep=keep.resolve() if keep is not None else None,
        token=token,
        device=device,
        imports=tuple(path.resolve() for path in imports or []),
        limits=Limits(upload=max_upload * 2**20, pixels=max_pixels, stored=max_stored * 2**20),
    )
    run(options, say, open_page)
