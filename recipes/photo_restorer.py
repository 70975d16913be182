"""Third stage of the bundled model `photo-restorer`: cracks, scratches, hairs and dust as old prints have them.

    python recipes/photo_restorer.py train DATA MINUTES CHECKPOINT
    python recipes/photo_restorer.py validate DATA [CHECKPOINT]
    python recipes/photo_restorer.py pack CHECKPOINT MODEL

DATA holds `photos-train`, `photos-more` and `film-damage` as named in `docs/data.md`. Training starts from the bundled weights. The
stages before drew short straight scratches and a fold at the most, so the network left cracks and took road markings for scratches.
Here, cracks branch and change their width from 1 to 12 pixels, scratches are straight or bent, whole or broken, dust and flakes are
polygons, and 976 stamps of hairs, lint, dirt and stains are laid on, each light or dark. Nearly half of the examples have nothing but
defects, and one in seven of those has none, so that what is sound is learned to be left alone; the others also fade, lose
sharpness, and gain grain and JPEG. Defects count four times in the loss. Every third step is in grey.

Of the 306 photographs of photos-more, sorted by name, every 24th from the fourth on is for validation, and every 24th from the 16th on
for tests.
"""

from __future__ import annotations

import io
import math
import sys
import tarfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from timed_training import Example, Examples, Schedule, train
from torch import Tensor

from restorae.model import Model, load
from restorae.model.separating import separate
from restorae.separation import Separation
from restorae.version import VERSION

SIDE, RATE, BATCH, SEED = 144, 6e-4, 6, 1
LEFT_OUT = "12003"
"""A photograph of BSDS500 of which Set12 shows a part."""
LUMA = np.float32([0.299, 0.587, 0.114])
DEFECTS_ONLY = Separation(tone=0.0, defects_only=True)

Layer = tuple[np.ndarray, float]
"""How much a defect covers of each pixel, (height, width), 0 to 1, and its brightness."""


def photographs(data: Path) -> dict[str, list[Path]]:
    """Files to train on, to validate on, and to test on."""
    folders = [data / "photos-more" / each for each in ("cid22", "clic2025", "cc0")]
    more = [each for folder in folders for each in folder.iterdir()]
    more.sort(key=str)
    held_out = {"validation": more[3::24], "test": more[15::24]}
    others = sorted((data / "photos-train").glob("bsds500-*/*.jpg"), key=str)
    learned = [each for each in more if not any(each in part for part in held_out.values())]
    return {"train": learned + [each for each in others if each.stem != LEFT_OUT], **held_out}


def read_photograph(path: Path) -> np.ndarray:
    """RGB, (height, width, 3) uint8."""
    return cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]


def read_stamps(data: Path) -> list[np.ndarray]:
    """Drawn hairs, lint, dirt, scratches and stains at half size, uint8."""
    found = []
    for name in ("synthetic-artefacts.tar", "more-artefacts.tar"):
        with tarfile.open(data / "film-damage" / name) as archive:
            for member in archive.getmembers():
                if member.name.endswith(".png"):
                    image = Image.open(io.BytesIO(archive.extractfile(member).read()))
                    found.append(np.array(image.convert("L").reduce(2)))
    return found


