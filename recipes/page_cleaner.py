"""Third stage of the bundled model `page-cleaner`: real documents, handwriting and faint ink.

    python recipes/page_cleaner.py train DATA MINUTES CHECKPOINT
    python recipes/page_cleaner.py validate DATA [CHECKPOINT]
    python recipes/page_cleaner.py pack CHECKPOINT MODEL

DATA holds `documents/real` and `dirty-documents` as named in `docs/data.md`. Training starts from the bundled weights. An example
is one of five kinds (`SHARES`):

- a made page (`make_pages.py`) with drawn damage, as in the stages before;
- a made page as it is, or only with noise, which must come back unchanged;
- a real document. Its target is white paper with the ink that its black and white image names: how much darker than the
  surrounding paper a pixel is, relative to the mean of the ink around it, so that faded ink becomes black and soft edges stay;
- a pair of `dirty-documents`, of the layouts and backgrounds that the benchmark trains on;
- ink on real paper: the paper of a document with its ink filled in, stains and ink of the other side left as they are, and on it
  the strokes of another document, of a made page, or drawn handwriting, of any strength, even or uneven.

The loss counts pixels near ink three times and thin strokes seven times, because there are few of them: without weights, commas
become full stops and thin strokes open. Of the 52 documents, sorted by name, every third is for tests, every sixth of the others
for validation; 28 are learned from.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from make_pages import page
from timed_training import Example, Examples, Schedule, train

from restorae.degradations import Degradation
from restorae.model import Model, load
from restorae.version import VERSION

SIDE = 160
SHARES = {"made": 0.27, "clean": 0.05, "document": 0.20, "pair": 0.16, "composite": 0.32}
DAMAGE = Degradation.of(
    "fading(strength=0.0..0.7,contrast=0.4,tone=0.5..0.9,unevenness=0.0..0.5) | "
    "folds(count=0..6,width=0.0,tilt=45,shading=0.05..0.3) | "
    "creases(count=0..25,size=0.3..1.0,strength=0.05..0.25,lines=0.0..0.4) | "
    "stains(count=0..3,size=0.5..2.0,strength=0.1..0.7) | vignette(strength=0.0..0.3) | "
    "bleed-through(strength=0.0..0.3) | speckle(sigma=0.0..0.05) | gaussian-noise(sigma=0.0..0.04) | blur(sigma=0.0..0.7)"
)
TEST_LAYOUTS, TEST_BACKGROUNDS = (1, 4, 7, 10, 13), (2, 3)
"""Of dirty-documents; the benchmark chooses or tests on them."""
RATE, BATCH, SEED = 5e-4, 5, 1
DATA_IN_WORDS = (
    "made pages (recipes/make_pages.py: words that nobody wrote, typefaces of matplotlib) with drawn damage; ink and paper of 28 of "
    "52 crops of real documents (DIBCO 2009 to 2018, MSI, Nabuco, Bickley, Persian heritage, MCS), of which every third, sorted by "
    "name, and every sixth of the others were held out; 26 pairs of dirty-documents of other layouts and backgrounds than the "
    "benchmark is scored on; drawn handwriting"
)
LUMA = np.float32([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Document:
    """A real document."""

    image: np.ndarray
    """(height, width, 3) float32, 0 to 1."""
    ink: np.ndarray
    """(height, width) bool."""


def document_names(data: Path) -> dict[str, list[str]]:
    """Names of the documents to train on, to validate on, and to test on."""
    names = sorted(each.stem for each in (data / "documents/real/degraded").iterdir())
    tests = names[::3]
    others = [each for each in names if each not in tests]
    validation = others[::6]
    train_on = [each for each in others if each not in validation]
    return {"train": train_on, "validation": validation, "test": tests}


def read_document(data: Path, name: str) -> Document:
    """A document and its ink."""
    image = cv2.imread(str(data / f"documents/real/degraded/{name}.webp"), cv2.IMREAD_COLOR)
    ink = cv2.imread(str(data / f"documents/real/binary/{name}.png"), cv2.IMREAD_GRAYSCALE)
    return Document(image[..., ::-1].astype(np.float32) / 255, ink < 128)


def read_pairs(data: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of dirty-documents that share neither layout nor background with those that are tested on."""
    folder = data / "dirty-documents"
    with (folder / "pairs.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["folder"] == "train"]
    return [
        tuple(
            cv2.imread(str(folder / part / f"{row['number']}.png"), 0).astype(np.float32) / 255
            for part in ("train", "train_cleaned")
        )
        for row in rows
        if int(row["layout"]) not in TEST_LAYOUTS and int(row["background"]) not in TEST_BACKGROUNDS
    ]


def mean_around(values: np.ndarray, where: np.ndarray, sigma: float) -> np.ndarray:
    """The mean of the values around each pixel, of those that count."""
    total = cv2.GaussianBlur(values * where, (0, 0), sigma)
    return total / (cv2.GaussianBlur(where, (0, 0), sigma) + 1e-4)


def paper_of(document: Document) -> np.ndarray:
    """A document with its ink filled in, with the grain of paper from elsewhere."""
    near = cv2.dilate(document.ink.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    bare = (~near).astype(np.float32)
    grain = document.image - cv2.GaussianBlur(document.image, (0, 0), 2)
    grain = np.roll(grain * bare[..., None], (17, 23), (0, 1))
    planes = np.moveaxis(document.image, -1, 0)
    filled = np.stack([mean_around(each, bare, 6) for each in planes], -1) + grain
    return np.where(near[..., None], filled, document.image).clip(0, 1)


def target_of(document: Document) -> np.ndarray:
    """White paper, and ink as dark as the ink around it is on average."""
    near = cv2.dilate(document.ink.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    bare, inked = (~near).astype(np.float32), document.ink.astype(np.float32)
    soft = cv2.GaussianBlur(inked, (0, 0), 0.6)
    found = []
    for plane in np.moveaxis(document.image, -1, 0):
        paper = np.maximum(mean_around(plane, bare, 12), 0.05)
        darkness = (1 - plane / paper).clip(0, 1) * soft
        usual = np.maximum(mean_around(darkness, inked, 25), 0.06)
        found.append(1 - (0.85 * darkness / usual).clip(0, 1) * (soft > 0.05))
    return np.stack(found, -1).astype(np.float32)


def handwriting(side: int, chance: np.random.Generator) -> np.ndarray:
    """Pen strokes along lines, 1 where there is ink; no letters of any script."""
    sheet = np.zeros((2 * side, 2 * side), np.uint8)
    line, slant = chance.uniform(16, 60), chance.uniform(-0.4, 0.6)
    down, pen = chance.uniform(0, line), chance.uniform(0.8, line / 9)
    while down < 2 * side + line:
        across = chance.uniform(-20, 10)
        while across < 2 * side:
            count = int(chance.integers(3, 14))
            corners = across + np.cumsum(chance.uniform(0.15, 0.55, count) * line * 0.35)
            heights = down + chance.normal(0, 0.28, count) * line * 0.6
            corners = corners + (down - heights) * slant
            times = np.linspace(0, count - 1, count * 4)
            path = [
                np.convolve(
                    np.pad(np.interp(times, range(count), each), 2, "edge"), np.ones(5) / 5, "valid"
                )
                for each in (corners, heights)
            ]
            points = np.rint(np.stack(path, -1) * 8).astype(int).tolist()
            for at, (start, end) in enumerate(pairwise(points)):
                width = max(1, round(pen * 2 * (0.6 + 0.4 * np.sin(at * 0.7 + count))))
                cv2.line(sheet, start, end, 255, width, cv2.LINE_AA, 3)
            if chance.random() < 0.25:  # a dot above
                dot = (int(corners[-1]), int(down - line * 0.4))
                cv2.circle(sheet, dot, max(1, int(pen)), 255, -1, cv2.LINE_AA)
            across = corners[-1] + chance.uniform(0.1, 0.6) * line
        down += line
    start = side // 2
    return sheet[start : start + side, start : start + side].astype(np.float32) / 255


def made_page(number: int) -> np.ndarray:
    """A clean page that is drawn, (height, width)."""
    return np.array(page(random.Random(number)), np.float32) / 255  # noqa: S311 (no secret)


class Drawer:
    """Draws examples; pages and handwriting are kept for a while, since drawing them is slow."""

    def __init__(self, data: Path, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        self.generator = torch.Generator().manual_seed(seed)
        documents = [read_document(data, each) for each in document_names(data)["train"]]
        self.images = [each.image for each in documents]
        self.inks = [each.ink.astype(np.float32) for each in documents]
        self.papers = [paper_of(each).astype(np.float32) for each in documents]
        self.targets = [target_of(each) for each in documents]
        self.pairs = read_pairs(data)
        self.pages: list[np.ndarray] = []
        self.hands: list[np.ndarray] = []

    def __call__(self) -> Example:
        kind = self.chance.choice(list(SHARES), p=list(SHARES.values()))
        degraded, clean = getattr(self, f"_{kind}")()
        degraded, clean = (np.ascontiguousarray(each, np.float32) for each in (degraded, clean))
        return degraded, clean, weights_of(clean)

    def _made(self) -> Sequence[np.ndarray]:
        clean = self._cut([self._scaled([self._page()], 0.8, 1.5)[0]])[0]
        image = torch.from_numpy(np.ascontiguousarray(clean))[None, None]
        return DAMAGE.degrade(image, self.generator)[0, 0].numpy(), clean

    def _clean(self) -> Sequence[np.ndarray]:
        clean = self._cut([self._page()])[0]
        return (self._recorded(clean) if self.chance.random() < 0.5 else clean), clean

    def _document(self) -> Sequence[np.ndarray]:
        at = self._below(len(self.images))
        pair = self._cut(self._scaled([self.images[at], self.targets[at]], 0.6, 1.3))
        degraded, clean = self._one_channel(pair)
        if self.chance.random() < 0.5:
            degraded = degraded ** self.chance.uniform(0.75, 1.3) * self.chance.uniform(0.8, 1.1)
        return self._recorded(degraded), clean

    def _pair(self) -> Sequence[np.ndarray]:
        return self._cut(list(self.pairs[self._below(len(self.pairs))]))

    def _composite(self) -> Sequence[np.ndarray]:
        chance = self.chance
        source = self.papers[self._below(len(self.papers))]
        paper = self._one_channel(self._cut(self._scaled([source], 0.5, 1.4)))[0]
        if chance.random() < 0.5:
            paper = paper[:, ::-1]
        paper = paper ** chance.uniform(0.7, 1.4) * chance.uniform(0.75, 1.1)
        ink = cv2.GaussianBlur(
            np.ascontiguousarray(self._strokes()), (0, 0), chance.uniform(0.35, 0.8)
        )
        strength = chance.uniform(0.25, 0.98)
        if chance.random() < 0.5:
            uneven = chance.uniform(0, 0.2) * self._field(chance.uniform(6, 40))
            strength = np.clip(strength + uneven, 0.18, 1)
        ink_shade = chance.uniform(0, 0.35) * chance.random()
        degraded = paper * (1 - ink * strength * (1 - ink_shade))
        if chance.random() < 0.3:  # ink of the other side shines through
            back = 1 - self._page() if chance.random() < 0.5 else self.inks[self._below()]
            back = cv2.GaussianBlur(
                np.ascontiguousarray(self._cut([back])[0][:, ::-1]),
                (0, 0),
                chance.uniform(0.8, 2.5),
            )
            degraded = degraded * (1 - back * chance.uniform(0.05, 0.45) * np.min(strength))
        return self._recorded(degraded), 1 - ink * np.clip(0.8 + 0.2 * strength, 0, 1)

    def _strokes(self) -> np.ndarray:
        """Ink, 1 where there is some."""
        kind = self.chance.random()
        if kind < 0.45:
            return self._cut(self._scaled([self.inks[self._below()]], 0.5, 1.3))[0]
        if kind < 0.75:
            return self._cut([1 - self._page()])[0]
        self._renew(self.hands, 40, 0.05, lambda: handwriting(2 * SIDE, self.chance))
        return self._cut(self._scaled([self.hands[self._below(len(self.hands))]], 0.6, 1.4))[0]

    def _page(self) -> np.ndarray:
        def drawn() -> np.ndarray:
            return made_page(int(self.chance.integers(1000, 10**9)))

        self._renew(self.pages, 60, 0.01, drawn)
        return self.pages[self._below(len(self.pages))]

    def _renew(self, kept: list[np.ndarray], most: int, share: float, draw) -> None:
        if len(kept) < most:
            kept.append(draw())
        elif self.chance.random() < share:
            kept[self._below(most)] = draw()

    def _below(self, count: int | None = None) -> int:
        return int(self.chance.integers(count or len(self.inks)))

    def _cut(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """The same random square of images of one size."""
        height, width = images[0].shape[:2]
        missing = (0, max(0, SIDE - height)), (0, max(0, SIDE - width))
        images = [
            np.pad(each, (*missing, *((0, 0),) * (each.ndim - 2)), mode="reflect")
            for each in images
        ]
        top, left = (int(self.chance.integers(max(1, side - SIDE + 1))) for side in (height, width))
        return [each[top : top + SIDE, left : left + SIDE] for each in images]

    def _scaled(self, images: list[np.ndarray], least: float, most: float) -> list[np.ndarray]:
        factor = float(np.exp(self.chance.uniform(np.log(least), np.log(most))))
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        return [cv2.resize(each, None, fx=factor, fy=factor, interpolation=how) for each in images]

    def _one_channel(self, images: list[np.ndarray]) -> list[np.ndarray]:
        channel = self._below(6)
        return [each[..., channel] if channel < 3 else each @ LUMA for each in images]

    def _field(self, sigma: float) -> np.ndarray:
        noise = cv2.GaussianBlur(
            self.chance.standard_normal((SIDE, SIDE)).astype(np.float32), (0, 0), sigma
        )
        return noise / (noise.std() + 1e-6)

    def _recorded(self, image: np.ndarray) -> np.ndarray:
        """Uneven light, blur, noise and JPEG, each sometimes."""
        chance = self.chance
        if chance.random() < 0.3:
            light = 1 + chance.uniform(0, 0.12) * self._field(chance.uniform(15, 60))
            image = image * light.clip(0.4, 1.3)
        if chance.random() < 0.3:
            image = cv2.GaussianBlur(np.ascontiguousarray(image), (0, 0), chance.uniform(0.3, 0.8))
        if chance.random() < 0.6:
            image = image + chance.uniform(0, 0.05) * chance.standard_normal(image.shape)
        if chance.random() < 0.3:
            stored = np.rint(image.clip(0, 1) * 255).astype(np.uint8)
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(chance.integers(40, 96))]
            image = cv2.imdecode(cv2.imencode(".jpg", stored, quality)[1], 0) / np.float32(255)
        return image.clip(0, 1) if chance.random() < 0.7 else image


def weights_of(clean: np.ndarray) -> np.ndarray:
    """How much each pixel counts."""
    ink = (clean < 0.7).astype(np.uint8)
    thick = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    thin = cv2.dilate(ink & ~thick & 1, np.ones((3, 3), np.uint8))
    near = cv2.dilate(ink, np.ones((5, 5), np.uint8))
    return (1 + 2 * near + 4 * thin).astype(np.float32)


def restored(module: torch.nn.Module, image: np.ndarray) -> np.ndarray:
    """A grey page, (height, width), as the network restores it."""
    height, width = image.shape
    padded = np.pad(image, ((0, -height % 16), (0, -width % 16)), mode="edge")
    with torch.no_grad():
        found = module(torch.from_numpy(padded.astype(np.float32))[None, None])
    return found[0, 0, :height, :width].clamp(0, 1).numpy()


def otsu(image: np.ndarray) -> np.ndarray:
    """Where ink is, by one threshold for the whole image (Otsu, 1979)."""
    stored = np.rint(image.clip(0, 1) * 255).astype(np.uint8)
    threshold, _ = cv2.threshold(stored, 0, 255, cv2.THRESH_OTSU)
    return stored <= threshold


def sauvola(image: np.ndarray, window: int = 61, k: float = 0.1) -> np.ndarray:
    """Where ink is, by a threshold for each pixel (Sauvola, Pietikäinen, 2000); the best of 20 settings on training documents."""
    mean, square = (
        cv2.boxFilter(each, -1, (window, window), borderType=cv2.BORDER_REFLECT)
        for each in (image, image * image)
    )
    deviation = np.sqrt(np.maximum(square - mean * mean, 0))
    return image < mean * (1 + k * (deviation / 0.5 - 1))


def f_measure(found: np.ndarray, truth: np.ndarray) -> float:
    """Harmonic mean of precision and recall of ink."""
    return 2 * (found & truth).sum() / max(found.sum() + truth.sum(), 1)


def lost_and_gained(clean: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Connected components of ink: how many there are, are lost, and are gained."""
    one, other = ((each < 0.5).astype(np.uint8) for each in (clean, found))
    (count, labels), (others, other_labels) = map(cv2.connectedComponents, (one, other))
    near = cv2.dilate(one, np.ones((3, 3), np.uint8)) > 0
    kept = np.setdiff1d(labels[(one > 0) & (other > 0)], 0).size
    known = np.setdiff1d(other_labels[near & (other > 0)], 0).size
    return np.array([count - 1, count - 1 - kept, others - 1 - known])


def score(data: Path, module: torch.nn.Module, part: str) -> None:
    """Print scores of documents of a part, and of 12 made pages that were not learned from."""
    rows = []
    for name in document_names(data)[part]:
        document = read_document(data, name)
        grey = document.image @ LUMA
        found = otsu(grey), sauvola(grey), otsu(restored(module, grey))
        rows.append([f_measure(each, document.ink) for each in found])
        print(name, *(f"{each:.3f}" for each in rows[-1]))
    print("F-measure: Otsu, Sauvola, restored and Otsu:", *np.mean(rows, 0).round(4))
    errors, counts = [], np.zeros((2, 3))
    for number in range(240, 252):
        clean = made_page(number)
        generator = torch.Generator().manual_seed(number)
        degraded = DAMAGE.degrade(torch.from_numpy(clean)[None, None], generator)[0, 0].numpy()
        found = restored(module, degraded)
        errors.append(np.sqrt(np.square(found - clean).mean()))
        counts += [lost_and_gained(clean, each) for each in (found, restored(module, clean))]
    print(f"made pages: RMSE {np.mean(errors):.4f}")
    for name, (count, lost, gained) in zip(("degraded", "clean"), counts, strict=True):
        print(
            f"{name}: of {count:.0f} components {lost / count:.2%} lost, {gained / count:.2%} gained"
        )


def pack(checkpoint: Path, target: Path) -> None:
    """Write a checkpoint as a model. Its bounds are measured afterwards, by `restorae models calibrate`."""
    model, kept = load("page-cleaner"), torch.load(checkpoint, weights_only=True)
    before = model.card
    model.module.load_state_dict(kept["average"])
    facts = {
        "about": "Pages, printed or written by hand: removes stains, creases, shadows and what shines through, and whitens paper.",
        "undoes": None,
        "recipe": {
            "clean": "pages-and-documents",
            "name": "page-cleaner",
            "script": "recipes/page_cleaner.py",
            "patch": SIDE,
            "batch_size": BATCH,
            "seed": SEED,
        },
        "started_from": f"{before.name}: {before.steps:,} steps on made pages, {before.seconds:,.0f} s, after {before.started_from}",
        "data": DATA_IN_WORDS,
        "steps": kept["step"],
        "epochs": 0.0,
        "seconds": round(kept["seconds"]),
        "trained_on": "AMD EPYC, one thread of a busy machine",
        "scores": {},
        "error_bounds": {},
        "history": [],
        "made_with": VERSION,
        "created": date.today().isoformat(),
        "licence": "Apache-2.0 for the weights; some of the documents it learned from have no stated licence",
    }
    card = before.model_copy(update=facts)
    Model(model.network, model.module, card=card).save(target, half=True, overwrite=True)


def module_of(checkpoint: Path | None) -> torch.nn.Module:
    """The bundled weights, or a checkpoint's average."""
    module = load("page-cleaner").module
    if checkpoint:
        module.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
    return module.eval()


def main() -> None:
    """Train, validate, test or pack."""
    verb, *words = sys.argv[1:]
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    paths = [Path(each) for each in words]
    if verb == "train":
        schedule = Schedule(minutes=float(words[1]), rate=RATE, batch=BATCH, seed=SEED)
        examples = Examples(Drawer(paths[0], schedule.seed), schedule.seed)
        train(load("page-cleaner").module, examples, schedule, paths[2])
    elif verb in ("validate", "test"):
        part = {"validate": "validation"}.get(verb, verb)
        score(paths[0], module_of(paths[1] if paths[1:] else None), part)
    elif verb == "pack":
        pack(paths[0], paths[1])


if __name__ == "__main__":
    main()
