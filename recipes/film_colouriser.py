"""Trains `film-colouriser`: `python recipes/film_colouriser.py examples|train|validate …`.

    python recipes/film_colouriser.py examples DATA FOLDER SECONDS [MODEL]
    python recipes/film_colouriser.py train FOLDER MINUTES OUT
    python recipes/film_colouriser.py validate DATA [MODEL ...]
    python recipes/film_colouriser.py pack CHECKPOINT MODEL STEPS SECONDS

DATA holds clips and photographs as named in `docs/data.md`: `video/davis-train`, `photos-train`, `photos-more`. `examples` colours
clips as restorae does, of damaged luma and from references that are drawn, and notes what there was to choose from; with MODEL
the network chooses, so that it learns from its own mistakes. Photographs are moved by a drawn camera. `train` learns from such
folders what to take. Three clips (`VALIDATION`) are never trained on: `validate` scores these.

The bundled weights were trained by an earlier form of this script, on 509 examples, for 600 steps with a weight of 0.005 for faded
colours and at a learning rate of 1.5e-3, then for 558 steps of the present form. Grey was a fifth source then; it made colours pale
and was left out afterwards. On the first 33 frames of the validation clips, first frame as reference, the first rule has 29.88 dB, ΔE
5.05 and 0.854 of the saturation, with the network 30.02 dB, 4.98 and 0.865; with grey it had 30.14 dB, 4.87 and 0.786. With a mirrored
frame as the only reference 26.65 dB, 7.45 and 0.730 become 26.86 dB, 7.20 and 0.720; with an unrelated reference beside the first
frame 29.82 dB, 5.15 and 0.848 become 29.95 dB, 5.09 and 0.857.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from restorae.colouring.matching import ReferenceCells
from restorae.colouring.opponent import BT601, LumaWeights
from restorae.colouring.references import Reference
from restorae.colouring.sizes import resize
from restorae.data.moving_stills import move_over
from restorae.film.colour.carrying import Prepared, Step, prepare
from restorae.film.colour.coloured_frames import ColouredFrames
from restorae.film.colour.fusing import Choices, Fuser, Sources
from restorae.film.colour.track import Tracker
from restorae.film.frame_restorer import FrameRestorer, RestoredFrame
from restorae.film.shots import Shots
from restorae.formats import read_still
from restorae.model import Model, load
from restorae.model.card import make_card
from restorae.networks import ColourFusion

VALIDATION = ("dance-twirl", "drift-straight", "parkour")
KEPT_SHARE = 0.25
"""Share of the frames between anchors that become examples."""
STILL_SIDE, STILL_FRAMES = 272, 20


@dataclass(frozen=True)
class Clip:
    """A clip in colour."""

    name: str
    rgb: np.ndarray
    """(frames, height, width, 3) float32, 0 to 1."""


class Recorder(Fuser):
    """Notes what there is to choose from, and what would have been right."""

    def __init__(self, network, truth: dict[int, np.ndarray], random: np.random.Generator) -> None:
        super().__init__(network)
        self.truth, self.random, self.found = truth, random, []

    def __call__(self, luma, carried, shares=(1.0, 1.0), *, matched=None, weight=0.0):
        self.at = id(luma)
        self.is_kept = matched is not None or self.random.random() < KEPT_SHARE
        return super().__call__(luma, carried, shares, matched=matched, weight=weight)

    def fuse(self, sources: Sources) -> tuple[Tensor, Tensor]:
        if self.is_kept:
            matched = functional.avg_pool2d(sources.matched, 8)
            planes = [sources.luma[0], torch.from_numpy(self.truth[self.at]).permute(2, 0, 1)]
            planes = torch.cat([*planes, sources.carried[0].flatten(0, 1)]).half()
            weights = torch.cat([sources.shares[0], sources.weight]).half()
            self.found.append((planes.numpy(), matched[0].half().numpy(), weights.numpy()))
        return super().fuse(sources)


class Frames(FrameRestorer):
    """Frames as they are."""

    def __init__(self) -> None:
        self.tile, self.notices = 0, []

    def restore(self, frames, first=0):
        for number, luma in enumerate(frames):
            yield RestoredFrame(frame=luma, planes=[luma], repairs=None, record={"frame": number})


class Planes:
    """Stands for a film's planes: luma in, chroma out."""

    def luma(self, planes):
        return planes[0]

    def coloured(self, planes, chroma):
        return [planes[0], chroma]


