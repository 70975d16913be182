"""Draw images with sharp edges and flat areas: shapes, lines, gradients and rendered text.

    python recipes/make_drawings.py --out drawings

A twelfth of what `photo_denoiser.py` learns from, so that drawings, screenshots and text stay as they are. (The shipped
weights saw drawings of an earlier version of this file.)
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

COUNT, SIDE, SEED = 160, 288, 0
FONTS = Path(matplotlib.__file__).parent / "mpl-data/fonts/ttf"
LEFT_OUT = ("STIXSiz", "cmex", "cmsy", "NonUni", "Display")  # fonts without letters
TEXT = """the of and a in that is was for it with as his on be at by had not are but from or have an they
which one you were all her she there would their we him been has when who will no more if out so said what up its
about than into them can only other time new some could these two may then do first any my now such like our over"""


def colour(source: random.Random) -> tuple[int, int, int]:
    """A random colour, often with channels at 0 or 255, sometimes grey."""
    if source.random() < 0.7:
        red, green, blue = (source.choice((source.randrange(256), 0, 255)) for _ in range(3))
        return red, green, blue
    grey = source.randrange(256)
    return grey, grey, grey


def draw_shapes(source: random.Random) -> Image.Image:
    """Rectangles and ellipses, filled or outlined, and thin lines."""
    image = Image.new("RGB", (SIDE, SIDE), colour(source))
    draw = ImageDraw.Draw(image)
    for _ in range(source.randrange(3, 25)):
        left, top = source.randrange(-40, SIDE), source.randrange(-40, SIDE)
        box = (left, top, left + source.randrange(3, 160), top + source.randrange(3, 160))
        fill = colour(source) if source.random() < 0.7 else None
        shape = source.choice((draw.rectangle, draw.ellipse))
        shape(box, fill=fill, outline=colour(source), width=source.randrange(1, 4))
    for _ in range(source.randrange(20)):
        points = [
            (source.randrange(SIDE), source.randrange(SIDE)) for _ in range(source.randrange(2, 5))
        ]
        draw.line(points, fill=colour(source), width=source.randrange(1, 4))
    return image


def draw_text(source: random.Random, fonts: list[Path]) -> Image.Image:
    """Lines of text in several fonts and sizes, half of them black on white."""
    on_paper = source.random() < 0.5
    image = Image.new("RGB", (SIDE, SIDE), (255, 255, 255) if on_paper else colour(source))
    draw = ImageDraw.Draw(image)
    ink = (0, 0, 0) if on_paper and source.random() < 0.7 else colour(source)
    top = source.randrange(10)
    while top < SIDE:
        size = source.choice((9, 10, 11, 12, 13, 14, 16, 20, 28))
        font = ImageFont.truetype(str(source.choice(fonts)), size)
        line = " ".join(source.choice(TEXT.split()) for _ in range(14))
        draw.text((source.randrange(-20, 20), top), line, font=font, fill=ink)
        top += int(size * 1.35)
    return image


def draw_gradient(source: random.Random) -> Image.Image:
    """Triangles and rules on a smooth gradient of three colours."""
    down, across = np.mgrid[:SIDE, :SIDE][..., None] / SIDE
    first, second, third = (np.array(colour(source), float) for _ in range(3))
    values = first + (second - first) * across + 0.7 * (third - first) * down
    image = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(source.randrange(2, 14)):
        draw.polygon(
            [(source.randrange(SIDE), source.randrange(SIDE)) for _ in range(3)],
            fill=colour(source),
        )
    for height in range(0, SIDE, source.choice((8, 12, 16, 24))):
        if source.random() < 0.5:
            draw.line((0, height, SIDE, height), fill=colour(source))
    return image


def main() -> None:
    """Read the options and write the images."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    fonts = sorted(
        path for path in FONTS.glob("*.ttf") if not any(part in path.name for part in LEFT_OUT)
    )
    source = random.Random(SEED)  # noqa: S311 nothing secret is drawn
    for number in range(COUNT):
        kind = number % 4
        drawn = (
            draw_shapes(source)
            if kind == 0
            else draw_gradient(source)
            if kind == 3
            else draw_text(source, fonts)
        )
        drawn.save(out / f"drawing-{number:03}.png", optimize=True)


if __name__ == "__main__":
    main()
