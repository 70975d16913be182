"""Draws the figures of the documentation: `python docs/make_figures.py` (nothing is downloaded).

Two auto-encoders are trained for the figure of planes, which takes about ten minutes on one core; the rest takes two.

Digits come from scikit-learn, photographs from scikit-image, everything else is computed here.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import skimage.data
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from PIL import Image
from skimage.transform import resize
from torch import Tensor, nn
from torch.nn import functional

from restorae import Degradation, Model, load
from restorae import train as train_model
from restorae.data import ArrayImages, Examples, open_images, open_labelled
from restorae.figures import digit_sheets, write_figure
from restorae.formats import write_still
from restorae.latent import manifold, tiled
from restorae.networks import Conv
from restorae.pixels import to_stored, to_working
from restorae.randomness import generator
from restorae.restoring.classical import Background, Inpaint

DAMAGE = Degradation.of("gaussian-noise(mean=0.5,sigma=0.3)")
STYLES = {
    "sigmoid + MSE": {"color": "tab:red"},
    "linear + MSE": {"color": "tab:blue"},
    "BCE on logits": {"color": "tab:green"},
}
WHITE = 0.8
DARK = 14
"""Side of the digits, in pixels, that makes the embedded ones as black as MNIST's."""
SEEDS = (0, 1)
STEPS = 80
SHORT = 40
BATCH = 128
PLANE_EPOCHS = 120
PLANE_GRID = 16
HOLE = 0.25
"""Standard deviations of the codes without any code: a hole in the plane."""
GREY: dict[str, Any] = {"cmap": "Greys_r", "vmin": 0, "vmax": 1, "aspect": "auto"}

KINDS = {
    "gaussian-noise": ("camera", "gaussian-noise(sigma=0.1)"),
    "poisson-noise": ("camera", "poisson-noise(peak=20)"),
    "speckle": ("camera", "speckle(sigma=0.4)"),
    "salt-and-pepper": ("astronaut", "salt-and-pepper(amount=0.1)"),
    "masking": ("astronaut", "masking(count=4,size=0.2)"),
    "blur": ("astronaut", "blur(sigma=2)"),
    "motion-blur": ("camera", "motion-blur(length=9,angle=30)"),
    "downscale": ("astronaut", "downscale(factor=4)"),
    "jpeg": ("astronaut", "jpeg(quality=10)"),
    "quantise": ("camera", "quantise(levels=5)"),
    "fading": ("astronaut", "fading(strength=0.7)"),
    "colour-cast": ("astronaut", "colour-cast(strength=0.5)"),
    "vignette": ("camera", "vignette(strength=0.8)"),
    "film": ("camera", "film(age=0.8)"),
    "scratches": ("camera", "scratches(count=8,width=0.012)"),
    "dust": ("camera", "dust(count=60,size=0.03)"),
    "hair": ("camera", "hair(count=5,width=0.012)"),
    "stains": ("camera", "stains(count=4,size=0.7,strength=1)"),
    "folds": ("camera", "folds(width=0.04,tilt=15)"),
    "creases": ("page", "creases(count=30,strength=0.2)"),
    "halftone": ("camera", "halftone(period=0.035)"),
    "banding": ("camera", "banding(strength=0.1)"),
    "bleed-through": ("page", "bleed-through(strength=0.5,blur=0.7)"),
    "old-print": (
        "astronaut",
        "fading(strength=0.6) | colour-cast | folds(count=1,width=0.03) | dust(size=0.03) | scratches(count=3,width=0.01)",
    ),
    "chain": ("camera", "blur(sigma=1.5) | poisson-noise(peak=40) | masking(count=2,size=0.15)"),
}
SIDE = 144
FILM_FRAMES = 8
LUMA = np.array([0.299, 0.587, 0.114])
GAP = 8


def shrunken_digits(side: int) -> ArrayImages:
    """The embedded digits drawn `side` pixels high in the middle of 28 × 28 black ones: the smaller, the blacker."""
    digits = open_images("digits", "train")
    images = digits.batch(range(len(digits)))[:, 0, 4:24, 4:24].numpy()
    small = np.clip(
        resize(images, (len(images), side, side), order=3, mode="edge", anti_aliasing=False), 0, 1
    )
    before = (28 - side) // 2
    margin = (before, 28 - side - before)
    return ArrayImages(np.rint(np.pad(small, ((0, 0), margin, margin)) * 255).astype(np.uint8))