def damaged(rgb: np.ndarray, random: np.random.Generator) -> list[np.ndarray]:
    """Luma as film of some kind shows it: another mixture of colours, tone, blur, grain and flicker."""
    weights = BT601
    if random.random() < 0.6:  # from panchromatic to blind for red
        weights = LumaWeights(red=random.uniform(0, 0.5), blue=random.uniform(0.05, 0.4))
    gamma, blur = random.uniform(0.7, 1.4), max(0.0, random.uniform(-0.8, 1.0))
    grain, size = max(0.0, random.uniform(-0.02, 0.05)), random.uniform(0.3, 0.8)
    flicker = max(0.0, random.uniform(-0.03, 0.04))
    found = []
    for frame in rgb:
        luma = weights.to_opponent(frame)[0].clip(0, 1) ** gamma
        if blur > 0.3:
            luma = cv2.GaussianBlur(luma, (0, 0), blur)
        noise = random.standard_normal(luma.shape, np.float32)
        noise = cv2.GaussianBlur(noise, (0, 0), size)
        luma = luma * (1 + flicker * random.standard_normal()) + grain / noise.std() * noise
        found.append(np.clip(luma, 0, 1).astype(np.float32))
    return found


class Steps:
    """Motions between frames, found once for several runs."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int], Step] = {}

    def __call__(self, earlier: Prepared, later: Prepared) -> Step:
        key = zlib.crc32(earlier), zlib.crc32(later)
        if key not in self._found:
            self._found[key] = Step.between(earlier, later)
        return self._found[key]


def reference_of(luma: np.ndarray, chroma: np.ndarray, size: tuple[int, int]) -> Reference:
    """A reference without borders, at a working size."""
    return Reference(
        path=Path("reference"),
        luma=resize(luma, size),
        chroma=resize(chroma, size),
        content=(0, size[0], 0, size[1]),
    )


def coloured(
    lumas: list[np.ndarray],
    *,
    references: list[tuple[np.ndarray, np.ndarray]],
    own: dict[int, int],
    fuser: Fuser,
    step: Callable[[Prepared, Prepared], Step] = Step.between,
    prepared: list[tuple[np.ndarray, Prepared]],
) -> list[np.ndarray]:
    """Chroma of frames, coloured as in use; references are luma and chroma at working sizes."""
    size = prepared[0][0].shape
    cells = [ReferenceCells.of(reference_of(*each, each[0].shape)) for each in references]
    folder = tempfile.TemporaryDirectory()
    tracker = Tracker(
        Path(folder.name),
        cells,
        shots=Shots(),
        of_shot=lambda shot: list(range(len(references))),
        own=own,
        own_chroma=lambda number: resize(references[number][1], size),
        count=len(lumas),
        fuser=fuser,
        step=step,
    )
    for number, each in enumerate(prepared):
        tracker.see(number, *each)
    frames = ColouredFrames(
        Frames(),
        Planes(),
        track=tracker.finish(),
        own_chroma=lambda number: resize(references[number][1], size),
        names=["reference"] * len(references),
        fuser=fuser,
        step=step,
    )
    with folder:
        return [each.planes[1] for each in frames.restore([luma for luma, _ in prepared])]


def examples_of(
    clip: Clip, others: Callable[[], np.ndarray], network, random: np.random.Generator, runs: int
) -> list[tuple[np.ndarray, ...]]:
    """Examples from a clip, of one kind of damage and several drawings of references."""
    lumas = damaged(clip.rgb, random)
    prepared = [prepare(luma) for luma in lumas]
    size = prepared[0][0].shape
    truth = [resize(BT601.to_opponent(each)[1], size) for each in clip.rgb]
    steps, count, found = Steps(), len(lumas), []
    at_truth = {id(luma): each for (luma, _), each in zip(prepared, truth, strict=True)}

    def of_clip(at: int, is_mirrored: bool = False) -> tuple[np.ndarray, np.ndarray]:
        as_film = random.random() < 0.5
        luma = prepared[at][0] if as_film else resize(BT601.to_opponent(clip.rgb[at])[0], size)
        return (luma[:, ::-1], truth[at][:, ::-1]) if is_mirrored else (luma, truth[at])

    for _ in range(runs):
        numbers = random.choice(count, size=random.choice([0, 1, 2, 3], p=[0.12, 0.48, 0.25, 0.15]))
        own_frames = sorted({0 if random.random() < 0.3 else int(each) for each in numbers})
        references = [of_clip(frame) for frame in own_frames]
        if not references and random.random() < 0.6:
            references.append(of_clip(int(random.integers(count)), is_mirrored=True))
        if not references or random.random() < 0.35:
            references += [
                tuple(resize(each, size) for each in BT601.to_opponent(others()))
                for _ in range(random.integers(1, 3))
            ]
        recorder = Recorder(network, at_truth, random)
        coloured(
            lumas,
            references=references,
            own={frame: number for number, frame in enumerate(own_frames)},
            fuser=recorder,
            step=steps,
            prepared=prepared,
        )
        found += recorder.found
    return found


def read_clip(folder: Path, first: int = 0, count: int | None = None) -> Clip:
    """Some frames of a folder."""
    files = sorted(folder.glob("*.jpg"))[first:][:count]
    return Clip(folder.name, np.stack([read_still(each) for each in files]) / np.float32(255))


def photographs(data: Path) -> list[Path]:
    """Files of photographs."""
    folders = ("photos-train", "photos-more/cid22", "photos-more/clic2025", "photos-more/cc0")
    return sorted(
        path
        for folder in folders
        for path in (data / folder).rglob("*")
        if path.suffix.lower() in (".jpg", ".webp", ".png")
    )


def read_photograph(path: Path) -> np.ndarray:
    """RGB, (height, width, 3) float32, 0 to 1."""
    stored = read_still(path)
    stored = np.stack([stored] * 3, -1) if stored.ndim == 2 else stored[..., :3]
    return stored.astype(np.float32) / np.float32(np.iinfo(stored.dtype).max)


def moved(paths: list[Path], random: np.random.Generator) -> Clip:
    """A clip of a photograph seen by a moving camera, with cut-outs of others in front."""
    chosen = random.choice(len(paths), 1 + random.integers(0, 3), replace=False)
    images = [
        torch.from_numpy(read_photograph(paths[each])).permute(2, 0, 1).contiguous()
        for each in chosen
    ]
    generator = torch.Generator().manual_seed(int(random.integers(2**31)))
    frames = move_over(
        images[0], images[1:], frames=STILL_FRAMES, patch=STILL_SIDE, generator=generator
    )
    return Clip("still", frames.permute(0, 2, 3, 1).contiguous().numpy())


def make_examples(data: Path, folder: Path, seconds: float, model: str | None) -> None:
    """Make examples for some seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(zlib.crc32(folder.name.encode()))
    network = module_of(model) if model else None
    clips = [
        each
        for each in sorted((data / "video" / "davis-train").iterdir())
        if each.is_dir() and each.name not in VALIDATION
    ]
    photos, ends = photographs(data), time.monotonic() + seconds

    def other() -> np.ndarray:
        return read_photograph(photos[random.integers(len(photos))])

    number = 0
    while time.monotonic() < ends:
        if number % 3 < 2:
            length = 34
            place = clips[(number - number // 3) % len(clips)]
            whole = len(list(place.glob("*.jpg")))
            clip = read_clip(place, int(random.integers(max(1, whole - length))), length)
            found = examples_of(clip, other, network, random, runs=3)
        else:
            found = examples_of(moved(photos, random), other, network, random, runs=2)
        for planes, matched, weights in found:
            name = f"{number:05d}-{random.integers(2**31):010d}.npz"
            np.savez(folder / name, planes=planes, matched=matched, weights=weights)
        print(number, clip.name if number % 3 < 2 else "still", len(found), flush=True)
        number += 1


CROP, BATCH = 64, 8
RATE, STEPS = 1.5e-3, 4000
"""Side of crops at half the working size, and how many make a step."""


def halved_example(path: Path) -> Tensor:
    """Truth and choices of an example, (21, rows, columns)."""
    stored = np.load(path)
    planes, cells, weights = (
        torch.from_numpy(stored[name].astype(np.float32))
        for name in ("planes", "matched", "weights")
    )
    size = planes.shape[1], planes.shape[2]
    matched = functional.interpolate(cells[None], size, mode="bilinear", align_corners=False)
    sources = Sources(
        luma=planes[None, :1],
        carried=planes[None, 3:].unflatten(1, (2, 4)),
        shares=weights[None, :2],
        matched=matched,
        weight=weights[2:],
    )
    found = Choices.of(sources)
    truth = functional.avg_pool2d(planes[None, 1:3], 2)
    parts = [truth, found.chroma.flatten(1, 2), found.luma, found.weights, found.trusts]
    return torch.cat([*parts, found.differences, found.known], 1)[0].half()


def batches(folders: list[Path], random: np.random.Generator) -> Iterator[tuple[Choices, Tensor]]:
    """Crops of examples with hues turned: the choice must not depend on which colours there are."""
    known: dict[Path, Tensor] = {}
    for step in itertools.count():
        if step % 200 == 0:  # examples may still be made
            for path in (each for folder in folders for each in folder.glob("*.npz")):
                if path not in known:
                    try:
                        known[path] = halved_example(path)
                    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
                        continue  # is being written
            values = list(known.values())
        drawn = random.integers(len(values), size=BATCH)
        planes = torch.stack([_crop(values[each], random) for each in drawn])
        truth, chroma, luma, weights, trusts, differences, known_ = torch.split(
            planes, [2, 8, 1, 4, 3, 2, 1], 1
        )
        choices = Choices(
            luma=luma,
            chroma=chroma.unflatten(1, (4, 2)),
            weights=weights,
            trusts=trusts,
            differences=differences,
            known=known_,
        )
        yield choices, truth


def _crop(example: Tensor, random: np.random.Generator) -> Tensor:
    top, left = (int(random.integers(side - CROP + 1)) for side in example.shape[1:])
    cut = example[:, top : top + CROP, left : left + CROP].float()
    angle, strength = random.uniform(0, 2 * np.pi), random.uniform(0.7, 1.4)
    turn = strength * torch.tensor(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], dtype=torch.float32
    )
    if random.random() < 0.5:
        turn = turn.flip(0)
    colours = cut[:10].view(5, 2, CROP, CROP)
    cut[:10] = torch.einsum("ij,njhw->nihw", turn, colours).reshape(10, CROP, CROP)
    if random.random() < 0.5:
        cut = cut.flip(-1)
    if random.random() < 0.5:  # time runs backwards
        cut = cut[[0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 10, 12, 11, 13, 14, 16, 15, 17, 19, 18, 20]]
    return cut


def loss_of(
    shares: Tensor, trust: Tensor, choices: Choices, truth: Tensor
) -> tuple[Tensor, Tensor]:
    """What is to be small, and the mean squared error."""
    chroma = (shares[:, :, None] * choices.chroma).sum(1)
    squares = (chroma - truth).square().sum(1, keepdim=True)
    distance = (squares + 0.01**2).sqrt()
    right = 1 / (1 + squares.detach() / 0.04**2)
    trusted = functional.binary_cross_entropy(trust.clamp(1e-4, 1 - 1e-4), right)
    strengths = [each.square().sum(1).add(1e-6).sqrt().mean((1, 2)) for each in (chroma, truth)]
    faded = (strengths[0] - strengths[1]).abs() / (strengths[1] + 0.02)
    return (
        distance.mean() + 4 * squares.mean() + 0.01 * trusted + 0.03 * faded.mean(),
        squares.mean() / 2,
    )


def train(folders: list[Path], minutes: float, out: Path, steps: int = STEPS) -> None:
    """Train for some minutes or steps, whichever end first; a checkpoint is written every three minutes."""
    torch.manual_seed(5)
    random = np.random.default_rng(5)
    network = ColourFusion()
    module, average = network.build(), network.build()
    start = Path(f"{out}.start")
    if start.exists():
        module.load_state_dict(torch.load(start, weights_only=True))
    average.load_state_dict(module.state_dict())
    optimiser = torch.optim.AdamW(module.parameters(), lr=RATE, weight_decay=1e-4)
    begun, saved, step = time.monotonic(), time.monotonic(), 0
    sums = np.zeros(3)
    for choices, truth in batches(folders, random):
        spent = (time.monotonic() - begun) / 60
        if spent > minutes or step == steps:
            break
        progress = max(spent / minutes, step / steps)
        rate = RATE * min(1, (step + 1) / 50) * (0.5 + 0.5 * np.cos(np.pi * progress))
        for group in optimiser.param_groups:
            group["lr"] = max(rate, 1e-6)
        loss, error = loss_of(*choices.weigh(module), choices, truth)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 0.5)
        optimiser.step()
        kept = min(0.995, step / (step + 20))
        with torch.no_grad():
            for mean, new in zip(average.parameters(), module.parameters(), strict=True):
                mean.lerp_(new, 1 - kept)
            rule = loss_of(*choices.weigh(None), choices, truth)
        sums += loss.item(), error.item() / rule[1].item(), loss.item() / rule[0].item()
        step += 1
        if step % 50 == 0:
            print(
                f"{step} {spent:.1f} min, loss {sums[0] / 50:.5f}, error over that of the rule "
                f"{sums[1] / 50:.4f}, loss {sums[2] / 50:.4f}",
                flush=True,
            )
            sums[:] = 0
        if time.monotonic() - saved > 180:
            save(average, out, step, time.monotonic() - begun)
            saved = time.monotonic()
    save(average, out, step, time.monotonic() - begun)


