"""Colouring of grey films from references: the colouriser against colours carried by optical flow, and a global transfer.

    python benchmarks/film/colouring.py [choose | test] [frames per clip]

The first frame of each clip is the reference. `choose` takes five clips that settings may be chosen on, `test` those that are
reported. Every fourth frame is scored, in floats: PSNR of RGB clipped to [0, 1], CIE 1976 colour difference, and the ratio of
mean chroma to that of the truth.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
from learning.data import place_of
from settings import Bench

from film.data import SEQUENCES
from restorae.colouring.matching import ReferenceCells
from restorae.colouring.opponent import BT601
from restorae.colouring.references import KnownColours, Reference
from restorae.colouring.sizes import resize, working_size
from restorae.film.alignment import flow_between, motion_of, prepare_for_flow
from restorae.film.colour.carrying import prepare
from restorae.film.colour.coloured_frames import ColouredFrames
from restorae.film.colour.fusing import bundled_fuser
from restorae.film.colour.own_frames import OwnFrameFinder
from restorae.film.colour.track import Tracker
from restorae.film.frame_restorer import RestoredFrame
from restorae.film.shots import Shots
from restorae.formats import read_still

CHOOSE = ("camel", "dance-twirl", "drift-straight", "parkour", "soapbox")
EVERY = 4
LARGE, LARGE_FRAMES = 1080, 9


@dataclass(frozen=True)
class Clip:
    """A clip with its colours."""

    name: str
    rgb: np.ndarray
    """(frames, height, width, 3) float32."""

    @property
    def opponent(self) -> list[tuple[np.ndarray, np.ndarray]]:
        return [BT601.to_opponent(each) for each in self.rgb]


class FloatPlanes:
    """Stands for a film's planes: luma in, chroma out, nothing rounded."""

    def luma(self, planes):
        return planes[0]

    def coloured(self, planes, chroma):
        return [planes[0], resize(chroma, planes[0].shape)]


class Unchanged:
    """Stands for the restorer before."""

    tile, notices = 0, ()

    def restore(self, frames, first=0):
        for number, luma in enumerate(frames):
            yield RestoredFrame(frame=luma, planes=[luma], record={"frame": number})


def read_clip(folder: Path, frames: int | None) -> Clip:
    files = sorted(folder.glob("*.jpg"))[:frames]
    return Clip(folder.name, np.stack([read_still(each) for each in files]) / np.float32(255))


def coloured(lumas: Sequence[np.ndarray], references: list[tuple[np.ndarray, np.ndarray]]):
    """Chroma of all frames by the colouriser, each reference luma and chroma; and CPU seconds a frame."""
    fuser, begun = bundled_fuser(), time.process_time()
    finder, cells = OwnFrameFinder(working_size(*lumas[0].shape)), []
    for luma, chroma in references:
        size = working_size(*luma.shape)
        whole = (0, size[0], 0, size[1])
        reference = Reference(
            path=Path("reference"),
            luma=resize(luma, size),
            chroma=resize(chroma, size),
            content=whole,
        )
        finder.add(reference)
        cells.append(ReferenceCells.of(reference))
    for number, luma in enumerate(lumas):
        finder.see(number, prepare(luma)[0])
    with tempfile.TemporaryDirectory() as folder:
        tracker = Tracker(
            Path(folder),
            cells,
            shots=Shots(),
            of_shot=lambda shot: list(range(len(cells))),
            own=finder.found(lambda frame: range(len(cells))),
            own_colours=lambda number: KnownColours(chroma=references[number][1]),
            count=len(lumas),
            fuser=fuser,
        )
        for number, luma in enumerate(lumas):
            tracker.see(number, *prepare(luma))
        frames = ColouredFrames(
            Unchanged(),
            FloatPlanes(),
            track=tracker.finish(),
            own_colours=lambda number: KnownColours(chroma=references[number][1]),
            names=["reference"] * len(references),
            fuser=fuser,
        )
        found = [each.planes[1] for each in frames.restore(lumas)]
    return found, (time.process_time() - begun) / len(lumas)


