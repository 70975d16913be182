"""Train the bundled `photo-denoiser` on one CUDA GPU.

    python recipes/photo_denoiser.py --data photos-train photos-more --seconds 535 --out photo-denoiser

The shipped weights took 26,367 steps in 535 s on one NVIDIA H200 (bfloat16, PyTorch 2.11), on 674 photographs. Another 31
were held out by the hash of their content. Each step sees 32 patches in colour and 32 in grey.

The network was chosen among four of about 0.12 of DnCNN's time per pixel, each trained for 75 s beside the others on the
same data; mean PSNR of 12 held-out photographs, in dB:

    widths        encoder  decoder  grey, sigma 25   colour, sigma 25   noisy JPEG
    32, 64, 128   2, 3, 4  2, 2     28.32            28.76              26.71
    48, 80, 160   1, 2, 3  1, 1     28.35            29.11              27.01
    48, 96, 192   1, 1, 3  1, 1     28.39            29.11              26.99
    64, 96, 192   1, 1, 2  1, 0     28.42            29.42              27.26

All images stay in the GPU's memory, and a step is replayed as one CUDA graph; `restorae train` reads and degrades on the
processor, which would keep the GPU waiting. This file needs PyTorch, NumPy, Pillow and restorae.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from restorae.data.hold_out import content_hash, hold_out_position
from restorae.degradations import Jpeg
from restorae.networks import UNet

HELD_OUT = 0.05
PATCH, BATCH = 128, 32
MARGIN = 8  # patches are cut larger, so that the grid of JPEG's blocks can be shifted
LEARNING_RATE, WARMUP = 1e-3, 1000
WEAKEST = 1e-5  # mean squared error below which an image counts less: 50 dB
SHARES = {
    "white": 0.44,
    "stored": 0.10,
    "photons": 0.09,
    "alike": 0.10,
    "grain": 0.12,
    "jpeg": 0.15,
}
"""Of a batch: white noise; the same clipped and quantised; Poisson-Gaussian; noise that is more or less the same in all
channels; noise with a correlation length; any of them under JPEG of quality 60 to 98."""
NETWORK = UNet(
    channels=3,
    widths=(64, 96, 192),
    encoder_blocks=(1, 1, 2),
    decoder_blocks=(1, 0),
    residual=True,
    grey_too=True,
    padding="replicate",
)


class PatchStore:
    """Images of any size in one tensor, from which random patches are cut, flipped and transposed."""

    def __init__(self, images: Sequence[np.ndarray], source: torch.Generator) -> None:
        self.source, device = source, source.device
        sizes = torch.tensor([image.shape[:2] for image in images], device=device)
        areas = sizes.prod(1)
        self.heights, self.widths = sizes.unbind(1)
        self.starts = areas.cumsum(0) - areas
        self.weights = areas / areas.sum()
        flat = np.concatenate([image.reshape(-1, 3) for image in images])
        self.pixels = torch.from_numpy(flat).to(device)

    def patches(self, count: int, side: int) -> Tensor:
        """(count, 3, side, side) in [0, 1]."""
        which = torch.multinomial(self.weights, count, replacement=True, generator=self.source)
        heights, widths = self.heights[which], self.widths[which]
        shares = torch.rand(5, count, generator=self.source, device=self.source.device)
        tops = (shares[0] * (heights - side + 1)).long()
        lefts = (shares[1] * (widths - side + 1)).long()
        steps = torch.arange(side, device=self.source.device)
        rows = torch.where(shares[2, :, None] < 0.5, side - 1 - steps, steps)[:, :, None].expand(
            -1, -1, side
        )
        columns = torch.where(shares[3, :, None] < 0.5, side - 1 - steps, steps)[:, None].expand(
            -1, side, -1
        )
        turned = shares[4, :, None, None] < 0.5
        rows, columns = torch.where(turned, rows.mT, rows), torch.where(turned, columns.mT, columns)
        index = (
            (tops[:, None, None] + rows) * widths[:, None, None] + lefts[:, None, None] + columns
        )
        return (
            self.pixels[self.starts[which][:, None, None] + index].permute(0, 3, 1, 2).float() / 255
        )


class NoiseMixture:
    """The mixture of noise that the network learns to remove, drawn per image."""

    def __init__(self, source: torch.Generator) -> None:
        self.source = source
        self.jpegs = [Jpeg(quality="60..98", subsampling=kind) for kind in ("4:2:0", "4:4:4")]

    def degrade(self, clean: Tensor) -> tuple[Tensor, Tensor]:
        """Degraded and clean patches of side `PATCH` from clean ones that are `MARGIN` larger."""
        counts = {name: max(1, round(len(clean) * share)) for name, share in SHARES.items()}
        counts["white"] += len(clean) - sum(counts.values())
        parts = dict(zip(counts, clean.split(list(counts.values())), strict=True))
        through_jpeg = parts.pop("jpeg")
        targets = [part[..., :PATCH, :PATCH] for part in parts.values()]
        degraded = [
            getattr(self, f"_{name}")(target) for name, target in zip(parts, targets, strict=True)
        ]
        top, left = (int(shift) for shift in torch.randint(0, MARGIN + 1, (2,)))
        for image, into in ((through_jpeg, targets), (self._jpeg(through_jpeg), degraded)):
            into.append(image[..., top : top + PATCH, left : left + PATCH])
        return torch.cat(degraded), torch.cat(targets)

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.source, device=self.source.device)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.source, device=self.source.device)

    def _sigma(self, count: int, most: float = 55.0) -> Tensor:
        """Standard deviations up to `most` of 255; one in ten is zero or next to it: clean images stay clean."""
        sigma = self._uniform(count, 1, 1, 1) * most
        faint = self._uniform(count, 1, 1, 1) * 3 * (self._uniform(count, 1, 1, 1) < 0.5)
        return torch.where(self._uniform(count, 1, 1, 1) < 0.1, faint, sigma) / 255

    def _mixed(self, count: int, channels: int, height: int, width: int) -> Tensor:
        """Unit noise between independent and the same in all channels."""
        share = self._uniform(count, 1, 1, 1)
        share = torch.where(self._uniform(count, 1, 1, 1) < 0.6, (share > 0.5).float(), share)
        common = self._normal(count, 1, height, width)
        return share.sqrt() * common + (1 - share).sqrt() * self._normal(
            count, channels, height, width
        )

    def _correlated(self, count: int, channels: int, height: int, width: int) -> Tensor:
        """Unit noise with a correlation length: half of it blurred, half enlarged."""
        half, parts = count // 2, []
        if half:
            sigma = 0.35 + 0.9 * self._uniform(half, 1)
            taps = torch.exp(-(torch.arange(-4, 5, device=sigma.device) ** 2) / (2 * sigma**2))
            taps = (taps / taps.sum(1, keepdim=True)).repeat_interleave(channels, 0)
            noise = self._mixed(half, channels, height + 8, width + 8).flatten(0, 1)[None]
            noise = functional.conv2d(noise, taps[:, None, :, None], groups=len(taps))
            noise = functional.conv2d(noise, taps[:, None, None, :], groups=len(taps))
            parts.append(noise.reshape(half, channels, height, width))
        factor = 1.2 + 1.3 * float(torch.rand(1))
        small = self._mixed(
            count - half, channels, math.ceil(height / factor) + 2, math.ceil(width / factor) + 2
        )
        mode = "bilinear" if torch.rand(1) < 0.6 else "bicubic"
        parts.append(
            functional.interpolate(small, scale_factor=factor, mode=mode)[..., :height, :width]
        )
        noise = torch.cat(parts)
        return noise / noise.std((1, 2, 3), keepdim=True).clamp(min=1e-3)

    def _white(self, clean: Tensor) -> Tensor:
        return clean + self._sigma(len(clean)) * self._normal(*clean.shape)

    def _stored(self, clean: Tensor) -> Tensor:
        return stored(self._white(clean))

    def _photons(self, clean: Tensor) -> Tensor:
        peak = torch.exp(3.0 + 4.6 * self._uniform(len(clean), 1, 1, 1))  # 20 to 2,000 photons
        counted = torch.poisson(clean * peak, generator=self.source) / peak
        return stored(counted + self._sigma(len(clean), 15.0) * self._normal(*clean.shape))

    def _alike(self, clean: Tensor) -> Tensor:
        return stored(clean + self._sigma(len(clean)) * self._mixed(*clean.shape))

    def _grain(self, clean: Tensor) -> Tensor:
        grain = self._correlated(*clean.shape)
        if torch.rand(1) < 0.4:  # film grain is strongest in the mid-tones
            grey = clean.mean(1, keepdim=True)
            grain = grain * (0.5 + 2 * grey * (1 - grey))
        return stored(clean + self._sigma(len(clean), 40.0) * grain)

    def _jpeg(self, clean: Tensor) -> Tensor:
        white = len(clean) // 2
        other = self._mixed if torch.rand(1) < 0.6 else self._correlated
        noise = torch.cat(
            [self._normal(white, *clean.shape[1:]), other(len(clean) - white, *clean.shape[1:])]
        )
        noisy = stored(clean + self._sigma(len(clean)) * noise)
        return self.jpegs[int(torch.rand(1) < 0.4)].degrade(noisy, self.source)


def stored(images: Tensor) -> Tensor:
    """What a file of 8 bits holds of images."""
    return (images.clamp(0, 1) * 255).round() / 255


def to_grey(images: Tensor) -> Tensor:
    """Luminance, (batch, 1, height, width)."""
    return (images * images.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)


def load_photographs(folders: Sequence[Path]) -> tuple[list[np.ndarray], dict[str, list[str]]]:
    """Photographs to train on, and the content hashes of those that are learned and held out."""
    suffixes = (".jpg", ".png", ".webp")
    paths = sorted(
        path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes
    )
    with ThreadPoolExecutor() as pool:
        images = list(pool.map(lambda path: np.asarray(Image.open(path).convert("RGB")), paths))
    hashes: dict[str, list[str]] = {"learned": [], "held_out": []}
    training = []
    for image in images:
        content = content_hash(image)
        held_out = hold_out_position(content) < HELD_OUT
        hashes["held_out" if held_out else "learned"].append(content)
        if not held_out and min(image.shape[:2]) >= PATCH + MARGIN:
            training.append(image)
    return training, hashes


def train(
    photographs: PatchStore, drawings: PatchStore | None, seconds: float, seed: int
) -> tuple[dict[str, Tensor], int]:
    """The moving average of the weights after `seconds`, and the number of steps."""
    device, source = photographs.source.device, photographs.source
    mixture = NoiseMixture(source)
    torch.manual_seed(seed)
    module = NETWORK.build().to(device).to(memory_format=torch.channels_last)
    parameters = list(module.parameters())
    average = [weights.detach().clone() for weights in parameters]
    rate, decay = torch.tensor(1e-9, device=device), torch.tensor(0.0, device=device)
    optimiser = torch.optim.AdamW(
        parameters, lr=rate, betas=(0.9, 0.99), weight_decay=0, fused=True, capturable=True
    )

    def batch() -> list[Tensor]:
        made: list[Tensor] = []
        for colour in (True, False):
            drawn = 0 if drawings is None else BATCH // 12
            clean = photographs.patches(BATCH - drawn, PATCH + MARGIN)
            if drawings is not None:
                clean = torch.cat([clean, drawings.patches(drawn, PATCH + MARGIN)])
                clean = clean[torch.randperm(BATCH, generator=source, device=device)]
            made += mixture.degrade(clean if colour else to_grey(clean))
        return made

    static = (
        batch()
    )  # what the graph reads: degraded and clean in colour, degraded and clean in grey

    def step() -> None:
        optimiser.zero_grad(set_to_none=False)
        losses = []
        for degraded, clean in zip(static[::2], static[1::2], strict=True):
            with torch.autocast("cuda", dtype=torch.bfloat16, cache_enabled=False):
                restored = module(degraded.contiguous(memory_format=torch.channels_last))
            errors = (restored.float() - clean).square().mean((1, 2, 3))
            losses.append(
                torch.log(errors + WEAKEST).mean()
            )  # PSNR: light noise weighs as much as heavy
        torch.stack(losses).sum().backward()
        torch.nn.utils.clip_grad_norm_(parameters, 2.0, foreach=True)
        optimiser.step()
        for kept, weights in zip(average, parameters, strict=True):
            kept.lerp_(weights.detach(), 1 - decay)

    for weights in parameters:
        weights.grad = torch.zeros_like(weights)
    main, maker = torch.cuda.current_stream(), torch.cuda.Stream()
    maker.wait_stream(main)
    with torch.cuda.stream(maker):
        for _ in range(3):
            step()
    main.wait_stream(maker)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()

    count, started, before = 0, time.perf_counter(), None
    while (share := (time.perf_counter() - started) / seconds) < 1:
        fall = max(0.5 * (1 + math.cos(math.pi * share)), 1e-3)
        rate.fill_(LEARNING_RATE * min(1.0, (count + 1) / WARMUP) * fall)
        decay.fill_(min(0.9995 if share > 0.3 else 0.998, (1 + count) / (10 + count)))
        with torch.cuda.stream(maker):  # the next batch is made while the graph runs
            made = batch()
        main.wait_stream(maker)
        for buffer, fresh in zip(static, made, strict=True):
            buffer.copy_(fresh)
            fresh.record_stream(main)
        graph.replay()
        if before is not None:
            maker.wait_event(before)  # at most one step ahead
        before, count = main.record_event(), count + 1
    names = [name for name, _ in module.named_parameters()]
    return dict(zip(names, average, strict=True)), count


def main() -> None:
    """Read the options, train, and write weights and facts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders of photographs"
    )
    parser.add_argument(
        "--drawings",
        type=Path,
        help="folder of drawings and rendered text, a twelfth of each batch",
    )
    parser.add_argument("--seconds", type=float, default=535)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("This needs a CUDA GPU. On a processor use restorae train.")
    source = torch.Generator("cuda").manual_seed(options.seed)
    images, hashes = load_photographs(options.data)
    drawings = None
    if options.drawings is not None:
        drawn = [
            np.asarray(Image.open(path).convert("RGB"))
            for path in sorted(options.drawings.glob("*.png"))
        ]
        drawings = PatchStore(drawn, source)
    weights, steps = train(PatchStore(images, source), drawings, options.seconds, options.seed)
    save_file(
        {name: tensor.half().cpu() for name, tensor in weights.items()},
        options.out.with_suffix(".safetensors"),
    )
    facts = {
        "network": NETWORK.to_dict(),
        "steps": steps,
        "gpu": torch.cuda.get_device_name(),
        **hashes,
    }
    options.out.with_suffix(".json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