def save(module: torch.nn.Module, out: Path, step: int, seconds: float) -> None:
    """Write a checkpoint, whole or not at all."""
    torch.save(module.state_dict(), f"{out}.part")
    Path(f"{out}.part").replace(f"{out}.ckpt")
    print("saved", step, round(seconds), flush=True)


def validate(data: Path, models: list[str]) -> None:
    """Score the validation clips, coloured by the first rule and by models."""
    fusers = {"rule": Fuser()} | {each: Fuser(module_of(each)) for each in models}
    places = [data / "video" / "davis-train" / name for name in VALIDATION]
    clips = [read_clip(place, 0, 41) for place in places]
    totals: dict[tuple[str, str], list[np.ndarray]] = {}
    for index, clip in enumerate(clips):
        opponent = [BT601.to_opponent(each) for each in clip.rgb]
        lumas = [luma for luma, _ in opponent]
        prepared, steps = [prepare(luma) for luma in lumas], Steps()
        size = prepared[0][0].shape
        working = [(resize(luma, size), resize(chroma, size)) for luma, chroma in opponent]
        last, middle = len(clip.rgb) - 1, len(clip.rgb) // 2
        foreign = BT601.to_opponent(clips[(index + 1) % len(clips)].rgb[0])
        foreign = tuple(resize(each, size) for each in foreign)
        mirrored = tuple(each[:, ::-1] for each in working[middle])
        settings = {
            "first": ([working[0]], {0: 0}),
            "ends": ([working[0], working[last]], {0: 0, last: 1}),
            "unrelated": ([working[0], foreign], {0: 0}),
            "similar": ([mirrored], {}),
            "foreign": ([foreign], {}),
        }
        for setting, (references, own) in settings.items():
            for name, fuser in fusers.items():
                found = coloured(
                    lumas,
                    references=references,
                    own=own,
                    fuser=fuser,
                    step=steps,
                    prepared=prepared,
                )
                later = range(4, len(lumas) - 1, 4)
                scored = np.mean([scores(clip.rgb[at], lumas[at], found[at]) for at in later], 0)
                totals.setdefault((setting, name), []).append(scored)
                print(clip.name, setting, name, scored.round(3), flush=True)
    for (setting, name), each in totals.items():
        print("mean", setting, name, np.mean(each, 0).round(3))


