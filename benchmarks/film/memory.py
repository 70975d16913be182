"""Peak memory and CPU time of restoring a film, by its length: `python benchmarks/film/memory.py [colour] MODEL FRAMES...`.

Each film is 960 × 540, H.264, of a moving texture with noise. A child process restores it; its largest resident set is printed, and
its CPU time for a frame, start included. With `colour` it is also coloured from its first frame and two other images.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import av
import numpy as np

from restorae.formats import write_still

SIZE = 540, 960
"""Height and width."""


def make_film(path: Path, frames: int, size: tuple[int, int] = SIZE) -> None:
    """Write a film of that many frames."""
    height, width = size
    random = np.random.default_rng(0)
    texture = np.kron(
        random.integers(40, 200, (-(-height // 12), -(-width // 6)), np.uint8), np.ones((12, 12))
    )[:height]
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            shift = number * 3 % width
            grey = texture[:, shift : shift + width] + random.integers(-8, 8, (height, width))
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
            random.uniform(-40, 40, (4, 4, 3)),
            np.ones((-(-luma.shape[0] // 4), -(-luma.shape[1] // 4), 1)),
        )[: luma.shape[0], : luma.shape[1]]
        write_still(
            folder / f"{number}.png", np.clip(luma[..., None] + tint, 0, 255).astype(np.uint8)
        )


def measured(
    model: str, frames: int, in_colour: bool, size: tuple[int, int] = SIZE
) -> tuple[float, float]:
    """Largest resident set of a process that restores such a film, in MiB, and its CPU seconds for a frame."""
    with tempfile.TemporaryDirectory() as folder:
        film, target = Path(folder) / "film.mp4", Path(folder) / "out.mp4"
        make_film(film, frames, size)
        command = [sys.executable, "-m", "restorae", "restore", str(film), "--out", str(target)]
        if in_colour:
            make_references(film, Path(folder) / "references")
            command += ["--references", str(Path(folder) / "references")]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*command, "--model", model, "--deflicker", "0"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return after.ru_maxrss / 1024, seconds / frames


if __name__ == "__main__":
    words = sys.argv[1:]
    in_colour = words[0] == "colour"
    model, *lengths = words[1:] if in_colour else words
    # the largest of all children is kept: shorter films come first
    for frames in sorted(map(int, lengths)):
        peak, seconds = measured(model, frames, in_colour)
        print(f"{model}: {frames:,} frames, {peak:,.0f} MiB, {seconds:.2f} s a frame", flush=True)