def share_of_black(images: ArrayImages) -> float:
    return float((images.stored == 0).mean())


def lesson_network(seed: int) -> nn.Module:
    """The lesson's network without its last sigmoid, its first weights drawn as Keras draws them."""
    module = Conv().build()
    torch.manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return module.to(memory_format=torch.channels_last)


class Moment(NamedTuple):
    """What one step of a training saw."""

    mean: float
    white: float
    gradient: float
    clean: float


def train(way: str, images: ArrayImages, seed: int, steps: int) -> list[Moment]:
    """Nadam at 0.001, nothing else: no warm-up, no clipping of gradients, no schedule."""
    module = lesson_network(seed)
    optimiser = torch.optim.NAdam(module.parameters(), lr=1e-3)
    moments = []
    for degraded, clean in Examples(
        images, degradation=DAMAGE, draws=steps * BATCH, seed=seed
    ).batches(0, BATCH):
        result = module(degraded.contiguous(memory_format=torch.channels_last))
        output = result if way == "linear + MSE" else result.sigmoid()
        loss = (
            functional.binary_cross_entropy_with_logits(result, clean)
            if way == "BCE on logits"
            else functional.mse_loss(output, clean)
        )
        optimiser.zero_grad()
        loss.backward()
        length = torch.cat([weights.grad.flatten() for weights in module.parameters()]).norm()
        optimiser.step()
        white = output[clean > WHITE].mean()
        moments.append(
            Moment(output.mean().item(), white.item(), length.item(), clean.mean().item())
        )
    return moments


def draw_gradients() -> Figure:
    """The pull on one white pixel, as a function of what stands before the last layer's end."""
    before = torch.linspace(-12, 6, 500)
    output = before.sigmoid()
    pulls: dict[str, Tensor] = {
        "sigmoid + MSE": 2 * (output - 1) * output * (1 - output),
        "linear + MSE": 2 * (before - 1),
        "BCE on logits": output - 1,
    }
    names = {
        "sigmoid + MSE": r"sigmoid + MSE:  $2(s-1)\,s(1-s)$",
        "linear + MSE": r"linear + MSE:  $2(r-1)$",
        "BCE on logits": r"BCE on logits:  $s-1$",
    }
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axis, logarithmic in zip(figure.subplots(1, 2), (False, True), strict=True):
        for way, pull in pulls.items():
            axis.plot(
                before,
                pull.abs() if logarithmic else pull,
                label=names[way],
                linewidth=2,
                **STYLES[way],
            )
        axis.set_xlabel("before the output: $r$")
        axis.grid(alpha=0.3)
        if logarithmic:
            axis.set(yscale="log", ylim=(1e-6, 50), title="its size, on a logarithmic scale")
        else:
            axis.axhline(0, color="black", linewidth=0.8)
            axis.set(ylim=(-2.5, 0.5), title="gradient at a white pixel (negative: brighter!)")
            axis.legend(fontsize=9, loc="lower left")
    return figure


def draw_collapse() -> Figure:
    """The same network on the same images with three ends; and how black images must be for the first to die."""
    images = shrunken_digits(DARK)
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    (all_pixels, white_pixels), (gradient, blackness) = figure.subplots(2, 2)
    whites: dict[int, list[float]] = {DARK: []}
    for way, style in STYLES.items():
        for seed in SEEDS:
            moments = train(way, images, seed, STEPS)
            if way == "sigmoid + MSE":
                whites[DARK].append(moments[SHORT].white)
            label = way if seed == SEEDS[0] else None
            all_pixels.plot([each.mean for each in moments], label=label, **style)
            white_pixels.plot([each.white for each in moments], **style)
            gradient.plot([each.gradient for each in moments], **style)
    clean = np.mean([each.clean for each in moments])
    all_pixels.axhline(clean, color="black", linestyle=":", label="clean images")
    all_pixels.set(title="mean output, all pixels", ylim=(-0.15, 0.6))
    all_pixels.legend(fontsize=8)
    white_pixels.axhline(1, color="black", linestyle=":")
    white_pixels.set(title=f"mean output where the image is white (> {WHITE})", ylim=(-0.15, 1.05))
    gradient.set(title="length of the gradient", yscale="log")
    for axis in (all_pixels, white_pixels, gradient):
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
    for side in (DARK, 16, 18, 19, 20):
        smaller = shrunken_digits(side)
        found = whites.get(side) or [
            train("sigmoid + MSE", smaller, seed, SHORT)[-1].white for seed in SEEDS
        ]
        print(
            f"digits of {side} px: {share_of_black(smaller):.0%} black; output at white after {SHORT} steps: {found}"
        )
        blackness.plot([100 * share_of_black(smaller)] * len(found), found, "o", color="tab:red")
    blackness.axvline(80.9, color="black", linestyle=":", label="MNIST")
    blackness.legend(fontsize=8)
    blackness.set(
        title=f"sigmoid + MSE: output at white after {SHORT} steps",
        xlabel="pixels that are exactly black, %",
        ylim=(-0.05, 1.05),
    )
    blackness.grid(alpha=0.3)
    return figure