def scores(truth: np.ndarray, luma: np.ndarray, chroma: np.ndarray) -> tuple[float, float, float]:
    """PSNR of RGB, CIE 1976 colour difference, ratio of saturation to that of the truth."""
    rgb = np.clip(BT601.to_rgb(luma, resize(chroma, luma.shape)), 0, 1)
    one, other = (cv2.cvtColor(each, cv2.COLOR_RGB2LAB) for each in (rgb, truth))
    psnr = -10 * np.log10(np.square(rgb - truth).mean() + 1e-12)
    strengths = [np.hypot(each[..., 1], each[..., 2]).mean() for each in (one, other)]
    return psnr, np.sqrt(np.square(one - other).sum(-1)).mean(), strengths[0] / strengths[1]


def module_of(path: str) -> torch.nn.Module:
    """A bundled model, one in a file, or a checkpoint."""
    if not path.endswith(".ckpt"):
        return load(path).module.eval()
    module = ColourFusion().build()
    module.load_state_dict(torch.load(path, weights_only=True))
    return module.eval()


def pack(checkpoint: Path, target: Path, steps: int, seconds: float) -> None:
    """Write a checkpoint as a model with its card."""
    network, module = ColourFusion(), module_of(str(checkpoint))
    card = make_card(
        network,
        module,
        name="film-colouriser",
        about="Coloured films: how far colours carried from both sides, matched and spread are right, pixel by pixel.",
        restores=False,
        recipe={
            "clean": "photos-and-seven-clips",
            "name": "film-colouriser",
            "script": "recipes/film_colouriser.py",
            "patch": 2 * CROP,
            "batch_size": BATCH,
            "seed": 5,
        },
        data="509 examples of seven sequences of DAVIS 2016 (davis-train without dance-twirl, drift-straight and parkour, by "
        "which it was chosen), and of photographs moved by a drawn camera or taken as unrelated references (BSDS500 train and "
        "test parts, CID22, CLIC 2025, gb82, Budgie backgrounds)",
        steps=steps,
        seconds=seconds,
        trained_on="AMD EPYC, one thread of a busy machine",
        licence="Apache-2.0 for the weights; trained on BSDS500 photographs (licence not stated at the source), CID22 "
        "(CC BY-SA 4.0), CLIC 2025 (Unsplash License), CC0 photographs and DAVIS clips (CC BY 4.0)",
    )
    Model(network, module, card=card).save(target, half=True, overwrite=True)


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    if verb == "examples":
        make_examples(
            Path(words[0]), Path(words[1]), float(words[2]), words[3] if words[3:] else None
        )
    elif verb == "train":
        train([Path(each) for each in words[:-2]], float(words[-2]), Path(words[-1]))
    elif verb == "validate":
        validate(Path(words[0]), words[1:])
    elif verb == "pack":
        pack(Path(words[0]), Path(words[1]), int(words[2]), float(words[3]))
