"""Models: saved and loaded, put to use on whatever a person has, and files that are something else."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from restorae.errors import (
    BadImage,
    BadModelFile,
    OutputError,
    RestoraeError,
    ShapeMismatch,
    UnknownKind,
)
from restorae.model import (
    FORMAT_VERSION,
    Card,
    Model,
    bundled,
    files,
    inference,
    load,
    make_card,
    read_card,
)
from restorae.networks import (
    VAE,
    AutoEncoder,
    Conv,
    ConvVAE,
    Dense,
    LatentUNet,
    Network,
    ResidualVAE,
    UNet,
    pad_to_multiple,
)
from restorae.parts import kinds

FAMILY = sorted(
    (
        part
        for part in kinds(Network)
        if part.__module__.startswith("restorae.") and part().takes_images
    ),
    key=lambda part: part.kind,
)
each_kind = pytest.mark.parametrize("kind", FAMILY, ids=lambda part: part.kind)


def trained(network: Network, seed: int = 0, **facts: object) -> Model:
    """A model with random weights everywhere, as after training."""
    module = network.build().requires_grad_(False)
    source = torch.Generator().manual_seed(seed)
    for weights in module.parameters():
        spread = (1 / weights[0].numel()) ** 0.5 if weights.dim() > 1 else 0.1
        weights.copy_(torch.randn(weights.shape, generator=source) * spread)
    return Model(network, module, card=make_card(network, module, **facts))


def passing_through(channels: int = 1) -> Model:
    """A model whose network gives back what it is shown: a convolution with a one in its middle."""
    model = trained(Conv(features=2, channels=channels))
    layer = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight)
    return Model(model.network, layer, card=model.card)


def pixels(*shape: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).random(shape)
    return (
        (values * np.iinfo(dtype).max).astype(dtype)
        if np.dtype(dtype).kind == "u"
        else values.astype(dtype)
    )


def some_images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


# ------------------------------------------------------------------------------------------------- saved and loaded


@each_kind
@pytest.mark.parametrize("channels", [1, 3])
def test_what_was_saved_restores_the_same(kind, channels, tmp_path):
    network = kind().fitted(channels, (30, 29))
    model = trained(
        network,
        name="mine",
        data="digits",
        scores={"test": {"psnr": 20.5}},
        history=[{"step": 1.0, "mse": 0.1}],
    )
    written = model.save(tmp_path / "mine.safetensors")
    again = load(written)
    assert again.network == model.network
    assert again.card == model.card
    assert again.card.parameters == sum(weights.numel() for weights in again.module.parameters())
    assert torch.allclose(
        again.restore(some_images(3, channels, 30, 29)),
        model.restore(some_images(3, channels, 30, 29)),
        atol=1e-5,
    )
    assert not again.module.training
    assert not any(weights.requires_grad for weights in again.module.parameters())
    assert {path.name for path in tmp_path.iterdir()} == {"mine.safetensors"}


@each_kind
def test_half_precision_is_half_the_size_and_nearly_the_same(kind, tmp_path):
    model = trained(kind())
    whole, half = model.save(tmp_path / "whole"), model.save(tmp_path / "half", half=True)
    assert half.stat().st_size < 0.55 * whole.stat().st_size + 5000
    assert all(tensor.dtype == torch.float16 for tensor in load_file(half).values())
    again = load(half)
    assert all(weights.dtype == torch.float32 for weights in again.module.parameters())
    expected = model.restore(some_images(2, 1, 28, 28))
    assert torch.allclose(
        again.restore(some_images(2, 1, 28, 28)), expected, atol=5e-3 * expected.abs().max().item()
    )
    assert again.card == model.card


def test_the_suffix_is_added_where_it_is_missing(tmp_path):
    model = trained(Conv(features=2))
    for given_name in ("one", "two.safetensors", "v1.2"):
        expected = tmp_path / (
            given_name if given_name.endswith(".safetensors") else f"{given_name}.safetensors"
        )
        assert model.save(tmp_path / given_name) == expected
        assert expected.is_file()
        assert load(str(expected)).network == model.network


def test_saving_below_a_file_is_an_error_and_changes_nothing(tmp_path):
    (tmp_path / "file").write_text("a file")
    with pytest.raises(OutputError, match="could not be written"):
        trained(Conv(features=2)).save(tmp_path / "file" / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_header_is_plain_json_that_anything_can_read(tmp_path):
    model = trained(UNet(), undoes={"kind": "gaussian-noise", "sigma": 0.3}, licence="Apache-2.0")
    content = model.save(tmp_path / "model").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["restorae"])
    assert header["format_version"] == 1
    assert header["network"] == model.network.to_dict()
    assert (header["halo"], header["multiple_of"]) == (
        model.network.halo,
        list(model.network.multiple_of),
    )
    assert header["undoes"] == {"kind": "gaussian-noise", "sigma": 0.3}
    assert header["licence"] == "Apache-2.0"


def test_the_card_is_read_without_the_weights(tmp_path):
    model = trained(Conv(features=2), about="a test")
    assert read_card(model.save(tmp_path / "model")) == model.card


def test_loading_draws_nothing_from_the_global_generator(tmp_path):
    path = trained(UNet()).save(tmp_path / "model")
    before = torch.get_rng_state()
    load(path)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_loaded_model_can_be_trained_on(tmp_path):
    again = load(trained(Conv(features=2)).save(tmp_path / "model"))
    again.module.train().requires_grad_(True)
    again.module(some_images(2, 1, 8, 8)).square().mean().backward()
    assert all(
        weights.grad is not None and weights.grad.any() for weights in again.module.parameters()
    )
    restored = again.restore(some_images(1, 1, 8, 8))
    assert not restored.is_inference()


@pytest.mark.parametrize("name", sorted(bundled()))
def test_every_bundled_model_does_its_work(name):
    model = load(name)
    assert model.card.licence != "not stated"
    if not model.network.takes_images:  # tests/film has it
        return
    network, colours = model.network, (3,) * (model.network.channels == 3)
    size = (network.height, network.width) if isinstance(network, VAE | AutoEncoder) else (29, 31)
    image = pixels(*size, *colours)
    send = model.restore if model.card.restores else model.reconstruct
    assert send(image).shape == image.shape


# ------------------------------------------------------------------------------------------------- restoring

SHAPES = [
    (9, 13),
    (8, 8),
    (1, 1),
    (1, 30),
    (9, 13, 3),
    (2, 1, 3),
    (9, 13, 1),
    (5, 9, 13),
    (2, 1, 1),
    (4, 9, 13, 3),
    (4, 9, 13, 1),
    (1, 5, 6, 3),
]


@pytest.mark.parametrize(
    "network",
    [
        Conv(features=3),
        Conv(features=3, channels=3),
        Dense(hidden=(9,)),
        UNet(widths=(4, 4)),
        LatentUNet(widths=(3, 4)),
    ],
    ids=str,
)
def test_shape_and_type_of_arrays_are_kept(network):
    model = trained(network)
    types = [np.uint8, np.uint16, np.float32, np.float64, np.float16, np.bool_]
    for shape, dtype in product(SHAPES, types):
        given_pixels = pixels(*shape, dtype=dtype)
        before = given_pixels.copy()
        restored = model.restore(given_pixels)
        assert (restored.shape, restored.dtype) == (shape, dtype)
        assert np.array_equal(given_pixels, before), (shape, dtype)
        if given_pixels.dtype.kind == "f":
            assert np.isfinite(restored).all(), (shape, dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 1, 9, 13), (2, 3, 8, 8)], ids=str)
def test_shape_and_type_of_tensors_are_kept(shape, dtype):
    given_images = some_images(*shape).to(dtype)
    restored = trained(Conv(features=3)).restore(given_images)
    assert restored.shape == given_images.shape
    assert restored.dtype == dtype
    assert restored.isfinite().all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.bool_])
def test_a_network_that_changes_nothing_changes_nothing(channels, dtype):
    model, tolerance = passing_through(channels), 1e-6 if np.dtype(dtype).kind == "f" else 0
    for shape in (shape for shape in SHAPES if len(shape) != 2 or shape[1] > 3):
        given_pixels = pixels(*shape, dtype=dtype)
        difference = model.restore(given_pixels).astype(float) - given_pixels.astype(float)
        assert np.abs(difference).max() <= tolerance, shape


def test_arrays_tensors_and_single_images_agree():
    model, stored = trained(Conv(features=3)), pixels(4, 9, 13)
    many = model.restore(stored)
    assert np.array_equal(np.stack([model.restore(one) for one in stored]), many)
    working = torch.from_numpy(stored[:, None].astype(np.float32) / 255)
    by_hand = np.rint(model.restore(working)[:, 0].numpy() * 255).clip(0, 255)
    assert (np.abs(by_hand - many) <= 1).all()
    assert np.mean(by_hand == many) > 0.99


def test_a_grey_network_restores_colour_channel_by_channel():
    model, stored = trained(Conv(features=3)), pixels(9, 13, 3)
    by_hand = np.stack(
        [model.restore(np.ascontiguousarray(stored[..., channel])) for channel in range(3)], -1
    )
    assert np.array_equal(model.restore(stored), by_hand)


def test_a_colour_network_takes_grey_as_three_equal_channels():
    model, stored = trained(Conv(features=3, channels=3)), pixels(9, 13, dtype=np.float32)
    colour = model.restore(np.repeat(stored[..., None], 3, axis=2))
    assert np.allclose(model.restore(stored), colour.mean(-1), atol=1e-6)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([(1, 1), (4, 4), (3, 5), (8, 2), (28, 28)]),
)
def test_padding_continues_an_image_to_the_next_multiple(height, width, multiple_of):
    clean = some_images(2, 1, height, width)
    padded = pad_to_multiple(clean, multiple_of)
    for side, before, multiple in zip(padded.shape[-2:], (height, width), multiple_of, strict=True):
        assert side % multiple == 0
        assert before <= side < before + multiple
    assert torch.equal(padded[..., :height, :width], clean)
    assert padded.min() >= clean.min()
    assert padded.max() <= clean.max(), "an image is continued by its own pixels"


def test_an_image_is_continued_by_its_mirror():
    clean = some_images(1, 1, 9, 10)
    padded = pad_to_multiple(clean, (4, 4))
    assert np.array_equal(
        padded[0, 0].numpy(), np.pad(clean[0, 0].numpy(), ((0, 3), (0, 2)), mode="reflect")
    )


@pytest.mark.parametrize("size", [(9, 13), (29, 28), (3, 50)])
def test_odd_sizes_are_restored_as_if_they_had_been_continued(size):
    for network in (Conv(features=3), UNet(widths=(4, 4)), Dense(hidden=(9,), height=5, width=6)):
        model, clean = trained(network), some_images(1, 1, *size)
        expected = model.module(pad_to_multiple(clean, network.multiple_of))[
            ..., : size[0], : size[1]
        ]
        assert torch.allclose(model.restore_images(clean, "float32"), expected, atol=1e-6)


def test_many_images_do_not_need_more_memory_at_once(monkeypatch):
    model = trained(Conv(features=3))
    whole = model.restore(some_images(7, 1, 20, 20))
    seen: list[int] = []
    model.module.register_forward_pre_hook(lambda _module, inputs: seen.append(len(inputs[0])))
    monkeypatch.setattr(inference, "_PIXELS_AT_ONCE", 3 * 400)
    assert torch.allclose(model.restore(some_images(7, 1, 20, 20)), whole, atol=1e-6)
    assert seen == [3, 3, 1]


def test_bfloat16_is_nearly_the_same():
    model, clean = trained(Conv(features=8)), some_images(2, 1, 12, 12)
    exact, quick = (model.restore_images(clean, precision) for precision in ("float32", "bfloat16"))
    assert quick.dtype == torch.float32
    assert not torch.equal(quick, exact)
    assert functional.mse_loss(quick, exact) < 1e-3 * exact.var()


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros(5, np.uint8),
        np.zeros((0, 5), np.uint8),
        np.zeros((3, 0, 5), np.uint8),
        np.zeros((2, 2, 4, 4, 3), np.uint8),
        np.zeros((4, 4), complex),
        torch.zeros(0, 1, 4, 4),
        torch.zeros(2, 5, 8, 8),
    ],
    ids=lambda value: f"{type(value).__name__}{tuple(value.shape)}{value.dtype}",
)
def test_what_cannot_be_images_is_refused_in_words(wrong):
    with pytest.raises((ShapeMismatch, BadImage)):
        trained(Conv(features=2)).restore(wrong)


def test_channels_that_a_network_does_not_take_are_restored_one_by_one():
    model, given = trained(Conv(features=2, channels=3)), some_images(1, 2, 8, 8)
    apart = torch.cat([model.restore(given[:, channel : channel + 1]) for channel in range(2)], 1)
    assert torch.allclose(model.restore(given), apart, atol=1e-6)


def test_a_model_shows_what_it_is():
    assert (
        repr(trained(Conv(features=2), name="mine"))
        == "Model('mine', conv(features=2), 153 parameters)"
    )


# ------------------------------------------------------------------------------------------------- names


def test_an_unknown_name_is_answered_with_the_nearest(monkeypatch, tmp_path):
    path = trained(Conv(features=2)).save(tmp_path / "digits-denoiser")
    monkeypatch.setattr(files, "bundled", lambda: {"digits-denoiser": path, "photos": path})
    assert load("digits-denoiser").network == Conv(features=2)
    with pytest.raises(
        UnknownKind,
        match=r"no model 'digits-denoser'.* Did you mean 'digits-denoiser'\? Known: digits-denoiser, photos",
    ):
        load("digits-denoser")


def test_a_file_wins_over_a_bundled_name_and_a_folder_is_no_model(monkeypatch, tmp_path):
    one, two = (
        trained(Conv(features=features)).save(tmp_path / f"m{features}") for features in (2, 3)
    )
    one.rename(tmp_path / "name")
    monkeypatch.setattr(files, "bundled", lambda: {"name": two})
    monkeypatch.chdir(tmp_path)
    assert load("name").network == Conv(features=2)
    with pytest.raises(UnknownKind, match="no model"):
        load(tmp_path)


# ------------------------------------------------------------------------------------------------- files that are not models


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A model file."""
    return trained(Conv(features=2)).save(tmp_path / "good")