def carried_by_flow(clip: Clip) -> list[np.ndarray]:
    """Chroma of the first frame carried from frame to frame by DIS optical flow alone."""
    opponent = clip.opponent
    prepared = [prepare_for_flow(luma) for luma, _ in opponent]
    chroma = opponent[0][1]
    found = [chroma]
    for before, after in pairwise(prepared):
        flow = flow_between(after, before)
        rows, columns = flow.shape[:2]
        grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).astype(np.float32)
        chroma = cv2.remap(
            chroma, grid + flow, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        found.append(chroma)
    return found


def transferred(clip: Clip) -> list[np.ndarray]:
    """Mean and spread of Lab taken over from the reference, luma kept (Reinhard et al., Color Transfer between Images, 2001).

    Of a grey frame only the mean of its chroma is defined; its spread follows luma by the reference's regression.
    """
    luma, chroma = clip.opponent[0]
    centred = luma - luma.mean()
    slope = (centred[..., None] * chroma).mean((0, 1)) / np.square(centred).mean()
    mean = chroma.mean((0, 1))
    found = []
    for other, _ in clip.opponent:
        tones = (other - other.mean()) * (luma.std() / max(float(other.std()), 1e-6))
        found.append((mean + tones[..., None] * slope).astype(np.float32))
    return found


def lab(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.ascontiguousarray(rgb, np.float32), cv2.COLOR_RGB2LAB)


def scores(clip: Clip, chroma: Sequence[np.ndarray], frames: Sequence[int]) -> np.ndarray:
    """PSNR, colour difference and saturation ratio, means over frames."""
    found = []
    for at in frames:
        rgb = np.clip(BT601.to_rgb(clip.opponent[at][0], chroma[at]), 0, 1)
        one, other = lab(rgb), lab(clip.rgb[at])
        difference = np.sqrt(np.square(one - other).sum(-1)).mean()
        saturation = (
            np.hypot(*one[..., 1:].transpose(2, 0, 1)).mean()
            / np.hypot(*other[..., 1:].transpose(2, 0, 1)).mean()
        )
        error = np.square(rgb - clip.rgb[at]).mean()
        found.append((-10 * np.log10(error + 1e-12), difference, saturation))
    return np.mean(found, 0)


def flicker(clip: Clip, chroma: Sequence[np.ndarray]) -> float:
    """Warping error of chroma along the clean clip's flow, over that of the truth."""
    opponent = clip.opponent
    prepared = [prepare_for_flow(luma) for luma, _ in opponent]
    ours = truth = 0.0
    for at in range(1, len(prepared)):
        one, other = prepared[at], prepared[at - 1]
        flows = flow_between(one, other), flow_between(other, one)
        height, width = clip.rgb.shape[1:3]
        motion = motion_of(one, other, flows, height=height, width=width)
        sure = (motion.validity > 0.9)[..., None]

        def error(before, after, motion=motion, sure=sure):
            moved = cv2.remap(
                before, motion.source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            return float((np.square(moved - after) * sure).sum())

        ours += error(np.asarray(chroma[at - 1], np.float32), np.asarray(chroma[at], np.float32))
        truth += error(opponent[at - 1][1], opponent[at][1])
    return float(np.sqrt(ours / truth))


def measure(clip: Clip, unrelated: Clip) -> dict[str, float]:
    opponent = clip.opponent
    lumas, first = [luma for luma, _ in opponent], opponent[0]
    later = range(EVERY, len(lumas), EVERY)
    result, seconds = coloured(lumas, [first])
    spread = [round(each) for each in np.linspace(0, len(lumas) - 1, 4)]
    four, _ = coloured(lumas, [opponent[each] for each in spread])
    with_unrelated, _ = coloured(lumas, [first, unrelated.opponent[0]])
    methods = {
        "grey": [np.zeros_like(first[1])] * len(lumas),
        "transfer": transferred(clip),
        "flow": carried_by_flow(clip),
        "ours": result,
        "four": four,
        "unrelated": with_unrelated,
    }
    found = {}
    for name, chroma in methods.items():
        psnr, difference, saturation = scores(clip, chroma, later)
        found |= {f"{name} psnr": psnr, f"{name} ΔE": difference, f"{name} saturation": saturation}
    found["own ΔE"] = scores(clip, result, [0])[1]
    found["flicker"] = flicker(clip, result)
    found["flow flicker"] = flicker(clip, methods["flow"])
    large = LARGE, round(LARGE * lumas[0].shape[1] / lumas[0].shape[0])
    enlarged = Clip(clip.name, np.stack([resize(each, large) for each in clip.rgb[:LARGE_FRAMES]]))
    big, _ = coloured([luma for luma, _ in enlarged.opponent], [first])
    found["saturation at 1080"] = scores(enlarged, big, [LARGE_FRAMES - 1])[2]
    return found | {"seconds": seconds}


def main(which: str, frames: int | None) -> None:
    video = place_of(Bench(), "video")
    names = CHOOSE if which == "choose" else SEQUENCES
    folder = video / ("davis-train" if which == "choose" else "davis-test")
    clips = [read_clip(folder / name, frames) for name in names]
    found = []
    for index, clip in enumerate(clips):
        measured = measure(clip, clips[(index + 1) % len(clips)])
        found.append(measured)
        print(
            clip.name, " ".join(f"{key} {value:.3f}" for key, value in measured.items()), flush=True
        )
    print(
        "mean", " ".join(f"{key} {np.mean([each[key] for each in found]):.3f}" for key in found[0])
    )


if __name__ == "__main__":
    words = sys.argv[1:]
    main(words[0] if words else "choose", int(words[1]) if len(words) > 1 else None)
