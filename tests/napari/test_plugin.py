"""The plugin for napari: its manifest, and what it does with layers; the windows are tested where napari is installed."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from skimage import data

import restorae
from restorae.errors import BadImage, ShapeMismatch, UsageError
from restorae.napari import widgets
from restorae.napari.layers import read_layer, read_planes
from restorae.napari.wording import in_plain_words
from restorae.napari.work import restore_layer, train_on_layers

MANIFEST = Path(restorae.__file__).parent / "napari/napari.yaml"


@dataclass
class StandIn:
    """The part of napari's layers that is used."""

    data: Any
    name: str = "scan"
    kind: str = "image"
    attributes: dict[str, Any] = field(default_factory=dict)

    def as_layer_data_tuple(self) -> tuple[Any, Mapping[str, Any], str]:
        return self.data, {"name": self.name, **self.attributes}, self.kind


def test_the_commands_of_the_manifest_are_there() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text("utf-8"))
    contributed = manifest["contributions"]
    commands = {each["id"]: each["python_name"] for each in contributed["commands"]}
    assert {each["command"] for each in contributed["widgets"]} == set(commands)
    for name in commands.values():
        module, _, function = name.partition(":")
        assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("npe2") is None, reason="npe2 is not installed")
def test_napari_takes_the_manifest() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "npe2", "validate", str(MANIFEST)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("shape", "is_colour", "axes", "planes"),
    [
        ((40, 50), False, "HW", 1),
        ((3, 40, 50), False, "NHW", 3),  # three planes, not three colours
        ((40, 50, 3), True, "HWS", 1),
        ((2, 40, 50, 4), True, "NHWS", 2),
        ((2, 3, 5, 6), False, "NTHW", 6),
    ],
)
def test_axes_follow_from_what_napari_shows(
    shape: tuple[int, ...], is_colour: bool, axes: str, planes: int
) -> None:
    layer = StandIn(np.zeros(shape, np.uint8), attributes={"rgb": is_colour})
    assert read_layer(layer)[1] == axes
    assert len(read_planes(layer)) == planes


def test_a_stack_is_restored_like_its_array_and_keeps_its_place() -> None:
    page = data.page()[:64, :80].astype(np.uint16) * 16
    place = {"scale": (2.0, 0.5, 0.5), "rgb": False, "metadata": {"stain": "DAPI"}}
    layer = StandIn(np.stack([page, page[::-1]]), attributes=place)
    settings = {"model": "classical:median", "strength": 0.5}
    values, attributes, kind = restore_layer(layer, **settings)
    assert kind == "image"
    assert np.array_equal(values, restorae.restore(layer.data, axes="ZYX", **settings))
    assert values.dtype == np.uint16
    assert attributes["scale"] == (2.0, 0.5, 0.5)
    assert attributes["metadata"]["stain"] == "DAPI"
    assert attributes["metadata"]["restorae"]["strength"] == 0.5


def test_colour_alpha_labels_and_pyramids() -> None:
    photo = np.dstack([data.astronaut()[:48, :60], np.full((48, 60), 7, np.uint8)])
    levels = StandIn(
        [photo, photo[::2, ::2]], attributes={"rgb": True, "multiscale": True, "gamma": 1.5}
    )
    marks = StandIn(np.zeros((48, 60), int), kind="labels")
    marks.data[10:20, 10:20] = 3
    values, attributes, _ = restore_layer(levels, model="classical:median", marks=marks)
    changed = (values != photo).any(-1)
    assert changed[10:20, 10:20].any()
    assert not changed[marks.data == 0].any()
    assert (values[..., 3] == 7).all()
    assert attributes["gamma"] == 1.5
    assert "multiscale" not in attributes


def test_what_does_not_go_is_said() -> None:
    image = StandIn(np.zeros((8, 9), np.float32))
    with pytest.raises(BadImage, match="layer of kind points"):
        restore_layer(StandIn(np.zeros((3, 2)), kind="points"))
    with pytest.raises(ShapeMismatch, match="labels of shape"):
        restore_layer(image, marks=StandIn(np.zeros((9, 8), int), kind="labels"))
    with pytest.raises(UsageError, match="the same"):
        train_on_layers(image, image, Path("own"))
    with pytest.raises(ShapeMismatch, match="must be pairs"):
        train_on_layers(image, StandIn(np.zeros((2, 8, 9), np.float32)), Path("own"))
    with pytest.raises(UsageError) as conflict:
        restore_layer(image, model="classical:median", self_ensemble=8)
    assert "“Self ensemble”" in in_plain_words(conflict.value)


@pytest.mark.slow
def test_pairs_of_layers_train_a_model(tmp_path: Path) -> None:
    clean = np.stack([data.camera()[top : top + 64, :96] for top in range(0, 448, 16)])
    noisy = clean + np.random.default_rng(0).normal(0, 30, clean.shape)
    layers = StandIn(noisy.astype(np.float32), "noisy"), StandIn(clean.astype(np.float32), "clean")
    out = train_on_layers(*layers, tmp_path / "own", patch=48, steps=20)
    restored, *_ = restore_layer(layers[0], model=str(out))
    assert np.square(restored - clean).mean() < np.square(noisy - clean).mean() / 2
    with pytest.raises(UsageError, match="exists"):
        train_on_layers(*layers, tmp_path / "own", steps=1)


def test_only_restorers_of_images_are_listed() -> None:
    names = widgets.model_names()
    assert {"photo-denoiser", "page-cleaner", "classical:nlm"} <= set(names)
    assert not {"film-cleaner", "film-colouriser", "digits-vae"} & set(names)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("napari") is None, reason="napari is not installed")
@pytest.mark.filterwarnings("default")
def test_a_form_restores_a_layer_in_napari(monkeypatch: pytest.MonkeyPatch) -> None:
    """With napari's viewer without its window, which would need OpenGL."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    from napari.components import ViewerModel
    from qtpy.QtCore import QEventLoop, QTimer
    from qtpy.QtWidgets import QApplication

    application = QApplication.instance() or QApplication([])
    viewer = ViewerModel()
    scan = np.random.default_rng(0).normal(100, 20, (4, 64, 64)).clip(0, 255).astype(np.uint8)
    given = viewer.add_image(scan, name="scan", scale=(3, 1, 1), colormap="magma")
    form = widgets.restore_widget(viewer)
    form[0].choices = [given]
    form[1].value = "classical:median"
    form[-1].changed.emit(True)
    loop, most = QEventLoop(), QTimer()
    viewer.layers.events.inserted.connect(lambda _: loop.quit())
    most.singleShot(60_000, lambda: loop.quit())
    loop.exec()
    made = viewer.layers[1]
    assert np.array_equal(made.data, restorae.restore(scan, axes="ZYX", model="classical:median"))
    assert tuple(made.scale) == (3, 1, 1)
    assert made.colormap.name == "magma"
    assert application is not None