class Defects:
    """Draws what lies on a print."""

    def __init__(self, stamps: Sequence[np.ndarray], chance: np.random.Generator) -> None:
        self._stamps, self._chance = stamps, chance

    def __call__(self, size: tuple[int, int], many: float) -> list[Layer]:
        """Layers for an image of a size; `many` is 1 for a print in a bad state."""
        height, width = size
        usual = many * height * width / 160**2
        counts: list[tuple[Callable[[int, int], np.ndarray], float, float]] = [
            (self._crack, 0.9, 0.6),
            (self._scratch, 0.9, 0.3),
            (self._speck, 4.0 * (self._chance.random() < 0.6), 0.5),
            (self._flake, 0.35, 1.0),
            (self._stamp, 0.8, 0.6),
        ]
        return [
            (draw(height, width) * self._chance.uniform(least, 1), self._brightness())
            for draw, expected, least in counts
            for _ in range(self._chance.poisson(expected * usual))
        ]

    def _brightness(self) -> float:
        is_light = self._chance.random() < 0.6
        return self._chance.uniform(0.75, 1) if is_light else self._chance.uniform(0, 0.25)

    def _crack(self, height: int, width: int) -> np.ndarray:
        chance = self._chance
        thickness = float(np.exp(chance.uniform(np.log(0.8), np.log(9))))
        path = self._walk(height, width, chance.uniform(0.05, 0.5), chance.uniform(0, 0.9))
        drawn = self._line((height, width), path, thickness)
        for _ in range(chance.integers(0, 4)):
            branch = self._walk(height, width, 0.3, 0.3)[: chance.integers(4, 14)]
            branch = branch - branch[0] + path[chance.integers(len(path))]
            thinner = thickness * chance.uniform(0.3, 0.8)
            drawn = np.maximum(drawn, self._line((height, width), branch, thinner))
        return drawn

    def _scratch(self, height: int, width: int) -> np.ndarray:
        chance = self._chance
        middle = np.array([chance.uniform(0, width), chance.uniform(0, height)])
        angle = chance.choice([0, np.pi / 2, chance.uniform(0, np.pi)]) + chance.normal(0, 0.06)
        length = chance.uniform(0.2, 2) * max(height, width)
        along = np.linspace(-0.5, 0.5, 24)
        bend = 40 * chance.normal(0, 0.0006) * length * along**2
        ahead, aside = (
            np.array([np.cos(angle), np.sin(angle)]),
            np.array([-np.sin(angle), np.cos(angle)]),
        )
        path = middle + length * along[:, None] * ahead + bend[:, None] * aside
        thickness = float(np.exp(chance.uniform(np.log(0.6), np.log(4))))
        drawn = self._line((height, width), path, thickness)
        if chance.random() < 0.3:  # broken
            cells = chance.random((max(2, height // 20), max(2, width // 20))).astype(np.float32)
            drawn = drawn * (cv2.resize(cells, (width, height)) > chance.uniform(0.2, 0.5))
        return drawn

    def _speck(self, height: int, width: int) -> np.ndarray:
        return self._polygon(
            height, width, float(np.exp(self._chance.uniform(np.log(0.6), np.log(5))))
        )

    def _flake(self, height: int, width: int) -> np.ndarray:
        return self._polygon(height, width, self._chance.uniform(3, 9))

    def _stamp(self, height: int, width: int) -> np.ndarray:
        chance = self._chance
        stamp = self._stamps[chance.integers(len(self._stamps))]
        factor = chance.uniform(0.2, 0.9)
        stamp = cv2.resize(stamp, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        stamp = np.rot90(stamp, chance.integers(4)).astype(np.float32) / 255
        rows, columns = stamp.shape
        top = int(chance.integers(-rows // 2, height - rows // 2))
        left = int(chance.integers(-columns // 2, width - columns // 2))
        drawn = np.zeros((height, width), np.float32)
        inside = slice(max(top, 0), max(top + rows, 0)), slice(max(left, 0), max(left + columns, 0))
        there = drawn[inside]
        there[:] = stamp[inside[0].start - top :, inside[1].start - left :][
            : there.shape[0], : there.shape[1]
        ]
        return drawn

    def _walk(self, height: int, width: int, rough: float, straight: float) -> np.ndarray:
        """Corners of a path that turns at random, (corner, 2)."""
        chance = self._chance
        place = np.array([chance.uniform(0, width), chance.uniform(0, height)])
        angle, step = chance.uniform(0, 2 * np.pi), chance.uniform(3, 9)
        corners = [place]
        for _ in range(max(3, int(chance.uniform(0.2, 1.6) * max(height, width) / step))):
            angle += chance.normal(0, rough) * (1 - straight)
            now = angle + chance.normal(0, rough)
            place = place + step * np.array([np.cos(now), np.sin(now)])
            corners.append(place)
        return np.array(corners)

    def _line(self, size: tuple[int, int], path: np.ndarray, thickness: float) -> np.ndarray:
        """A line whose thickness wanders, with a soft border."""
        chance = self._chance
        drawn = np.zeros(size, np.uint8)
        points = np.rint(path * 8).astype(np.int32)
        widths = thickness * np.exp(np.cumsum(chance.normal(0, 0.15, len(path) - 1)))
        if thickness < 1.5:
            cv2.polylines(drawn, [points], False, 255, 1, cv2.LINE_AA, 3)
        else:
            for start, end, wide in zip(points, points[1:], widths, strict=False):
                rounded = max(1, round(min(wide, 1.8 * thickness)))
                cv2.line(drawn, start.tolist(), end.tolist(), 255, rounded, cv2.LINE_AA, 3)
        return _softened(drawn.astype(np.float32) / 255, chance.uniform(0, 0.8))

    def _polygon(self, height: int, width: int, radius: float) -> np.ndarray:
        chance = self._chance
        angles = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        radii, stretch = radius * chance.uniform(0.5, 1.3, 14), np.exp(chance.normal(0, 0.3))
        across = chance.uniform(0, width) + radii * stretch * np.cos(angles)
        down = chance.uniform(0, height) + radii / stretch * np.sin(angles)
        drawn = np.zeros((height, width), np.uint8)
        points = np.rint(np.stack([across, down], -1) * 8).astype(np.int32)
        cv2.fillPoly(drawn, [points], 255, cv2.LINE_AA, 3)
        return _softened(drawn.astype(np.float32) / 255, chance.uniform(0.3, 0.9))


def _softened(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma) if sigma > 0.25 else image


def laid_on(
    image: np.ndarray, layers: Sequence[Layer], chance: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The image with defects, and how much they cover of each pixel."""
    height, width = image.shape[:2]
    covered = np.zeros((height, width), np.float32)
    tint = chance.uniform(0.85, 1.05, 3) if chance.random() < 0.4 else np.ones(3)
    for cover, brightness in layers:
        grain = 1 + chance.uniform(0, 0.06) * chance.standard_normal((height, width, 1))
        share = cover[..., None]
        image = image * (1 - share) + brightness * tint * grain * share
        covered = np.maximum(covered, cover)
    return image.astype(np.float32), covered


class Drawer:
    """Draws examples."""

    def __init__(self, data: Path, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        self.images = [read_photograph(each) for each in photographs(data)["train"]]
        areas = np.minimum([each.shape[0] * each.shape[1] for each in self.images], 3e5)
        self.shares = areas / areas.sum()
        self.defects = Defects(read_stamps(data), self.chance)

    def __call__(self) -> Example:
        chance = self.chance
        clean = self._patch()
        degraded, covered = clean, np.zeros((SIDE, SIDE), np.float32)
        is_old = chance.random() < 0.55
        if is_old:
            degraded = self._faded(degraded)
        if chance.random() < 0.85:
            layers = self.defects((SIDE, SIDE), chance.choice([0.5, 1.0, 1.6]))
            degraded, covered = laid_on(degraded, layers, chance)
        if is_old or chance.random() < 0.15:
            degraded = degraded + self._grain()
        degraded = degraded.clip(0, 1)
        if chance.random() < (0.5 if is_old else 0.2):
            stored = np.rint(degraded * 255).astype(np.uint8)
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(chance.integers(40, 98))]
            degraded = cv2.imdecode(cv2.imencode(".jpg", stored, quality)[1], 1) / np.float32(255)
        return degraded, clean, 1 + 3 * covered

    def _patch(self) -> np.ndarray:
        """A square of a photograph, at full or smaller size, (side, side, 3)."""
        chance = self.chance
        image = self.images[chance.choice(len(self.images), p=self.shares)]
        height, width = image.shape[:2]
        side = min(math.ceil(SIDE / chance.choice([1, 1, 0.5, 0.7])), height, width)
        top, left = (int(chance.integers(length - side + 1)) for length in (height, width))
        patch = image[top : top + side, left : left + side]
        if side != SIDE:
            patch = cv2.resize(patch, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        if chance.random() < 0.5:
            patch = patch[:, ::-1]
        if chance.random() < 0.25:
            patch = patch.transpose(1, 0, 2)
        return np.ascontiguousarray(patch, np.float32) / 255

    def _faded(self, image: np.ndarray) -> np.ndarray:
        """Less contrast, a cast, uneven brightness, blur, each sometimes."""
        chance = self.chance
        if chance.random() < 0.7:
            share, tone = chance.uniform(0, 0.5), chance.uniform(0.4, 0.85)
            image = image * (1 - share) + share * tone
            if chance.random() < 0.5:
                image = image * (
                    1 + chance.uniform(0, 0.18) * chance.normal(0, 1, 3).clip(-1.5, 1.5)
                )
            if chance.random() < 0.3:
                slope = np.linspace(-1, 1, SIDE, dtype=np.float32)
                down, across = chance.normal(0, 0.05, 2)
                image = image + (down * slope[:, None] + across * slope)[..., None]
        if chance.random() < 0.5:
            image = cv2.GaussianBlur(image.astype(np.float32), (0, 0), chance.uniform(0.3, 1.2))
        return image

    def _grain(self) -> np.ndarray:
        chance = self.chance
        strength = chance.uniform(0, 0.11) * np.sqrt(chance.random())
        noise = chance.standard_normal((SIDE, SIDE, 3)).astype(np.float32)
        if chance.random() < 0.5:
            noise[...] = noise[..., :1]
        if chance.random() < 0.4:
            noise = cv2.GaussianBlur(noise, (0, 0), chance.uniform(0.4, 0.9))
            noise /= noise.std()
        return strength * noise


def sometimes_grey(step: int, images: Tensor) -> Tensor:
    """Every third step in grey."""
    if step % 3 != 2:
        return images
    weights = torch.from_numpy(LUMA).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True)


def repaired(module: torch.nn.Module, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The image, (height, width, 3), with defects repaired and all else kept, and where they were found."""
    height, width = image.shape[:2]
    padded = np.pad(image, ((0, -height % 8), (0, -width % 8), (0, 0)), mode="edge")
    degraded, padded = (
        torch.from_numpy(np.ascontiguousarray(each.transpose(2, 0, 1), np.float32))[None]
        for each in (image, padded)
    )
    with torch.no_grad():
        restored = module(padded)[..., :height, :width]
    found, defects = separate(degraded, restored, DEFECTS_ONLY)
    return found[0].permute(1, 2, 0).numpy().clip(0, 1), defects[0, 0].numpy()


def psnr(error: np.ndarray) -> float:
    """In dB."""
    return -10 * float(np.log10(np.square(error).mean() + 1e-9))


def score(data: Path, module: torch.nn.Module, part: str) -> None:
    """Print scores of drawn defects on photographs of a part, at most 512 pixels wide and high; every third is grey."""
    rows, stamps = [], read_stamps(data)
    for number, path in enumerate(photographs(data)[part]):
        clean = read_photograph(path)[:512, :512].astype(np.float32) / 255
        if number % 3 == 2:
            clean = np.repeat((clean @ LUMA)[..., None], 3, -1)
        chance = np.random.default_rng(7000 + number)
        layers = Defects(stamps, chance)(clean.shape[:2], 0.5)
        degraded, covered = laid_on(clean, layers, chance)
        if number % 3 == 2:
            degraded = np.repeat((degraded @ LUMA)[..., None], 3, -1)
        degraded = np.rint(degraded.clip(0, 1) * 255) / np.float32(255)
        inside = covered > 0.1
        near = cv2.dilate(inside.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        found, mask = repaired(module, degraded)
        gain = psnr((found - clean)[inside]) - psnr((degraded - clean)[inside])
        outside = 255 * np.abs(found - degraded)[~near].mean()
        marked, strong = mask > 0.5, covered > 0.3
        precision = (marked & near).sum() / max(marked.sum(), 1)
        recall = (marked & strong).sum() / max(strong.sum(), 1)
        rows.append([gain, outside, precision, recall, psnr(repaired(module, clean)[0] - clean)])
        print(path.name, *np.round(rows[-1], 2), flush=True)
    names = "gain inside, dB; change outside, levels; precision; recall; clean against itself, dB"
    print(names, np.mean(rows, 0).round(2), "worst gain", round(min(each[0] for each in rows), 2))


def module_of(checkpoint: Path | None) -> torch.nn.Module:
    """The bundled weights, or a checkpoint's average."""
    module = load("photo-restorer").module
    if checkpoint:
        module.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
    return module.eval()


def pack(checkpoint: Path, target: Path) -> None:
    """Write a checkpoint as a model."""
    model, kept = load("photo-restorer"), torch.load(checkpoint, weights_only=True)
    before = model.card
    model.module.load_state_dict(kept["average"])
    facts = {
        "undoes": None,
        "recipe": {
            "clean": "photos",
            "name": "photo-restorer",
            "script": "recipes/photo_restorer.py",
            "patch": SIDE,
            "augment": True,
            "batch_size": BATCH,
            "seed": SEED,
        },
        "started_from": f"{before.name}: {before.steps:,} steps, {before.seconds:,.0f} s, after {before.started_from}",
        "data": "679 photographs: BSDS500 train and test parts without 12003 (Arbelaez, Maire, Fowlkes, Malik, 2011; licence not "
        "stated at the source); Cloudinary CID22 (CC BY-SA 4.0), CLIC 2025 (Unsplash License), gb82 and Budgie backgrounds (CC0), of "
        "which 26 were held out; drawn defects, and 976 drawn stamps of FilmDamageSimulator (MIT)",
        "steps": kept["step"],
        "epochs": 0.0,
        "seconds": round(kept["seconds"]),
        "trained_on": "AMD EPYC, one thread of a busy machine",
        "scores": {},
        "error_bounds": {},
        "history": [],
        "made_with": VERSION,
        "created": date.today().isoformat(),
        "licence": "Apache-2.0 for the weights; some of the photographs it learned from have no stated licence",
    }
    card = before.model_copy(update=facts)
    Model(model.network, model.module, card=card).save(target, half=True, overwrite=True)


def main() -> None:
    """Train, validate, test or pack."""
    verb, *words = sys.argv[1:]
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    paths = [Path(each) for each in words]
    if verb == "train":
        schedule = Schedule(minutes=float(words[1]), rate=RATE, batch=BATCH, seed=SEED)
        examples = Examples(Drawer(paths[0], schedule.seed), schedule.seed)
        train(load("photo-restorer").module, examples, schedule, paths[2], sometimes_grey)
    elif verb in ("validate", "test"):
        part = {"validate": "validation"}.get(verb, verb)
        score(paths[0], module_of(paths[1] if paths[1:] else None), part)
    elif verb == "pack":
        pack(paths[0], paths[1])


if __name__ == "__main__":
    main()
