"""PyTorch and ONNX Runtime on the same networks, in turn: `python benchmarks/runtimes.py [--rounds 8]` prints a table.

Both run in one process on one thread, and what is compared is processor time, so that other programs on the machine do not
decide. `restorae.exporting.runtime` holds the decision that rests on this.
"""

from __future__ import annotations

import argparse
import time

import torch
from interleaved_timing import Spread

from restorae.exporting.runtime import running_on
from restorae.model import load

WORK = (
    ("photo-denoiser", (1, 3, 512, 512)),
    ("photo-denoiser-fast", (1, 3, 512, 512)),
    ("digits-denoiser", (256, 1, 28, 28)),
)
"""Models, and the images that they restore, (batch, channels, height, width)."""


def measure(name: str, shape: tuple[int, ...], rounds: int) -> str:
    """A row of the table; the first round is not counted."""
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    usual = load(name)
    models = {"pytorch": usual, "onnx": running_on("onnx", usual)}
    taken: dict[str, list[float]] = {runtime: [] for runtime in models}
    results = {}
    for _ in range(rounds + 1):
        for runtime, model in models.items():
            start = time.process_time()
            results[runtime] = model.restore_images(images, precision="float32")
            taken[runtime].append(time.process_time() - start)
    difference = (results["pytorch"] - results["onnx"]).abs().max().item()
    counted = {runtime: seconds[1:] for runtime, seconds in taken.items()}
    megapixels = shape[0] * shape[-2] * shape[-1] / 1e6
    speeds = [
        Spread.of([megapixels / each for each in seconds]).to_text(3)
        for seconds in counted.values()
    ]
    ratio = Spread.of_ratios(counted["pytorch"], counted["onnx"]).to_text()
    return f"| {name} | {' × '.join(map(str, shape))} | {' | '.join(speeds)} | {ratio} | {difference:.1e} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    print(
        "| model | images | PyTorch, MP per second | ONNX Runtime, MP per second | speed-up | largest difference |"
    )
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for name, shape in WORK:
        print(measure(name, shape, rounds), flush=True)


if __name__ == "__main__":
    main()
