"""`restorae export` from end to end: PyTorch's exporter, the file, and ONNX Runtime."""

from __future__ import annotations

import itertools
import json

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

import restorae
from restorae.errors import ExportFailed, SettingsConflict, UsageError
from restorae.exporting import export, verification
from restorae.exporting.files import make_onnx, require_exportable
from restorae.exporting.pixels import PixelForm
from restorae.exporting.runtime import choose_runtime, running_on
from restorae.exporting.verification import draw_sizes
from restorae.model import Model, bundled, load, make_card
from restorae.networks import (
    Conv,
    ConvAutoEncoder,
    Dense,
    DenseAutoEncoder,
    LatentUNet,
    Network,
    ResidualVAE,
    UNet,
)
from restorae.restoring import Capabilities, RestoreRequest
from tests.command import run


def with_drawn_weights(network: Network, **facts) -> Model:
    """A model none of whose layers is zero or the identity."""
    torch.manual_seed(0)
    module = network.build()
    for weights in module.parameters():
        nn.init.normal_(weights, std=0.2)
    return Model(network, module, card=make_card(network, module, name="drawn", **facts))


def test_a_model_becomes_a_file_that_onnx_runtime_and_restorae_run(tmp_path, cache, monkeypatch):
    model = with_drawn_weights(Conv(features=2), about="Made for a test.")
    saved = model.save(tmp_path / "drawn.safetensors")
    done = run("export", saved, "--json", cwd=tmp_path)
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out) == {"written": ["drawn.onnx"]}
    path = tmp_path / "drawn.onnx"
    session = onnxruntime.InferenceSession(path)
    assert json.loads(session.get_modelmeta().custom_metadata_map["restorae"])["name"] == "drawn"
    images = np.random.default_rng(0).random((2, 1, 37, 23), np.float32)
    wanted = model.restore_images(torch.from_numpy(images)).numpy()
    assert np.abs(session.run(["restored"], {"images": images})[0] - wanted).max() < 1e-4
    assert str(tmp_path).encode() not in path.read_bytes()
    assert b"site-packages" not in path.read_bytes()
    # a file that is there stays
    again = run("export", saved, cwd=tmp_path)
    assert again.status == 2
    assert "--overwrite" in again.complaint
    # by name, and the same network asked to run there: equal pixels, whatever the tiles
    np.save(tmp_path / "one.npy", images[0, 0])
    for name, words in {
        "torch": ("--model", saved),
        "file": ("--model", path, "--tile", "40"),
        "asked": ("--model", saved, "--runtime", "onnx", "--self-ensemble", "1"),
    }.items():
        if name == "asked":  # the exported graph is taken from the cache, where it is
            monkeypatch.setattr(
                "restorae.exporting.runtime.make_onnx", lambda model: (path.read_bytes(),)
            )
        out = tmp_path / f"{name}.npy"
        assert run("restore", tmp_path / "one.npy", "--out", out, *words, cwd=tmp_path).status == 0
    found = [np.load(tmp_path / f"{name}.npy") for name in ("torch", "file", "asked")]
    assert np.abs(found[0] - found[1]).max() < 1e-4
    assert np.array_equal(found[1], found[2])
    assert [*(cache / "onnx").glob("*")]
    refused = run(
        "restore", tmp_path / "one.npy", "--out", "x.npy", "--model", path, "--runtime", "pytorch", cwd=tmp_path
    )  # fmt: skip
    assert refused.status != 0
    assert "is an ONNX file, which PyTorch does not compute" in refused.complaint


