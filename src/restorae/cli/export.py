"""`restorae export`: a model as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from restorae.cli.options import Import, Json, Overwrite, import_files


def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A bundled model's name or a model file.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The file to write (.onnx). Default: the model's name, here."
        ),
    ] = None,
    kind: Annotated[Literal["onnx"], typer.Option("--format", help="What to write.")] = "onnx",
    pixels: Annotated[
        Literal["float32", "uint8", "uint16"],
        typer.Option(
            help="Type of the images: float32 (batch, channels, height, width), white is 1; integers (batch, height, width, "
            "channels)."
        ),
    ] = "float32",
    overwrite: Overwrite = False,
    json_wanted: Json = False,
    imports: Import = None,
) -> None:
    """Write a model for other programs as an ONNX file, verified against PyTorch; of an auto-encoder, two files."""
    from restorae.cli.console import say, show_json
    from restorae.model import find

    import_files(imports)
    find(model)  # a misspelt name is answered before anything long
    from restorae.exporting import export as export_model

    written = export_model(model, out, format=kind, pixels=pixels, overwrite=overwrite)
    if json_wanted:
        show_json({"written": [str(path) for path in written]})
        return
    for path in written:
        say(f"{path}: {path.stat().st_size / 1e6:.1f} MB.")
