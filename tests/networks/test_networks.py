"""Every network: what it promises about shapes, channels and context, and the lesson's network against the lesson."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from restorae.errors import BadSpec, ShapeMismatch
from restorae.networks import (
    VAE,
    AutoEncoder,
    Conv,
    ConvVAE,
    Dense,
    FilmUNet,
    LatentModule,
    LatentUNet,
    Network,
    ResidualVAE,
    UNet,
    check_halo,
    measured_halo,
)
from restorae.networks.layers import UpsampledConv
from restorae.networks.summary import layer_table
from restorae.parts import kinds

FAMILY = sorted(
    (
        part
        for part in kinds(Network)
        if part.__module__.startswith("restorae.") and part().takes_images
    ),
    key=lambda part: part.kind,
)
VARIANTS = [
    Conv(features=3),
    Conv(features=2, channels=3),
    Dense(height=5, width=7, hidden=(11,)),
    UNet(widths=(4,), encoder_blocks=(1,), decoder_blocks=(), patch=1),
    UNet(widths=(4,), encoder_blocks=(0,), decoder_blocks=(), patch=3),
    UNet(widths=(4, 5), encoder_blocks=(1, 1), decoder_blocks=(2,), patch=1, channels=3),
    UNet(widths=(4, 5, 6), encoder_blocks=(1, 0, 1), decoder_blocks=(0, 1), patch=2),
    UNet(widths=(2, 3, 4, 5), encoder_blocks=(0, 0, 0, 1), decoder_blocks=(0, 0, 0), patch=1),
    UNet(widths=(4, 5), padding="replicate"),
    UNet(widths=(4, 5), padding="replicate", residual=True, channels=3),
    ConvVAE(height=5, width=9, features=4, hidden=6, latent_dim=3, channels=3),
    ConvVAE(height=8, width=4, features=4, likelihood="gaussian"),
    ResidualVAE(
        height=6, width=11, features=4, latent_dim=5, channels=3, encoder_blocks=0, fine_blocks=1
    ),
    LatentUNet(widths=(4, 6), latent_dim=1, channels=3),
    LatentUNet(widths=(3, 5), likelihood="bernoulli"),
]
MEMBERS = [part() for part in FAMILY] + VARIANTS
OF_FILMS = [FilmUNet(), FilmUNet(body=UNet(widths=(4, 5), padding="replicate", residual=True))]
"""Networks whose input is a stack of frames: `tests/film/test_cleaning.py` has their promises beside the halo."""
CONVOLUTIONAL = [network for network in [*MEMBERS, *OF_FILMS] if network.halo is not None]
ONE_SIZE = [network for network in MEMBERS if isinstance(network, VAE | AutoEncoder)]

each_kind = pytest.mark.parametrize("kind", FAMILY, ids=lambda part: part.kind)
each_member = pytest.mark.parametrize("network", MEMBERS, ids=str)
each_convolutional = pytest.mark.parametrize("network", CONVOLUTIONAL, ids=str)


def built(network: Network, seed: int = 0, dtype: torch.dtype = torch.float32) -> nn.Module:
    """The network with random weights everywhere: none is zero, as after training."""
    module = network.build().eval().requires_grad_(False)
    source = torch.Generator().manual_seed(seed)
    for weights in module.parameters():
        spread = (2 / weights[0].numel()) ** 0.5 if weights.dim() > 1 else 0.1
        weights.copy_(torch.randn(weights.shape, generator=source) * spread)
    if (
        dtype == torch.float64
    ):  # a latent's moments are float32 wherever they come from, and are widened again here
        for layer in module.modules():
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                layer.register_forward_pre_hook(lambda _layer, entering: (entering[0].double(),))
    return module.to(dtype)


def sides(network: Network, times: tuple[int, int] = (2, 3)) -> tuple[int, int]:
    """Height and width of images that its module takes: multiples, or the only size that it knows, padded."""
    if isinstance(network, VAE | AutoEncoder):
        down, across = network.multiple_of
        return -(-network.height // down) * down, -(-network.width // across) * across
    return network.multiple_of[0] * times[0], network.multiple_of[1] * times[1]


def some_images(
    network: Network, count: int = 2, times: tuple[int, int] = (2, 3), seed: int = 1
) -> torch.Tensor:
    return torch.rand(
        count,
        network.channels,
        *sides(network, times),
        generator=torch.Generator().manual_seed(seed),
    )


def learned_from(network: Network, module: nn.Module) -> torch.Tensor:
    """A number that depends on everything that training looks at."""
    if not isinstance(module, LatentModule):
        return module(some_images(network)).square().mean()
    explained = module.explain(
        some_images(network), some_images(network, seed=2), torch.Generator().manual_seed(3)
    )
    return explained.outputs.square().mean() + explained.posterior.kl(explained.prior).mean()


# ------------------------------------------------------------------------------------------------- every member


@each_kind
def test_a_kind_explains_itself(kind):
    assert kind.__doc__
    assert ">>>" in kind.__doc__, f"{kind.kind}: show in its docstring how it is used"
    silent = [name for name, field in kind.model_fields.items() if not field.description]
    assert not silent, f"{kind.kind}: write a sentence under {', '.join(silent)}"


@each_kind
@pytest.mark.parametrize("channels", [1, 3])
def test_shape_and_type_are_kept_at_every_size_that_it_takes(kind, channels):
    for times in ((1, 1), (1, 2), (3, 1)):
        network = kind(channels=channels)
        if isinstance(network, VAE | AutoEncoder):  # one network for each size
            network = network.fitted(channels, (4 * times[0], 4 * times[1]))
        given_images = some_images(network, times=times)
        restored = built(network)(given_images)
        assert restored.shape == given_images.shape
        assert restored.dtype == torch.float32
        assert restored.isfinite().all()


@each_member
def test_it_leaves_what_it_is_given_alone(network):
    given_images = some_images(network)
    before = given_images.clone()
    built(network)(given_images)
    assert torch.equal(given_images, before)


@each_member
def test_text_and_dictionary_give_the_settings_back(network):
    assert Network.of(str(network)) == network
    assert Network.of(network.to_dict()) == network


@each_member
def test_saved_and_rebuilt_gives_the_same_result(network):
    module = built(network)
    again = Network.of(network.to_dict()).build().eval()
    again.load_state_dict(module.state_dict())
    given_images = some_images(network)
    assert torch.allclose(again(given_images), module(given_images), rtol=1e-6, atol=1e-6)


@each_member
def test_the_same_seed_draws_the_same_weights(network):
    def drawn(seed: int) -> dict[str, torch.Tensor]:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return network.build().state_dict()

    first, second, other = drawn(0), drawn(0), drawn(1)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@each_member
def test_a_batch_is_its_images_one_by_one(network):
    module, given_images = built(network), some_images(network, count=3)
    alone = torch.cat([module(one[None]) for one in given_images])
    assert torch.allclose(module(given_images), alone, rtol=1e-5, atol=1e-5)


@each_member
def test_every_weight_can_be_learned(network):
    module = built(network).requires_grad_(True)
    learned_from(network, module).backward()
    idle = [
        name
        for name, weights in module.named_parameters()
        if weights.grad is None or not weights.grad.any()
    ]
    assert not idle, f"no gradient reaches {', '.join(idle)}"


@each_member
def test_fresh_weights_keep_the_scale_of_the_image(network):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        restored = network.build()(some_images(network, count=4))
    assert 1e-3 < restored.std().item() < 30, "fresh weights let the image vanish or explode"


@each_member
def test_the_number_of_channels_is_checked_in_words(network):
    network.check_channels(network.channels)
    with pytest.raises(ShapeMismatch, match=f"images of {network.channels} channel.*got 2"):
        network.check_channels(2)


@pytest.mark.parametrize("network", ONE_SIZE, ids=str)
def test_a_network_for_one_size_refuses_another_and_says_both(network):
    network.check_size(network.height, network.width)
    own = f"{network.height} × {network.width}"
    for size in ((network.height + 1, network.width), (network.height, network.width - 1)):
        with pytest.raises(
            ShapeMismatch,
            match=rf"{network.kind} was built for images of {own} px .* got {size[0]} × {size[1]}",
        ):
            network.check_size(*size)


@pytest.mark.parametrize("network", ONE_SIZE, ids=str)
def test_a_network_for_one_size_takes_the_images_size_and_refuses_sizes_that_differ(network):
    fitted = network.fitted(3, (17, 2))
    assert (fitted.channels, fitted.height, fitted.width) == (3, 17, 2)
    fitted.check_size(17, 2)
    with pytest.raises(
        ShapeMismatch, match=rf"{network.kind}\) learns images of one size, but these differ"
    ):
        network.fitted(1, None)
    with pytest.raises(
        ShapeMismatch, match=rf"are 20 × 257 px; {network.kind} takes up to 256 × 256"
    ):
        network.fitted(1, (20, 257))


@each_kind
@pytest.mark.parametrize(
    ("channels", "size"),
    [(1, (28, 28)), (3, (28, 28)), (3, None), (1, (41, 13)), (1, (300, 200)), (1, (1, 1))],
)
def test_fitted_to_images_it_restores_their_channels(kind, channels, size):
    if issubclass(kind, VAE | AutoEncoder) and (size is None or max(size) > 256):
        size = (30, 21)  # the others are refused in the test above
    fitted = kind().fitted(channels, size)
    assert fitted.channels == channels
    assert Network.of(fitted.to_dict()) == fitted, "fitting made settings that would be refused"
    assert built(fitted)(some_images(fitted, times=(1, 1))).shape[1] == channels


@pytest.mark.parametrize(
    ("kind", "settings"),
    [(kind, {"channels": 0}) for kind in FAMILY]
    + [
        (Conv, {"features": 0}),
        (Dense, {"hidden": ()}),
        (Dense, {"hidden": (0,)}),
        (Dense, {"height": 65}),
        (UNet, {"widths": (), "encoder_blocks": (), "decoder_blocks": ()}),
        (UNet, {"widths": (0,), "encoder_blocks": (1,), "decoder_blocks": ()}),
        (UNet, {"widths": (4,), "encoder_blocks": (-1,), "decoder_blocks": ()}),
        (UNet, {"widths": (4, 4), "encoder_blocks": (1, 1), "decoder_blocks": (-1,)}),
        (UNet, {"widths": (4, 4), "encoder_blocks": (1,), "decoder_blocks": (1,)}),
        (UNet, {"patch": 0}),
        (LatentUNet, {"widths": (4,)}),
        (LatentUNet, {"widths": (4, 0)}),
    ]
    + [
        (kind, {"latent_dim": wrong})
        for kind in (ConvVAE, ResidualVAE, LatentUNet)
        for wrong in (0, -1, 4097)
    ]
    + [
        (kind, {"sigma": wrong})
        for kind in (ConvVAE, ResidualVAE, LatentUNet)
        for wrong in (0, -0.1)
    ]
    + [(kind, {"likelihood": "poisson"}) for kind in (ConvVAE, ResidualVAE, LatentUNet)]
    + [
        (kind, {side: wrong})
        for kind in (ConvVAE, ResidualVAE)
        for side in ("height", "width")
        for wrong in (0, 257)
    ],
)
def test_settings_that_build_nothing_are_refused_when_they_are_said(kind, settings):
    with pytest.raises(BadSpec, match=kind.kind):
        kind(**settings)


@each_member
def test_the_layer_table_counts_every_parameter_once(network):
    module = network.build()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = layer_table(module, network.channels, sides(network, times=(1, 1)))
    assert len({row.name for row in rows}) == len(rows)
    # what a restorer with a latent needs to look at the answer is there while it learns and takes no part in restoring
    left_out = only_for_training(network, module)
    assert bool(left_out) == isinstance(network, LatentUNet)
    assert sum(row.parameters for row in rows) + left_out == sum(
        weights.numel() for weights in module.parameters()
    )
    assert all(row.shape for row in rows)
    assert not any(layer._forward_hooks for layer in module.modules()), (
        "the table left its hooks behind"
    )


def only_for_training(network: Network, module: nn.Module) -> int:
    """How many parameters the restored image does not depend on, the spread of a drawn latent's counted as if it did."""
    if not isinstance(module, LatentModule):
        return 0
    module.requires_grad_(True)
    drawn = module.draw(some_images(network, times=(1, 1)), torch.Generator().manual_seed(0))
    gradients = torch.autograd.grad(drawn.sum(), tuple(module.parameters()), allow_unused=True)
    return sum(
        weights.numel()
        for weights, gradient in zip(module.parameters(), gradients, strict=True)
        if gradient is None
    )


