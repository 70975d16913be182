"""Peak memory and CPU time of restoring a film, by its length: `python benchmarks/film/memory.py [colour] MODEL FRAMES...`.

Each film is 960 × 540, H.264, of a moving texture with noise. A child process restores it; its largest resident set is printed, and
its CPU time for a frame, start included. With `colour` it is also coloured from its first frame and two other images.
`python benchmarks/film/memory.py remaster` measures DeepRemaster's two networks on a quarter of such frames, where attention costs
them less for a pixel.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import av
import numpy as np
import torch

from film.remaster import BLOCK, RemasterC, RemasterR
from restorae.formats import write_still

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


def make_references(film: Path, folder: Path) -> None:
    """Write the film's first frame in some colours, and two other images."""
    random = np.random.default_rng(1)
    folder.mkdir()
    with av.open(str(film)) as opened:
        first = next(opened.decode(video=0)).to_ndarray(format="gray")
    for number, luma in enumerate([first, first[::-1], first.T]):
        tint = np.kron(
            random.uniform(-40, 40, (4, 4, 3)), np.ones((luma.shape[0] // 4, luma.shape[1] // 4, 1))
        )
        write_still(
            folder / f"{number}.png", np.clip(luma[..., None] + tint, 0, 255).astype(np.uint8)
        )


def measured(model: str, frames: int, in_colour: bool) -> tuple[float, float]:
    """Largest resident set of a process that restores such a film, in MiB, and its CPU seconds for a frame."""
    with tempfile.TemporaryDirectory() as folder:
        film, target = Path(folder) / "film.mp4", Path(folder) / "out.mp4"
        make_film(film, frames)
        command = [sys.executable, "-m", "restorae", "restore", str(film), "--out", str(target)]
        if in_colour:
            make_references(film, Path(folder) / "references")
            command += ["--references", str(Path(folder) / "references")]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*command, "--model", model, "--deflicker", "0"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return after.ru_maxrss / 1024, seconds / frames


def remaster_seconds() -> tuple[float, float]:
    """CPU seconds of DeepRemaster's networks for a frame of 960 × 544: restoring, and colouring from three references."""
    height, width = 272, 480
    block, references = torch.rand(1, 1, BLOCK, height, width), torch.rand(1, 3, 3, 256, 448)
    found = []
    for network, given in ((RemasterR(), (block,)), (RemasterC(), (block, references))):
        network.eval()
        with torch.inference_mode():
            begun = time.process_time()
            network(*given)
        found.append(4 * (time.process_time() - begun) / BLOCK)
    return found[0], found[1]


if __name__ == "__main__":
    words = sys.argv[1:]
    if words == ["remaster"]:
        restoring, colouring = remaster_seconds()
        print(f"DeepRemaster, CPU s a frame: restoring {restoring:.1f}, colouring {colouring:.1f}")
        sys.exit()
    in_colour = words[0] == "colour"
    model, *lengths = words[1:] if in_colour else words
    # the largest of all children is kept: shorter films come first
    for frames in sorted(map(int, lengths)):
        peak, seconds = measured(model, frames, in_colour)
        print(f"{model}: {frames:,} frames, {peak:,.0f} MiB, {seconds:.2f} s a frame", flush=True)