def reading(path: Path, told: str) -> None:
    """Both ways of reading refuse the file with a sentence that names it."""
    for read in (load, read_card):
        with pytest.raises(BadModelFile, match=told) as caught:
            read(path)
        assert str(path) in str(caught.value)


def with_header(path: Path, header: object, weights: dict[str, torch.Tensor] | None = None) -> Path:
    """A file with this header (text as it is, else as JSON)."""
    text = header if isinstance(header, str) else json.dumps(header)
    save_file(weights if weights is not None else {"x": torch.zeros(1)}, path, {"restorae": text})
    return path


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 100, 0.5, 0.99, -1])
def test_a_file_cut_short_is_refused(good, kept):
    content = good.read_bytes()
    good.write_bytes(
        content[: int(len(content) * kept)] if isinstance(kept, float) else content[:kept]
    )
    reading(good, "cannot be read: it is cut short, damaged, or not a .safetensors file")


@pytest.mark.parametrize(
    "content",
    [b"hello, this is text\n" * 50, b"\x89PNG\r\n\x1a\n" + b"\0" * 100, b"\xff" * 200, b"\0" * 200],
)
def test_something_else_is_refused(tmp_path, content):
    (tmp_path / "notes.safetensors").write_bytes(content)
    reading(tmp_path / "notes.safetensors", "cut short, damaged, or not a .safetensors file")