# ------------------------------------------------------------------------------------------------- context


@each_convolutional
def test_the_declared_halo_is_the_measured_one(network):
    module = built(network, dtype=torch.float64)
    few = sum(weights.numel() for weights in module.parameters()) <= 20_000
    measured = measured_halo(network, module, count=6 if few else 2)
    assert network.halo == measured, f"declared halo {network.halo}, measured {measured}"


class Shortsighted(Network, kind="shortsighted-of-the-tests"):
    """Two convolutions of 5 × 5 that look 4 px far, and a `halo` that can be wrong."""

    declared: int = 4
    """The halo that is declared, in pixels."""

    @property
    def halo(self) -> int:
        return self.declared

    def build(self) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(self.channels, 4, 5, padding=2), nn.Conv2d(4, self.channels, 5, padding=2)
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_halo_that_is_too_small_is_refused(dtype):
    for enough in (4, 9):
        check_halo(Shortsighted(declared=enough), built(Shortsighted(), dtype=dtype))
    with pytest.raises(BadSpec, match=r"halo of 3 px, but .* at least 4 px away"):
        check_halo(Shortsighted(declared=3), built(Shortsighted(), dtype=dtype))


def test_a_network_that_declares_no_halo_is_refused_when_it_is_defined():
    with pytest.raises(BadSpec, match="Blind declares no halo"):

        class Blind(Network):
            """Forgets the property."""

            def build(self) -> nn.Module:
                return nn.Identity()