def before_and_after(photograph: str, spec: str) -> np.ndarray:
    """Clean and degraded side by side, as bytes."""
    stored = getattr(skimage.data, photograph)()
    stored = stored[:, : stored.shape[0]]  # of a page its left
    stored = np.rint(resize(stored, (SIDE, SIDE), anti_aliasing=True) * 255).astype(np.uint8)
    degraded = Degradation.of(spec).draw(generator(1), count=1).apply(to_working(stored)[None])[0]
    gap = np.full((SIDE, GAP, *stored.shape[2:]), 255, np.uint8)
    return np.concatenate([stored, gap, to_stored(degraded, like=stored)], axis=1)


def draw_classical() -> np.ndarray:
    """A page and its light made even, a scratched photograph and its scratches filled, side by side as bytes."""
    page = skimage.data.page()
    height, width = page.shape
    even = to_stored(Background(radius=30).apply(to_working(page)[None])[0], like=page)
    photograph = skimage.data.camera()[60 : 60 + height, 100 : 100 + width]
    down, across = np.mgrid[:height, :width]
    bends = ((60, 0.5), (150, -0.3), (240, 0.15), (330, -0.6))
    scratches = np.any(
        [
            np.abs(across - start - slope * down - 4 * np.sin(down / 17)) < 2
            for start, slope in bends
        ],
        axis=0,
    )
    scratched = np.where(scratches, 255, photograph).astype(np.uint8)
    mask = torch.from_numpy(scratches).float()[None]
    filled = to_stored(
        Inpaint().apply(torch.cat([to_working(scratched), mask])[None])[0], like=scratched
    )
    between = np.full((height, GAP), 255, np.uint8)
    lines = [
        np.concatenate([before, between, after], axis=1)
        for before, after in ((page, even), (scratched, filled))
    ]
    return np.concatenate([lines[0], np.full((GAP, lines[0].shape[1]), 255, np.uint8), lines[1]])


OLD_PRINT = (
    "fading(strength=0.4) | colour-cast(strength=0.2,hue=35) | folds(count=1,width=0.012) | scratches(count=3,width=0.014) | "
    "dust(count=20,size=0.02) | gaussian-noise(sigma=0.05) | jpeg(quality=60)"
)


def draw_restored() -> np.ndarray:
    """Before and after, by the bundled models: a noisy photograph, an old print (made), a page as it was scanned."""
    photo = to_working(skimage.data.astronaut()[:191, 130:322])[None]
    noisy = Degradation.of("gaussian-noise(sigma=0.12)").draw(generator(1), 1).apply(photo)
    cat = functional.interpolate(
        to_working(skimage.data.chelsea())[None], (191, 287), mode="bilinear", antialias=True
    )[..., 75:267]
    old = Degradation.of(OLD_PRINT).draw(generator(1), 1).apply(cat).clamp(0, 1)
    page = to_working(skimage.data.page())[None]
    lines = [
        torch.cat([seen, load(name).restore_images(seen)], 3).expand(-1, 3, -1, -1)
        for seen, name in (
            (noisy, "photo-denoiser"),
            (old, "photo-restorer"),
            (page, "page-cleaner"),
        )
    ]
    sheet = torch.cat(lines, 3).clamp(0, 1)[0]
    like = np.empty((*sheet.shape[1:], 3), np.uint8)
    return to_stored(sheet, like)


