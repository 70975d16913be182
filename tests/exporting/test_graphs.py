"""What graphs do around the network: value range, padding, grey or colour, cropping; checked against the model in PyTorch.

The network is one convolution, written as ONNX by hand, because PyTorch's exporter takes seconds.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper
from torch import nn

from restorae.errors import BadModelFile, ExportFailed, UsageError
from restorae.exporting import restorer_graph
from restorae.exporting.files import make_onnx
from restorae.exporting.tracing import TracedModule
from restorae.exporting.verification import draw_sizes, verify_restorer
from restorae.model import Model, load, make_card
from restorae.model.onnx_files import OnnxModule, open_session
from restorae.networks import Network


class Blur(Network, kind="blur-for-tests"):
    """A convolution with zero padding, so that each padded pixel shows in the result; grey adds a constant."""

    takes_too: tuple[int, ...] = ()
    step: tuple[int, int] = (3, 4)

    @property
    def halo(self) -> int:
        return 6

    @property
    def multiple_of(self) -> tuple[int, int]:
        return self.step

    @property
    def takes(self) -> tuple[int, ...]:
        return (*self.takes_too, self.channels)

    def build(self) -> nn.Module:
        return BlurModule(self)


class BlurModule(nn.Module):
    def __init__(self, settings: Blur) -> None:
        super().__init__()
        self.kernels = nn.ParameterDict()
        source = torch.Generator().manual_seed(1)
        for channels in settings.takes:
            drawn = torch.rand((channels, channels, 5, 5), generator=source)
            self.kernels[str(channels)] = drawn / 9

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert all(side % step == 0 for side, step in zip(images.shape[-2:], (3, 4), strict=True))
        return nn.functional.conv2d(images, self.kernels[str(images.shape[1])], padding=2)


def traced_by_hand(module, example, multiple_of, *, prefix):
    channels = str(example.shape[1])
    kernel = module.module.kernels[channels].detach().numpy()
    return TracedModule(
        nodes=(
            onnx.helper.make_node(
                "Conv", [f"{prefix}in", f"kernel_{channels}"], [f"{prefix}out"], pads=[2, 2, 2, 2]
            ),
        ),
        weights={f"kernel_{channels}": numpy_helper.from_array(kernel, f"kernel_{channels}")},
        input=f"{prefix}in",
        outputs=(f"{prefix}out",),
    )


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch):
    monkeypatch.setattr(restorer_graph, "trace", traced_by_hand)


def blur(channels: int = 1, takes_too: tuple[int, ...] = (), **facts) -> Model:
    network = Blur(channels=channels, takes_too=takes_too)
    module = network.build()
    return Model(network, module, card=make_card(network, module, name="blur", **facts))


def restored(content: bytes, images: np.ndarray, **more: object) -> np.ndarray:
    feeds = {"images": images} | {name: np.array(value) for name, value in more.items()}
    return open_session(content).run(["restored"], feeds)[0]


@pytest.mark.parametrize(("channels", "takes_too"), [(1, ()), (3, ()), (3, (1,)), (2, ())])
@given(height=st.integers(1, 14), width=st.integers(1, 17), grey=st.booleans())
def test_graphs_restore_images_of_any_size_as_the_model_does(
    channels, takes_too, height, width, grey
):
    model = known(channels, takes_too)
    for shown in (channels,) if channels == 2 else (1, 3):
        images = torch.rand((3, shown, height, width), generator=torch.Generator().manual_seed(0))
        if grey:
            images[1] = images[1, :1]  # one of the batch
        wanted = model[0].restore_images(images).numpy()
        assert np.abs(restored(model[1], images.numpy()) - wanted).max() < 1e-5


_known: dict[object, tuple[Model, bytes]] = {}


def known(channels: int, takes_too: tuple[int, ...]) -> tuple[Model, bytes]:
    if (channels, takes_too) not in _known:
        model = blur(channels, takes_too)
        _known[channels, takes_too] = model, *make_onnx(model)
    return _known[channels, takes_too]


def test_values_are_mapped_within_the_graph_and_limited_to_their_type():
    model = blur()
    stored = np.random.default_rng(0).integers(0, 256, (1, 7, 9, 1), np.uint8)
    stored[0, :3] = 255  # the convolution's sums there exceed white
    working = torch.from_numpy(stored.transpose(0, 3, 1, 2) / 255).float()
    wanted = model.restore_images(working).numpy()
    (content,) = make_onnx(model, "uint8")
    found = restored(content, stored)
    assert found.dtype == np.uint8
    assert wanted.max() > 1
    expected = np.rint(wanted.clip(0, 1) * 255).transpose(0, 2, 3, 1)
    assert np.abs(found - expected).max() <= 1
    # counts of a microscope: 200 is black and 1,000 white
    (floats,) = make_onnx(model)
    counts = working.numpy() * 800 + 200
    found = restored(floats, counts, low=np.float32(200), high=np.float32(1000))
    assert np.allclose(found, wanted * 800 + 200, atol=1e-2)


def test_tiles_that_are_grey_by_chance_are_restored_as_colour_where_asked():
    model, content = known(3, (1,))
    grey = torch.rand(1, 1, 6, 8).expand(-1, 3, -1, -1).contiguous()
    as_colour = model.module(grey)
    assert np.allclose(restored(content, grey.numpy(), colour=True), as_colour, atol=1e-5)
    assert not np.allclose(restored(content, grey.numpy()), as_colour, atol=1e-3)
    # what runs files in ONNX Runtime decides for whole images, too
    assert torch.allclose(OnnxModule(content)(grey), as_colour, atol=1e-5)


def test_a_graph_that_computes_something_else_is_refused_with_the_size():
    model, content = known(1, ())
    changed = onnx.load_model_from_string(content)
    kernel = next(each for each in changed.graph.initializer if each.name == "kernel_1")
    kernel.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(kernel) * 1.01, "kernel_1"))
    with pytest.raises(ExportFailed, match=r"1 × 1 px with 1 channels differ by"):
        verify_restorer(changed.SerializeToString(), model, restorer_graph.PixelForm("float32"))


def test_most_sizes_of_the_verification_are_odd_and_none_is_left_to_chance():
    sizes = [*draw_sizes(200, (8, 8))]
    assert sizes == [*draw_sizes(200, (8, 8))]
    assert sizes[0] == (1, 1)
    assert sum(bool(high % 8 and wide % 8) for high, wide in sizes) > 140


def test_a_file_is_a_model_again_and_holds_nothing_of_this_machine(tmp_path):
    model = blur(3, (1,), about="Blurs.")
    path = tmp_path / "blur.onnx"
    path.write_bytes(make_onnx(model)[0])
    opened = load(path)
    assert opened.card == model.card
    images = torch.rand(2, 3, 40, 50)
    assert torch.allclose(
        opened.restore_images(images, self_ensemble=8),
        model.restore_images(images, self_ensemble=8),
        atol=1e-5,
    )
    assert opened._bytes_per_pixel == model._bytes_per_pixel
    assert str(tmp_path).encode() not in path.read_bytes()
    assert b"/" not in b"".join(node.name.encode() for node in onnx.load(path).graph.node)
    with pytest.raises(UsageError, match="no weights to save"):
        opened.save(tmp_path / "again.safetensors")
    for pixels in ("uint8", "uint16"):
        path.write_bytes(make_onnx(model, pixels)[0])
        with pytest.raises(BadModelFile, match=f"restorer of {pixels} images"):
            load(path)


@dataclass
class Other:
    """A file that is no export of restorae's."""

    content: bytes
    told: str


