"""BM3D's side of the benchmark, with nothing of restorae: it runs in build/peers-venv, which has no PyTorch."""

from __future__ import annotations

import argparse
import platform
import time
from importlib.metadata import version

import bm3d
import numpy as np
from worker_protocol import Line


def main() -> None:
    """Denoise the image that was opened last, as often as is asked."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--threads", type=int, required=True)
    options.add_argument(
        "--sigma", type=float, required=True, help="of the noise, on the [0, 1] scale"
    )
    chosen = options.parse_args()
    profile = bm3d.BM3DProfile()
    profile.num_threads = chosen.threads
    line, image = Line(), np.zeros((16, 16), np.float32)
    line.answer(versions={"bm3d": version("bm3d"), "python for bm3d": platform.python_version()})
    while True:
        request = line.request()
        try:
            if request["do"] == "open":
                image = np.load(request["image"]).astype(np.float32) / 255
                line.answer(shape=image.shape)
            else:
                started = time.perf_counter()
                bm3d.bm3d(image, chosen.sigma, profile)
                line.answer(seconds=time.perf_counter() - started)
        except (
            Exception
        ) as error:  # whatever it was belongs in the answer: the other side cannot see it
            line.answer(error=str(error), kind=type(error).__name__)


if __name__ == "__main__":
    main()
