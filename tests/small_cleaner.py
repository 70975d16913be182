"""A film cleaner that is small and knows nothing, and scenes for it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from restorae.model import Model
from restorae.model.card import make_card
from restorae.networks import FilmUNet, UNet
from restorae.restoring.stack_restorer import StackRestorer
from tests.clips import av


def cleaner() -> StackRestorer:
    """A small network with drawn weights, whose halo is 19 px."""
    torch.manual_seed(0)
    body = UNet(
        widths=(4, 6),
        encoder_blocks=(1, 1),
        decoder_blocks=(0,),
        padding="replicate",
        residual=True,
    )
    network = FilmUNet(body=body)
    module = network.build()
    for weights in module.parameters():
        torch.nn.init.normal_(weights, std=0.08)
    return StackRestorer(Model(network, module, card=make_card(network, module, name="small")))


def scene(frames: int, seed: int = 0, height: int = 48, width: int = 64) -> np.ndarray:
    """A smooth texture that moves by two columns a frame, uint8."""
    import cv2

    noise = (
        np.random.default_rng(seed).normal(0, 1, (height, width + 2 * frames)).astype(np.float32)
    )
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5)
    texture = np.clip(128 + 50 * smooth / smooth.std(), 16, 235).astype(np.uint8)
    return np.stack([texture[:, 2 * index : 2 * index + width] for index in range(frames)])


def save_grey(path: Path, images: np.ndarray) -> None:
    """Write (frames, height, width) uint8 as a film without loss, 25 frames per second."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("ffv1", rate=25)
        video.height, video.width = images.shape[1:]
        video.pix_fmt = "gray"
        video.codec_context.color_range = 2
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="gray")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