def draw_old_print() -> np.ndarray:
    """An old print, made: a photograph of scikit-image's that was faded, folded, scratched and dusted, and what is made of it."""
    photo = to_working(skimage.data.astronaut()[:288, 90:378])[None]
    old = Degradation.of(OLD_PRINT).draw(generator(5), 1).apply(photo).clamp(0, 1)
    sheet = torch.cat([old, load("photo-restorer").restore_images(old).clamp(0, 1)], 3)[0]
    return to_stored(sheet, np.empty((*sheet.shape[1:], 3), np.uint8))


def draw_film() -> np.ndarray:
    """A grey film, made of a photograph under a moving camera and aged; cleaned, and coloured from its first frame."""
    cat = skimage.data.chelsea()
    frames = [cat[20:260, 20 + 4 * number : 380 + 4 * number] for number in range(FILM_FRAMES)]
    restorae = Path(sys.executable).with_name("restorae")
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "new").mkdir()
        for number, frame in enumerate(frames):
            write_still(folder / "new" / f"{number:03}.png", np.rint(frame @ LUMA).astype(np.uint8))
        write_still(folder / "first.png", frames[0])
        damage = ("degrade", "new/%03d.png", "--with", "film(age=0.5)", "--out", "old")
        repair = ("restore", "old/%03d.png", "--references", "first.png", "--out", "restored")
        for words in (damage, repair):
            subprocess.run([restorae, *words], cwd=folder, check=True, capture_output=True)
        chosen = [f"{number:03}.png" for number in (2, FILM_FRAMES - 3)]
        old, restored = (
            [np.asarray(Image.open(folder / kind / file).convert("RGB")) for file in chosen]
            for kind in ("old", "restored")
        )
    return np.hstack([*old[:1], *restored[:1], *old[1:], *restored[1:]])


def draw_digits() -> Figure:
    """Ten embedded digits, damaged, and what the bundled network, which learned from others, makes of them."""
    clean = open_images("digits", "test").batch(range(10))
    degraded = DAMAGE.draw(generator(0), len(clean)).apply(clean)
    restored = load("digits-denoiser").restore_images(degraded).clamp(0, 1)
    return digit_sheets({"Digits": clean, "Damaged": degraded, "Restored": restored}, columns=10)


def draw_manifold() -> np.ndarray:
    """The bundled variational auto-encoder's plane, as bytes."""
    return np.rint(manifold(load("digits-vae"), n=20, extent=2.0).canvas * 255).astype(np.uint8)


def train_planes(epochs: float) -> dict[str, Model]:
    """A plain and a variational auto-encoder with the same layers, trained alike on the same embedded digits."""
    images = open_images("digits", "train").batch(range(1437))[:, 0].numpy()
    return {
        title: train_model(
            images,
            network=network,
            epochs=epochs,
            batch_size=32,
            precision="float32",
        )
        for title, network in (("plain", "conv-autoencoder"), ("variational", "conv-vae"))
    }


