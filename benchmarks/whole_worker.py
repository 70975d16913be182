"""Whole images in memory, one way in each process: DnCNN, non-local means, restorae in tiles or not, and photos without the command.

Images are decoded and brought to [0, 1] before the clock starts, except in the plain loop over photos, whose point is that.
"""

from __future__ import annotations

import argparse
import platform
import resource
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from dncnn import DnCNN
from PIL import Image
from skimage.restoration import denoise_nl_means
from test_images import SIGMA
from worker_protocol import Line

import restorae
from restorae import machine
from restorae.errors import RestoraeError
from restorae.model.inference import restore_at_once
from restorae.pixels import as_array, as_batch
from restorae.process import prepare_process
from restorae.shapes import Images
from restorae.tile_size import is_out_of_memory

OUT_OF_MEMORY = "OutOfMemory"
_SHARE = 0.8


class Worker:
    """One way to restore, and the image at hand."""

    def __init__(
        self, line: Line, way: str, model: Path | None, precision: machine.Precision, channels: int
    ) -> None:
        self.line, self.precision = line, precision
        if model is not None:
            self.model = restorae.load(model).to("cpu")
        ways: dict[str, Callable[[Images], Images]] = {
            "tiled": lambda images: self.model.restore_images(images, precision),
            "untiled": lambda images: restore_at_once(self.model, images, precision=precision),
            "nlm": _nlm,
        }
        self.restored = _dncnn(channels) if way == "dncnn" else ways[way]
        self.images = torch.zeros(1, 1, 8, 8)

    def open(self, image: str) -> None:
        """Take a NumPy file in hand."""
        self.images = as_batch(np.load(image)[None])
        self.line.answer(shape=self.images.shape)

    def restore(self) -> None:
        """Restore it."""
        started = time.perf_counter()
        self.restored(self.images)
        self.line.answer(seconds=time.perf_counter() - started)

    def photos(self, files: list[str]) -> None:
        """Photos one by one, the network's time alone."""
        seconds = 0.0
        for file in files:
            images = as_batch(_decoded(file)[None])
            started = time.perf_counter()
            self.restored(images)
            seconds += time.perf_counter() - started
        self.line.answer(seconds=seconds)

    def loop(self, files: list[str], out: str) -> None:
        """Photos one by one as a reader would write it: open, restore whole, save."""
        started = time.perf_counter()
        Path(out).mkdir(parents=True, exist_ok=True)
        for file in files:
            restored = as_array(self.restored(as_batch(_decoded(file)[None])), np.uint8)[0]
            Image.fromarray(restored).save(Path(out) / Path(file).name, quality=95)
        self.line.answer(seconds=time.perf_counter() - started)

    def serve(self) -> None:
        """Do what is asked until nothing more is; an image that does not fit in memory is an answer too."""
        packages = {name: version(name) for name in ("torch", "scikit-image", "pillow")}
        versions = {
            "restorae": restorae.__version__,
            "python": platform.python_version(),
            **packages,
        }
        self.line.answer(machine=machine.describe(), versions=versions)
        verbs: dict[str, Callable[..., None]] = {
            "open": self.open,
            "restore": self.restore,
            "photos": self.photos,
            "loop": self.loop,
        }
        while True:
            request = self.line.request()
            try:
                verbs[request.pop("do")](**request)
            except (RestoraeError, MemoryError, RuntimeError) as error:
                self.line.answer(
                    error=str(error),
                    kind=OUT_OF_MEMORY if is_out_of_memory(error) else type(error).__name__,
                )


def _decoded(file: str) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image)


def _nlm(images: Images) -> Images:
    """scikit-image's fast non-local means with its defaults, told the noise."""
    return torch.from_numpy(
        denoise_nl_means(images[0, 0].numpy(), h=0.8 * SIGMA, sigma=SIGMA, fast_mode=True)
    )[None, None]


def _dncnn(channels: int) -> Callable[[Images], Images]:
    network = DnCNN(channels).eval()

    def restored(images: Images) -> Images:
        with torch.inference_mode():
            result: Images = network(images)
        return result

    return restored


def main() -> None:
    """Read the options and serve."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--way", required=True, choices=("dncnn", "nlm", "tiled", "untiled"))
    options.add_argument("--model", type=Path)
    options.add_argument("--precision", default="auto")
    options.add_argument(
        "--channels", type=int, default=1, help="of the images that DnCNN is built for"
    )
    chosen = options.parse_args()
    # rather an error here than a machine without memory, on which the kernel chooses who must go
    most = int(_SHARE * machine.available_memory())
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    prepare_process()  # as the command line does
    Worker(Line(), chosen.way, chosen.model, chosen.precision, chosen.channels).serve()


if __name__ == "__main__":
    main()
