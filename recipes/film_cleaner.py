"""Trains `film-cleaner`: `python recipes/film_cleaner.py DATA MINUTES OUT`.

DATA holds photographs and clips as named in `docs/data.md`: `photos-train`, `photos-more`, `video/davis-train` and
`video/clips/bikes.mp4`, of which frames 0 to 136 are used. The network starts from the weights of `photo-denoiser-fast`, so that it
begins as a denoiser of the aligned median. The target is the clean frame with the film's own tone: exposure is another stage's
work.

The bundled weights were trained by an earlier form of this script. It cut eight patches of 96 px out of each damaged clip of 208 px,
left neighbours out at random, began with 243 steps on another, simpler recipe of damage with stronger dust, hairs and scratches,
from which later a quarter of the clips came, and it moved cut-outs of stills. After 62 minutes came 80 more, with a term for the
logarithm of the gradients' energy over that of the clean frame (squared, weight 0.015), at a learning rate of 3e-4; bundled is the mean
of the weights before and after these. On the validation clip (bikes, frames 137 to 186, age 0.5 and 1) the weights before had 37.57 and
33.33 dB and kept 0.99 and 0.92 of the gradients' energy, those after 37.30 and 33.05 dB, 1.03 and 1.01, their mean 37.46 and 33.21 dB,
1.02 and 0.97.

From this mean, 417 steps followed (56 minutes of a busy machine) at 2e-4, with a learning rate that falls along a cosine, four times
as many scratches in six of ten clips, patches that show marks preferred, weights of 0.08 for the logits of damage and 0.03 for the
gradients' energy, and, in four of ten clips, things that come back after a frame (blinks) and thin ones that move fast (limbs).
Bundled are 0.65 of the weights before and 0.35 of those after. On 24 validation frames at age 0.5 (bikes, and training clips with
other damage) that changed 35.99 to 35.92 dB, and 0.92 to 0.96 of the gradients' energy.

From these weights (A), 1,595 steps followed (52 minutes) at 1.5e-4 with the same loss, to B, and from the mean of A and B 587 steps
(22 minutes) at 6e-5 without the term for the gradients' energy and with 0.06 for damage, to C. Bundled are 0.2 A + 0.2 B + 0.6 C. On 16
validation frames at age 0.5, against A: 35.92 to 36.00 dB, 0.96 to 0.93 of the gradients' energy, precision of the repair map 0.75 to
0.74, recall 0.67 to 0.77. (B alone: 35.81 dB, 0.99, 0.74, 0.76; C alone: 36.02 dB, 0.91, 0.72, 0.78.)
"""

from __future__ import annotations

import sys
from pathlib import Path

from torch import nn

from restorae.model import load
from restorae.training import Recipe, prepare
from restorae.training.loop import run


def recipe(data: Path, minutes: float) -> Recipe:
    """What is trained."""
    sources = ("photos-train", "photos-more", "video/davis-train", "video/clips/bikes.mp4#0-136")
    return Recipe(
        name="film-cleaner",
        clean=" | ".join(str(data / source) for source in sources),
        degradation="film(age=0.05..1,grey=true)",
        network="film",
        minutes=minutes,
        learning_rate=4e-4,
        ema=0.999,
        seed=11,
    )


def begin_as_denoiser(module: nn.Module) -> None:
    """Begin the network's body as the grey path of `photo-denoiser-fast`."""
    known = load("photo-denoiser-fast").module.state_dict()
    body = module.get_submodule("body")
    body.load_state_dict(
        {name: known.get(f"grey_{name}", known[name]) for name in body.state_dict()}
    )


def train(data: Path, minutes: float, out: Path) -> None:
    """Train for some minutes and write the model."""
    setup = prepare(recipe(data, minutes), out)
    begin_as_denoiser(setup.module)
    run(setup)


if __name__ == "__main__":
    train(Path(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
