"""A small film with colours, saved grey, and coloured from references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import RestoraeError
from restorae.film import FilmReport, FilmRequest, plan_films, restore_films
from restorae.restoring import RestoreRequest, RestorerPool
from tests.clips import av
from tests.known_restorer import identity

HEIGHT, WIDTH, STEP, FRAMES, OWN = 64, 96, 2, 10, 4
BT601, BT709, BT2020 = 5, 1, 9


def scene(frames: int = FRAMES) -> np.ndarray:
    """A texture with coarse colours that moves, (frames, height, width, 3) uint8."""
    random = np.random.default_rng(3)
    wide = WIDTH + STEP * FRAMES
    colours = enlarged(random.uniform(0.25, 0.75, (4, 7, 3)), wide)
    texture = enlarged(random.uniform(-0.15, 0.15, (20, 50, 1)), wide)
    whole = np.rint((colours + texture) * 255).astype(np.uint8)
    return np.stack([whole[:, at * STEP : at * STEP + WIDTH] for at in range(frames)])


def enlarged(knots: np.ndarray, width: int) -> np.ndarray:
    """Values between knots, (HEIGHT, width, channels), linear."""
    rows, columns, channels = knots.shape
    down = np.linspace(0, rows - 1, HEIGHT)
    across = np.linspace(0, columns - 1, width)
    tall = [
        [np.interp(down, range(rows), knots[:, x, c]) for c in range(channels)]
        for x in range(columns)
    ]
    full = [
        [np.interp(across, range(columns), line) for line in np.array(tall)[:, c].T]
        for c in range(channels)
    ]
    return np.stack([np.array(each) for each in full], -1)


def save(path: Path, colours: np.ndarray, layout: str = "gray", in_colour: bool = False) -> None:
    with av.open(str(path), "w") as out:
        video = out.add_stream("ffv1", rate=24)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, layout
        color_range = 2 if layout in ("gray", "gbrp10le") else 1
        video.codec_context.color_range = color_range
        video.codec_context.colorspace = 0 if layout == "gbrp10le" else BT601
        for number, rgb in enumerate(colours):
            grey = np.rint(rgb @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
            source = rgb if in_colour else np.repeat(grey[..., None], 3, 2)
            frame = av.VideoFrame.from_ndarray(source, format="rgb24")
            if layout == "gray":
                frame = av.VideoFrame.from_ndarray(grey, format="gray")
                frame.color_range = 2
            frame = frame.reformat(format=layout, dst_color_range=color_range)
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode(None))


def colour(
    source: Path, target: Path, *references: Path, check: Any = lambda: None, **asked: Any
) -> FilmReport:
    film = FilmRequest(lossless=True, deflicker=0, **asked.pop("film", {}))
    request = RestoreRequest(model="known", references=references, **asked)
    tasks = plan_films([source], target, resume=film.resume)
    return restore_films(tasks, request, film, RestorerPool.of(identity()), check=check)


def rgb_of(path: Path) -> np.ndarray:
    with av.open(str(path)) as film:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)])


def raise_first(report: FilmReport) -> None:
    for failure in report.failures:
        raise RestoraeError(failure.reason.render())
