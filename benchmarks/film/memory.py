"""Peak memory of restoring a film, by its length: `python benchmarks/film/memory.py MODEL FRAMES...`.

Each film is 960 × 540, H.264, of a moving texture with noise. A child process restores it; its largest resident set is printed.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT = 960, 540


def make_film(path: Path, frames: int) -> None:
    """Write a film of that many frames."""
    random = np.random.default_rng(0)
    texture = np.kron(
        random.integers(40, 200, (HEIGHT // 12, WIDTH // 6), np.uint8), np.ones((12, 12))
    )
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(frames):
            shift = number * 3 % WIDTH
            grey = texture[:, shift : shift + WIDTH] + random.integers(-8, 8, (HEIGHT, WIDTH))
            frame = av.VideoFrame.from_ndarray(grey.astype(np.uint8), format="gray")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))


def peak_mib(model: str, frames: int) -> float:
    """Largest resident set of a process that restores such a film, in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        film, target = Path(folder) / "film.mp4", Path(folder) / "out.mp4"
        make_film(film, frames)
        command = [sys.executable, "-m", "restorae", "restore", str(film), "--out", str(target)]
        subprocess.run([*command, "--model", model, "--deflicker", "0"], check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


if __name__ == "__main__":
    # the largest of all children is kept: shorter films come first
    for frames in sorted(map(int, sys.argv[2:])):
        print(
            f"{sys.argv[1]}: {frames:,} frames, {peak_mib(sys.argv[1], frames):,.0f} MiB",
            flush=True,
        )
