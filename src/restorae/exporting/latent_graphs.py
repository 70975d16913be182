"""The two halves of an auto-encoder, variational or plain, as one ONNX graph each."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from restorae.exporting.library import FLOAT, import_onnx, nodes_of
from restorae.exporting.pixels import PixelForm
from restorae.exporting.tracing import Wrapped, trace
from restorae.model import Model
from restorae.networks import VAE, AutoEncoder, CodeModule, VAEModule, pad_to_multiple
from restorae.shapes import Images, Latents


class Encoder(nn.Module):
    """From images of the network's size to the posterior's mean and log-variance, or to a plain code."""

    def __init__(self, whole: nn.Module, network: VAE | AutoEncoder) -> None:
        super().__init__()
        self.whole, self.multiple_of = whole, network.multiple_of

    def forward(self, images: Images) -> Tensor | tuple[Tensor, Tensor]:
        assert isinstance(self.whole, VAEModule | CodeModule)
        found = self.whole.encode(pad_to_multiple(images, self.multiple_of))
        return found if isinstance(found, Tensor) else (found.mean, found.log_var)


class Decoder(nn.Module):
    """From latents to the images that they describe, in [0, 1]."""

    def __init__(self, whole: nn.Module, network: VAE | AutoEncoder) -> None:
        super().__init__()
        self.whole, self.network = whole, network

    def forward(self, latents: Latents) -> Images:
        assert isinstance(self.whole, VAEModule | CodeModule)
        outputs = self.whole.decode(latents)[..., : self.network.height, : self.network.width]
        network = self.network
        return (network.image(outputs) if isinstance(network, VAE) else outputs).clamp(0, 1)


def encoder_graph(model: Model, form: PixelForm) -> Any:
    """From `images` of the network's size, and `low` and `high`, to `mean` and `log_var`, (batch, latent_dim).

    A plain auto-encoder's graph gives `code` alone.
    """
    helper, network = import_onnx().helper, _network(model)
    example = torch.zeros(2, network.channels, network.height, network.width)
    traced = trace(Wrapped(Encoder(model.module, network)), example, None, prefix="encoder_")
    names = ("mean", "log_var") if isinstance(network, VAE) else ("code",)
    nodes = [
        *nodes_of(form.to_working() + f"{traced.input} = Identity(working)"),
        *traced.nodes,
        *nodes_of(
            "\n".join(f"{name} = Identity({made})" for name, made in zip(names, traced.outputs, strict=True))
        ),
    ]  # fmt: skip
    shape = form.shape(network.channels, network.height, network.width)
    inputs = [
        helper.make_tensor_value_info("images", form.element, shape),
        *form.range_inputs(),
    ]
    outputs = [
        helper.make_tensor_value_info(name, FLOAT, ["batch", network.latent_dim]) for name in names
    ]
    weights = [*form.range_defaults(), *traced.weights.values()]
    return helper.make_graph(nodes, "restorae", inputs, outputs, weights)


def decoder_graph(model: Model, form: PixelForm) -> Any:
    """From `latents` (batch, latent_dim), and `low` and `high`, to `images` of the network's size."""
    helper, network = import_onnx().helper, _network(model)
    example = torch.zeros(2, network.latent_dim)
    traced = trace(Wrapped(Decoder(model.module, network)), example, None, prefix="decoder_")
    nodes = [
        *nodes_of(f"span = Sub(high, low)\n{traced.input} = Identity(latents)"),
        *traced.nodes,
        *nodes_of(form.from_working(traced.outputs[0], "images")),
    ]
    inputs = [
        helper.make_tensor_value_info("latents", FLOAT, ["batch", network.latent_dim]),
        *form.range_inputs(),
    ]
    shape = form.shape(network.channels, network.height, network.width)
    output = helper.make_tensor_value_info("images", form.element, shape)
    weights = [*form.range_defaults(), *traced.weights.values()]
    return helper.make_graph(nodes, "restorae", inputs, [output], weights)


def _network(model: Model) -> VAE | AutoEncoder:
    assert isinstance(model.network, VAE | AutoEncoder)
    return model.network