def foreign() -> bytes:
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    values = [onnx.helper.make_tensor_value_info(name, 1, [1]) for name in "xy"]
    graph = onnx.helper.make_graph([node], "g", values[:1], values[1:])
    return onnx.helper.make_model(graph, producer_name="pytorch").SerializeToString()


def referring() -> bytes:
    made = onnx.load_model_from_string(known(1, ())[1])
    kernel = next(each for each in made.graph.initializer if each.name == "kernel_1")
    kernel.ClearField("raw_data")
    kernel.data_location = onnx.TensorProto.EXTERNAL
    kernel.external_data.add(key="location", value="../../etc/passwd")
    return made.SerializeToString()


@pytest.mark.parametrize("what", ["foreign", "cut short", "empty", "pickle", "external"])
def test_files_of_other_tools_are_refused_in_words(what, tmp_path):
    others = {
        "foreign": Other(foreign(), "an ONNX file of pytorch, not of restorae"),
        "cut short": Other(known(1, ())[1][:-100], "cannot be read as an ONNX file"),
        "empty": Other(b"", "an ONNX file of another tool"),
        "pickle": Other(b"\x80\x04K\x01.", "cannot be read as an ONNX file"),
        "external": Other(referring(), "refers to other files"),
    }
    path = tmp_path / "other.onnx"
    path.write_bytes(others[what].content)
    with pytest.raises(BadModelFile, match=others[what].told) as refused:
        load(path)
    assert str(path) in str(refused.value)


EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_the_page_of_the_documentation_gives_graphs_what_they_take(tmp_path):
    canvas = np.random.default_rng(0).integers(0, 256, (3, 5, 4), np.uint8)
    script = f"""
        import {{ fromGraph, toGraph }} from {json.dumps((EXAMPLES / "pixels.mjs").as_uri())};
        const rgba = Uint8ClampedArray.from({canvas.ravel().tolist()});
        const {{ data, dims }} = toGraph(rgba, 5, 3);
        console.log(JSON.stringify([[...data], dims, [...fromGraph(data.map((value) => 255 - value), rgba)]]));
    """
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    )
    data, dims, back = json.loads(done.stdout)
    (content,) = make_onnx(blur(3), "uint8")
    images = open_session(content).get_inputs()[0]
    assert images.type == "tensor(uint8)"
    assert [*images.shape][1:3] == ["height", "width"]
    assert np.array_equal(np.reshape(data, dims)[0], canvas[..., :3])
    assert np.array_equal(
        np.reshape(back, canvas.shape), np.dstack([255 - canvas[..., :3], canvas[..., 3]])
    )