def draw_planes(epochs: float) -> Figure:
    """The codes of the digits, what lies at them and between, and what draws from N(0, I) decode to: both planes."""
    digits, labels = open_labelled("digits", "train")
    images = digits.batch(range(len(digits)))[:, 0].numpy()
    drawn = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    figure = Figure(figsize=(10, 12), layout="constrained")
    axes = figure.subplots(3, 2, height_ratios=(5, 5, 3)).T
    for (codes_axis, grid_axis, draws_axis), (title, model) in zip(
        axes, train_planes(epochs).items(), strict=True
    ):
        codes = model.encode(images).mean.numpy()
        low, high = codes.min(0), codes.max(0)
        codes_axis.scatter(*codes.T, c=labels, cmap="tab10", s=6, linewidths=0)
        codes_axis.add_patch(Circle((0, 0), 2, fill=False, color="black"))
        codes_axis.set(title=f"{title}: codes", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        across, up = (np.linspace(low[axis], high[axis], PLANE_GRID) for axis in (0, 1))
        grid = np.stack(np.meshgrid(across, up[::-1]), -1).astype(np.float32)
        grid_axis.imshow(
            as_sheet(model, grid.reshape(-1, 2), PLANE_GRID),
            extent=(low[0], high[0], low[1], high[1]),
            **GREY,
        )
        grid_axis.set(title="decoded, over the same range", xlabel="z[0]", ylabel="z[1]")
        draws_axis.imshow(as_sheet(model, drawn, 6), **GREY)
        draws_axis.set(title="decoded, 60 draws from N(0, I)", xticks=(), yticks=())
        print(title, describe_plane(model, images, codes, drawn))
    return figure


def as_sheet(model: Model, codes: np.ndarray, rows: int) -> np.ndarray:
    """The images at codes (n, 2) as one, row by row."""
    decoded = model.decode(codes)
    return tiled(decoded.reshape(rows, -1, *decoded.shape[1:]))


def describe_plane(
    model: Model, images: np.ndarray, codes: np.ndarray, drawn: np.ndarray
) -> dict[str, float]:
    """The numbers that the documentation states: reconstruction, how far codes reach, where draws land."""
    unseen = open_images("digits", "test").batch(range(360))[:, 0].numpy()
    error = np.square(model.reconstruct(unseen) - unseen).mean()
    source = np.random.default_rng(1)
    points = source.normal(size=(5000, 2))
    spread = codes.std()
    # how far the nearest code of a training image is, in standard deviations of all codes
    away = np.sqrt(np.square(points[:, None] - codes[None]).sum(-1)).min(1) / spread
    decoded = model.decode(points[:1000].astype(np.float32)).reshape(1000, -1)
    apart = np.square(decoded - decoded.mean(0)).mean() / np.square(images - images.mean(0)).mean()
    return {
        "reconstruction, dB": float(-10 * np.log10(error)),
        "farthest code": float(np.abs(codes).max()),
        "draws in a hole": float((away > HOLE).mean()),
        "codes within 2": float((np.square(codes).sum(1) < 4).mean()),
        "variety of draws": float(apart),
    }


def draw_samples() -> np.ndarray:
    """Digits that nobody wrote, from the stronger variational auto-encoder, as bytes."""
    samples = load("digits-vae-strong").sample(5 * 20, seed=0)
    return np.rint(tiled(samples.reshape(5, 20, *samples.shape[1:])) * 255).astype(np.uint8)


def draw_possibilities() -> Figure:
    """Embedded digits, damaged, and what a network with a latent makes of them: the best guess, three draws, the spread."""
    clean = open_images("digits", "test").batch(range(10))
    degraded = DAMAGE.draw(generator(0), len(clean)).apply(clean)
    drawn = load("digits-restorer-vae").sample_restorations(degraded, 64, seed=0)
    rows = {
        "Digits": clean,
        "Damaged": degraded,
        "Restored: mean of 64 draws": drawn.mean(0).clamp(0, 1),
    }
    rows |= {f"Draw {place + 1}": drawn[place].clamp(0, 1) for place in range(3)}
    return digit_sheets({**rows, "Where the draws differ (black: most)": drawn.std(0)}, columns=10)


def main() -> None:
    """Draw everything."""
    asked = argparse.ArgumentParser(description="Draw the figures of the documentation.")
    asked.add_argument("--out", type=Path, default=Path(__file__).parent / "figures")
    asked.add_argument("--only", help="the name of one figure, such as planes")
    asked.add_argument("--epochs", type=float, default=PLANE_EPOCHS, help="of those of the planes")
    options = asked.parse_args()
    torch.set_num_threads(1)  # sums in the same order everywhere
    stills: dict[str, Callable[[], np.ndarray]] = {
        kind: functools.partial(before_and_after, *made) for kind, made in KINDS.items()
    }
    stills |= {
        "classical": draw_classical,
        "restored": draw_restored,
        "old-print": draw_old_print,
        "film-restored": draw_film,
        "manifold": draw_manifold,
        "samples": draw_samples,
    }
    figures: dict[str, tuple[Callable[[], Figure], int]] = {
        "digits": (draw_digits, 80),
        "planes": (functools.partial(draw_planes, options.epochs), 60),
        "possibilities": (draw_possibilities, 80),
        "gradients": (draw_gradients, 110),
        "collapse": (draw_collapse, 110),
    }
    for name, draw in stills.items():
        if options.only in (None, name):
            write_still(options.out / f"{name}.png", draw())
    for name, (draw_figure, dpi) in figures.items():
        if options.only in (None, name):
            write_figure(draw_figure(), options.out / f"{name}.png", dpi=dpi)


if __name__ == "__main__":
    main()