@each_convolutional
def test_what_lies_beyond_the_halo_changes_nothing(network):
    module, (rows, columns) = built(network, dtype=torch.float64), network.multiple_of
    context = [-(-network.halo // side) * side for side in (rows, columns)]
    whole = torch.rand(
        1,
        network.channels,
        2 * context[0] + 3 * rows,
        2 * context[1] + 4 * columns,
        dtype=torch.float64,
    )
    top, left = (
        rows,
        columns,
    )  # a tile that starts on the network's stride, in the middle of the image
    tile = whole[..., top : top + 2 * context[0] + rows, left : left + 2 * context[1] + columns]
    kept = module(tile)[..., context[0] : context[0] + rows, context[1] : context[1] + columns]
    expected = module(whole)[
        ...,
        top + context[0] : top + context[0] + rows,
        left + context[1] : left + context[1] + columns,
    ]
    assert torch.allclose(kept, expected, atol=1e-10)


@pytest.mark.parametrize(
    "network", [network for network in MEMBERS if network.halo is None], ids=str
)
def test_a_network_without_halo_uses_the_whole_image(network):
    module, given_images = (
        built(network, dtype=torch.float64),
        some_images(network, count=8, times=(1, 1)).double(),
    )
    changed = given_images.clone()
    changed[..., 0, 0] += 5
    felt = (module(changed) - module(given_images)).abs().amax((0, 1)) > 1e-9
    assert felt[-1, -1]


# ------------------------------------------------------------------------------------------------- conv


def lesson(features: int = 32, channels: int = 1) -> nn.Sequential:
    """The lesson's network, layer by layer as its image shows it."""
    return nn.Sequential(
        nn.Conv2d(channels, features, 3, padding="same"),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(features, features, 3, padding="same"),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(features, features, 3, padding="same"),
        nn.ReLU(),
        nn.Upsample(scale_factor=2, mode="nearest"),
        nn.Conv2d(features, features, 3, padding="same"),
        nn.ReLU(),
        nn.Upsample(scale_factor=2, mode="nearest"),
        nn.Conv2d(features, channels, 3, padding="same"),
    )


@pytest.mark.parametrize(
    ("features", "channels", "size"), [(32, 1, (28, 28)), (8, 3, (20, 36)), (8, 1, (4, 4))]
)
def test_conv_is_the_lessons_network(features, channels, size):
    ours, theirs = built(Conv(features=features, channels=channels)), lesson(features, channels)
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    given_images = torch.rand(3, channels, *size, generator=torch.Generator().manual_seed(4))
    assert torch.allclose(ours(given_images), theirs(given_images), atol=2e-5)

    ours.requires_grad_(True)
    for module in (ours, theirs):
        module(given_images).square().mean().backward()
    for (name, one), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(
            one.grad, other.grad, atol=1e-4 * max(1, other.grad.abs().max().item())
        ), name


def test_conv_has_the_lessons_parameters():
    assert sum(weights.numel() for weights in Conv().build().parameters()) == 28_353
    assert sum(weights.numel() for weights in lesson().parameters()) == 28_353


# ------------------------------------------------------------------------------------------------- layers


@given(
    st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 7), st.integers(1, 7), st.integers(0, 100)
)  # fmt: skip
def test_upsampled_conv_is_doubling_and_then_convolving(
    batch, entering, leaving, height, width, seed
):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layer = UpsampledConv(entering, leaving).double()
        features = torch.randn(
            batch, entering, height, width, dtype=torch.float64, requires_grad=True
        )
        towards = torch.randn(batch, leaving, 2 * height, 2 * width, dtype=torch.float64)
    learned = (features, layer.weight, layer.bias)

    def slow() -> torch.Tensor:
        return functional.conv2d(
            functional.interpolate(features, scale_factor=2, mode="nearest"),
            layer.weight,
            layer.bias,
            padding=1,
        )

    assert torch.allclose(layer(features), slow(), atol=1e-12)
    quick_gradients = torch.autograd.grad(layer(features), learned, towards)
    for quick, expected in zip(
        quick_gradients, torch.autograd.grad(slow(), learned, towards), strict=True
    ):
        assert torch.allclose(quick, expected, atol=1e-11)


def blocks(image: torch.Tensor, height: int, width: int) -> Iterator[tuple[slice, slice]]:
    for top in range(0, image.shape[-2], height):
        for left in range(0, image.shape[-1], width):
            yield slice(top, top + height), slice(left, left + width)


@pytest.mark.parametrize("channels", [1, 3])
def test_dense_takes_larger_images_as_a_mosaic(channels):
    module = built(Dense(height=3, width=5, hidden=(8, 4), channels=channels))
    image = torch.rand(2, channels, 9, 10, generator=torch.Generator().manual_seed(0))
    expected = torch.zeros_like(image)
    for rows, columns in blocks(image, 3, 5):
        expected[..., rows, columns] = module(image[..., rows, columns])
    assert torch.allclose(module(image), expected, atol=1e-5)


def test_dense_is_products_with_relu_between():
    module, image = (
        built(Dense(height=3, width=5, hidden=(8, 4))),
        torch.rand(2, 1, 3, 5, generator=torch.Generator().manual_seed(0)),
    )
    values = image.flatten(1) - 0.5  # around middle grey
    linears = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    for place, layer in enumerate(linears):
        values = values @ layer.weight.T + layer.bias
        values = values.clamp(min=0) if place < len(linears) - 1 else values
    assert torch.allclose(module(image).flatten(1), values, atol=1e-5)


def test_unet_starts_without_normalisation_and_with_blocks_that_change_nothing():
    module = UNet().build()
    assert not any(
        isinstance(layer, (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm))
        for layer in module.modules()
    )
    seconds = [
        weights for name, weights in module.named_parameters() if name.endswith("second.weight")
    ]
    assert seconds
    assert not any(weights.any() for weights in seconds)


# ------------------------------------------------------------------------------------------------- unet over images


GREY_TOO = UNet(widths=(4, 6), channels=3, grey_too=True, padding="replicate")


def test_a_unet_for_grey_and_colour_has_a_door_for_each():
    assert GREY_TOO.takes == (1, 3)
    GREY_TOO.check_channels(1)
    GREY_TOO.check_channels(3)
    with pytest.raises(ShapeMismatch, match=r"images of 1 or 3 channels, got 2"):
        GREY_TOO.check_channels(2)
    module = built(GREY_TOO)
    for channels, doors in ((1, ("grey_input", "grey_output")), (3, ("input", "output"))):
        module.requires_grad_(True).zero_grad()
        image = torch.rand(2, channels, 8, 12, generator=torch.Generator().manual_seed(0))
        restored = module(image)
        assert restored.shape == image.shape
        restored.square().mean().backward()
        reached = {
            name.split(".")[0]
            for name, weights in module.named_parameters()
            if weights.grad is not None and weights.grad.any()
        }
        assert reached == {*doors, "encoders", "downs", "ups", "decoders"}


def test_grey_too_is_for_colour():
    with pytest.raises(BadSpec, match="grey_too is for networks of 3 channels"):
        UNet(channels=1, grey_too=True)
    for wanted in (UNet(grey_too=True), UNet(channels=3, grey_too=True)):
        assert wanted.fitted(3, None).takes == (1, 3)
        assert wanted.fitted(1, None).takes == (1,)
    module = UNet(widths=(4, 6), grey_too=True).fitted(1, None).build()
    assert not hasattr(module, "grey_input")


@pytest.mark.parametrize("channels", [1, 3])
def test_a_residual_unet_begins_as_the_identity(channels):
    network = UNet(widths=(4, 6), channels=3, grey_too=True, residual=True)
    image = torch.rand(2, channels, 8, 12, generator=torch.Generator().manual_seed(0))
    assert torch.equal(network.build()(image), image)
    assert not torch.equal(network.model_copy(update={"residual": False}).build()(image), image)


def test_a_residual_unet_adds_to_the_image_what_the_other_would_restore():
    plain = UNet(widths=(4, 6), padding="replicate")
    residual = plain.model_copy(update={"residual": True}).build()
    module = built(plain)
    residual.load_state_dict(module.state_dict())
    image = torch.rand(1, 1, 12, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(residual(image), image + module(image), atol=1e-6)


@pytest.mark.parametrize("padding", ["zeros", "replicate"])
def test_beyond_the_border_lie_zeros_or_the_outermost_values_again(padding):
    network = UNet(
        widths=(4,), encoder_blocks=(1,), decoder_blocks=(), padding=padding
    )  # on the way up, places differ by themselves
    flat = torch.full((1, 1, 64, 64), 0.8, dtype=torch.float64)
    restored = built(network, dtype=torch.float64)(flat)[
        ..., ::2, ::2
    ]  # pixels of one place within a position
    is_flat = torch.allclose(restored, restored[..., :1, :1].expand_as(restored), atol=1e-9)
    assert is_flat == (padding == "replicate"), (
        "what continues the border shows within a flat image"
    )


def test_padding_is_settled_when_training_cuts_patches():
    assert UNet().padding == "auto"
    assert UNet().for_patches().padding == "replicate"
    assert UNet(padding="zeros").for_patches().padding == "zeros"
    plain, module = UNet(widths=(4, 6)), built(UNet(widths=(4, 6)))
    zeros = UNet(widths=(4, 6), padding="zeros").build()
    zeros.load_state_dict(module.state_dict())
    assert torch.equal(zeros(some_images(plain)), module(some_images(plain)))


def test_settings_from_before_these_were_there_build_the_same():
    old = {
        "kind": "unet",
        "channels": 1,
        "widths": [4, 6],
        "encoder_blocks": [0, 2],
        "decoder_blocks": [1],
        "patch": 2,
    }
    network = Network.of(old)
    assert network == UNet(widths=(4, 6))
    module = network.build()
    assert {name.split(".")[0] for name, _ in module.named_parameters()} == {
        "input",
        "output",
        "encoders",
        "downs",
        "ups",
        "decoders",
    }
    assert {layer.padding_mode for layer in module.modules() if isinstance(layer, nn.Conv2d)} == {
        "zeros"
    }
    assert not module.residual