class Malice:
    """Unpickled, this makes the file that it names."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("as_zip", [True, False], ids=["torch.save", "torch.save of old"])
def test_a_pickle_that_was_renamed_is_refused_and_nothing_in_it_runs(tmp_path, as_zip):
    path, mark = tmp_path / "weights.safetensors", tmp_path / "it-ran"
    torch.save({"weights": Malice(mark)}, path, _use_new_zipfile_serialization=as_zip)
    reading(
        path,
        "pickled PyTorch file, which could run code and is never opened. Expected a .safetensors file that restorae wrote",
    )
    assert not mark.exists(), "the file ran code"
    torch.load(io.BytesIO(path.read_bytes()), weights_only=False)
    assert mark.exists(), "the file would not have run code, so this test proves nothing"


def test_a_plain_pickle_is_refused_and_nothing_in_it_runs(tmp_path):
    path, mark = tmp_path / "model.safetensors", tmp_path / "it-ran"
    path.write_bytes(pickle.dumps(Malice(mark)))
    reading(path, "pickled")
    assert not mark.exists(), "the file ran code"
    pickle.loads(path.read_bytes())
    assert mark.exists(), "the file would not have run code, so this test proves nothing"


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}])
def test_weights_of_somebody_else_are_refused(tmp_path, metadata):
    save_file({"x": torch.zeros(3)}, tmp_path / "theirs.safetensors", metadata)
    reading(
        tmp_path / "theirs.safetensors", "is a .safetensors file, but not one that restorae wrote"
    )


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_format_is_refused(good, version):
    header = trained(Conv(features=2)).card.model_dump(mode="json") | {"format_version": version}
    for other in (header, header | {"a_field_of_the_future": 1}):
        reading(
            with_header(good, other, load_file(good)),
            rf"has format version {version}; this version of restorae reads 1",
        )


@pytest.mark.parametrize(
    ("network", "latent"),
    [
        (Conv(), None),
        (
            ConvVAE(latent_dim=3),
            {"shape": [3], "prior": "standard normal", "likelihood": "bernoulli"},
        ),
        (
            ResidualVAE(likelihood="gaussian"),
            {"shape": [40], "prior": "standard normal", "likelihood": "gaussian"},
        ),
        (
            LatentUNet(),
            {
                "shape": [4, None, None],
                "prior": "learned, given the degraded image",
                "likelihood": "gaussian",
            },
        ),
    ],
    ids=str,
)
def test_the_card_says_what_latent_there_is(network, latent):
    card = make_card(network, network.build())
    assert card.format_version == FORMAT_VERSION == 1
    assert card.latent == latent


HEADER = trained(Conv(features=2)).card.model_dump(mode="json")


@pytest.mark.parametrize(
    "header",
    [
        "no json",
        "[1, 2]",
        "7",
        "null",
        "{}",
        {"format_version": 1},
        HEADER | {"format_version": "new"},
        HEADER | {"format_version": None},
        HEADER | {"surprise": 1},
        HEADER | {"parameters": "many"},
        HEADER | {"network": "conv"},
        HEADER | {"multiple_of": [0]},
    ],
    ids=lambda header: (
        header
        if isinstance(header, str)
        else ",".join(key for key in header if HEADER.get(key) != header[key]) or "fields missing"
    ),
)
def test_a_header_that_says_nothing_of_use_is_refused(tmp_path, header):
    reading(with_header(tmp_path / "odd.safetensors", header), "odd.safetensors")


@pytest.mark.parametrize(
    "network", [{}, {"kind": 3}, {"kind": "conv", "features": 0}, {"kind": "conv", "featurs": 2}]
)
def test_a_network_that_cannot_be_built_is_refused(tmp_path, network):
    with pytest.raises(BadModelFile, match=r"odd.safetensors has a header that cannot be used"):
        load(with_header(tmp_path / "odd.safetensors", HEADER | {"network": network}))


def test_a_network_that_nobody_knows_is_answered_with_those_that_are_known(tmp_path):
    with pytest.raises(UnknownKind, match=r"There is no network 'comv'. Did you mean 'conv'\?"):
        load(with_header(tmp_path / "odd.safetensors", HEADER | {"network": {"kind": "comv"}}))


def test_a_network_of_a_users_own_says_what_to_import(tmp_path):
    own = HEADER | {"network": {"kind": "theirs", "defined_in": "their_lab:Theirs"}}
    path = with_header(tmp_path / "theirs.safetensors", own)
    with pytest.raises(
        UnknownKind,
        match=r"'theirs' is not part of restorae: it was defined in their_lab:Theirs",
    ):
        load(path)
    assert isinstance(read_card(path), Card), "the card is plain JSON and needs no class"


@pytest.mark.parametrize(
    "weights",
    [
        trained(Conv(features=3)).module.state_dict(),
        trained(Dense(hidden=(4,))).module.state_dict(),
        {},
        dict(list(trained(Conv(features=2)).module.state_dict().items())[:-1]),
        trained(Conv(features=2)).module.state_dict() | {"more": torch.zeros(1)},
    ],
    ids=["wider", "another network's", "none", "one missing", "one more"],
)
def test_weights_of_another_network_are_refused(tmp_path, weights):
    path = with_header(
        tmp_path / "mixed.safetensors",
        HEADER,
        {name: tensor.contiguous() for name, tensor in weights.items()},
    )
    with pytest.raises(
        BadModelFile,
        match=r"mixed.safetensors: the weights do not fit the network conv\(features=2\) that the header names",
    ):
        load(path)


@given(st.integers(0, 5000), st.integers(0, 255))
def test_a_damaged_file_gives_a_model_or_a_sentence(tmp_path_factory, place, value):
    path = tmp_path_factory.mktemp("damaged") / "model.safetensors"
    trained(Conv(features=2)).save(path)
    content = bytearray(path.read_bytes())
    content[place % len(content)] = value
    path.write_bytes(content)
    with contextlib.suppress(RestoraeError):
        assert isinstance(load(path), Model)