def test_models_that_no_graph_can_stand_for_are_refused(tmp_path):
    own = nn.Conv2d(1, 1, 3, padding=1)
    network = Network.of(own).fitted(1, None)
    module = network.build()
    with pytest.raises(ExportFailed, match=r"a module of your own, .*Conv2d"):
        export(Model(network, module, card=make_card(network, module)), tmp_path / "own")
    with pytest.raises(ExportFailed, match="cleans films"):
        export("film-cleaner", tmp_path / "film")
    with pytest.raises(ExportFailed, match="weighs colours"):
        export("film-colouriser", tmp_path / "film")
    with pytest.raises(UsageError, match="no type of pixels 'uint32'"):
        export("digits-denoiser", tmp_path / "digits", pixels="uint32")
    assert not [*tmp_path.iterdir()]


def test_of_two_files_none_is_written_where_one_differs(tmp_path, monkeypatch):
    def differs(*_):
        raise ExportFailed("differs")

    monkeypatch.setattr("restorae.exporting.files.encoder_graph", lambda *_: None)
    monkeypatch.setattr("restorae.exporting.files.decoder_graph", lambda *_: None)
    monkeypatch.setattr("restorae.exporting.files._as_file", lambda *_: b"")
    monkeypatch.setattr("restorae.exporting.files.verify_halves", differs)
    with pytest.raises(ExportFailed):
        export("digits-vae", tmp_path / "vae.onnx")
    assert not [*tmp_path.iterdir()]


def test_what_onnx_runtime_cannot_do_is_said_before_anything_is_computed():
    digits = load("digits-denoiser")
    assert choose_runtime(None, digits) == "pytorch"
    for name, settings, said in (
        ("digits-denoiser", {"precision": "bfloat16"}, "float32"),
        ("classical:median", {}, "not a network"),
    ):
        with pytest.raises(UsageError, match=said):
            restorae.restore(np.zeros((28, 28)), model=name, runtime="onnx", **settings)
    with pytest.raises(SettingsConflict):
        RestoreRequest(samples=2, runtime="onnx").check(
            Capabilities(name="latent", halo=0, is_network=True, can_sample=True)
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    "network",
    [
        Conv(features=4, channels=3),
        Dense(height=6, width=5, hidden=(8,)),
        Dense(height=6, width=5, hidden=(8,), channels=3),
        LatentUNet(widths=(4, 8)),
        UNet(widths=(4, 8, 8), encoder_blocks=(1, 0, 1), decoder_blocks=(1, 1), patch=1),
        ResidualVAE(height=13, width=10, features=4),
        ConvAutoEncoder(height=13, width=10, features=4),
        DenseAutoEncoder(height=7, width=5, hidden=(8,), channels=3),
    ],
    ids=str,
)
def test_every_kind_of_network_is_exported(network):
    require_exportable(with_drawn_weights(network))
    for pixels in ("float32", "uint16"):
        make_onnx(with_drawn_weights(network), pixels)  # verified there


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*bundled()} - {"film-cleaner", "film-colouriser"}))
def test_bundled_models_compute_the_same_on_forty_random_sizes(name, tmp_path):
    model = load(name)
    written = export(name, tmp_path / name)
    if len(written) == 2:
        return  # of one size, which `export` has verified
    content = written[0].read_bytes()
    difference = verification.verify_restorer(content, model, PixelForm("float32"), sizes=40)
    assert difference <= 1e-4
    assert all(side for size in itertools.islice(draw_sizes(40, (8, 8)), 40) for side in size)


@pytest.mark.slow
def test_onnx_runtime_gives_what_pytorch_gives_through_the_whole_pipeline(cache):
    model = load("photo-denoiser-fast")
    image = np.random.default_rng(0).integers(0, 256, (150, 170, 3), np.uint8)
    image[:80] = image[:80, :, :1]  # tiles that are grey by chance
    given = {"model": model, "tile": 160, "self_ensemble": 2}
    usual = restorae.restore(image.astype(np.float32) / 255, **given)
    other = restorae.restore(image.astype(np.float32) / 255, runtime="onnx", **given)
    assert np.abs(usual - other).max() < 1e-4
    assert running_on("onnx", model) is running_on("onnx", model)
    assert len([*(cache / "onnx").iterdir()]) == 1
