"""`export`: a model as one ONNX file, or two of an auto-encoder, verified before they are written."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from restorae.errors import ExportFailed, UnknownKind, nearest
from restorae.exporting.latent_graphs import decoder_graph, encoder_graph
from restorae.exporting.library import import_onnx
from restorae.exporting.pixels import PixelForm, Pixels
from restorae.exporting.restorer_graph import restorer_graph
from restorae.exporting.tracing import OPSET
from restorae.exporting.verification import verify_halves, verify_restorer
from restorae.files import require_absent, require_writable, write_bytes
from restorae.model import Model, load
from restorae.model.card import HEADER
from restorae.model.onnx_files import EXPORT, SUFFIX, ExportFacts
from restorae.networks import VAE, AutoEncoder, ModuleNetwork, Network
from restorae.version import VERSION

Format = Literal["onnx"]
_IR_VERSION = 8
"""Version of ONNX's file format that goes with `OPSET`."""


def export(
    model: Model | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    format: Format = "onnx",  # noqa: A002 – as in `restorae.restore`
    pixels: Pixels = "float32",
    overwrite: bool = False,
) -> tuple[Path, ...]:
    """Write a model for other programs, with all that its network needs: value range, padding, grey or colour, cropping.

    The file is compared with the model in PyTorch on images of random sizes before it is written. Auto-encoders become two
    files, `NAME-encoder.onnx` and `NAME-decoder.onnx`. The card is in the file's metadata.

    Args:
        model: a model, or the name or path of one.
        out: the file to write; `.onnx` is added to a name without it. Default: the model's name in the current folder.
        format: what to write; ONNX is the only format.
        pixels: type of the images: `float32`, (batch, channels, height, width) with 1 as white; `uint8` or `uint16`, (batch,
            height, width, channels), rounded and limited to the type's range.
        overwrite: replace files that are there.

    Returns:
        The files that were written.

    Raises:
        UsageError: there is no such model, format or type, or a file is there already.
        ExportFailed: the network cannot be exported, or the graph's results differ from PyTorch's by more than 1e-4.
        MissingExtra: ONNX is not installed.
        OutputError: a file could not be written.
    """
    for known, given, what in ((Format, format, "format"), (Pixels, pixels, "type of pixels")):
        if given not in get_args(known):
            raise UnknownKind(
                f"There is no {what} {given!r}. {nearest(str(given), get_args(known))}"
            )
    import_onnx()
    opened = model if isinstance(model, Model) else load(model)
    require_exportable(opened)
    targets = _targets(opened, out)
    for target in targets:
        require_absent(target, overwrite)
        require_writable(target.parent)
    for target, content in zip(targets, make_onnx(opened, pixels), strict=True):
        write_bytes(target, content)
    return targets


def require_exportable(model: Model) -> None:
    """Raise `ExportFailed` for networks that no graph can stand for."""
    network, name = model.network, model.card.name
    if isinstance(network, ModuleNetwork):
        raise ExportFailed(
            f"{name} is a module of your own, {network.name}: nothing states which heights and widths it takes. Export it with "
            "torch.onnx.export"
        )
    if network.neighbours:
        raise ExportFailed(
            f"{name} cleans films: it compares frames that restorae aligns before, which a graph does not do"
        )
    if not network.takes_images:
        raise ExportFailed(
            f"{name} does not restore images: it weighs colours that restorae finds before, which a graph does not do"
        )


def make_onnx(model: Model, pixels: Pixels = "float32") -> tuple[bytes, ...]:
    """The verified content of the files of a model: one, or encoder and decoder. Errors as of `export`."""
    require_exportable(model)
    form = PixelForm(pixels)
    ready = Model(model.network, _on_processor(model), card=model.card)
    if not isinstance(model.network, VAE | AutoEncoder):
        content = _as_file(restorer_graph(ready, form), ready, "restorer", form)
        verify_restorer(content, ready, form)
        return (content,)
    encoder = _as_file(encoder_graph(ready, form), ready, "encoder", form)
    decoder = _as_file(decoder_graph(ready, form), ready, "decoder", form)
    verify_halves(encoder, decoder, ready, form)
    return encoder, decoder


def _on_processor(model: Model) -> Any:
    """The module with float32 weights on the processor; a copy where it is elsewhere."""
    if model.device.type == "cpu":
        return model.module
    network: Network = model.network
    module = network.build()
    module.load_state_dict({name: each.cpu() for name, each in model.module.state_dict().items()})
    return module


def _targets(model: Model, out: str | os.PathLike[str] | None) -> tuple[Path, ...]:
    path = Path(model.card.name if out is None else out)
    stem = path.with_name(path.name.removesuffix(SUFFIX))
    parts: Sequence[str] = [""]
    if isinstance(model.network, VAE | AutoEncoder):
        parts = ["-encoder", "-decoder"]
    return tuple(stem.with_name(f"{stem.name}{part}{SUFFIX}") for part in parts)


def _as_file(graph: Any, model: Model, part: str, form: PixelForm) -> bytes:
    onnx = import_onnx()
    made = onnx.helper.make_model(
        graph,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        producer_name="restorae",
        producer_version=VERSION,
        ir_version=_IR_VERSION,
        doc_string=model.card.about,
    )
    facts = ExportFacts(part=part, pixels=form.pixels)
    onnx.helper.set_model_props(
        made,
        {HEADER: json.dumps(model.card.model_dump(mode="json")), EXPORT: facts.model_dump_json()},
    )
    onnx.checker.check_model(made)
    content: bytes = made.SerializeToString(deterministic=True)
    return content
