"""Make the clean pages that the `page-cleaner` learned from: printed words in many faces and sizes, on white.

    python recipes/make_pages.py made-pages             # pages 0 to 239, to train on
    python recipes/make_pages.py other-pages 60 240     # the sixty behind them, to measure on

Pages of 540 × 400 pixels, the same at every run on the same machine. The words are made up, letter by letter with the
frequencies of English, so that no text belongs to anybody; the typefaces are those that come with matplotlib.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

FACES = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSansMono",
    "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "cmr10", "cmss10", "cmb10", "cmtt10",
)  # fmt: skip
LETTERS = (
    12 * "e" + 9 * "t" + 8 * "a" + 8 * "o" + 7 * "i" + 7 * "n"
    + 6 * "s" + 6 * "h" + 6 * "r" + 4 * "d" + 4 * "l" + "ccuummwwffggyyppbbvkjxqz"
)  # fmt: skip
HEIGHT, WIDTH = 400, 540


def word(chance: random.Random) -> str:
    """A made-up word, now and then with a capital, a number or a mark behind it."""
    if chance.random() < 0.05:
        return str(chance.randrange(3000))
    letters = "".join(
        chance.choice(LETTERS) for _ in range(1 + min(int(chance.expovariate(0.27)), 12))
    )
    if chance.random() < 0.12:
        letters = letters.capitalize() if chance.random() < 0.8 else letters.upper()
    return letters + chance.choice(("",) * 12 + (",", ".", ";", ":", "?", "!", "-", ")"))


def page(chance: random.Random) -> Image.Image:
    """One page: lines of words in one face, here and there a heading, a rule or a figure."""
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    face, size = chance.choice(FACES), chance.randint(11, 30)
    body = ImageFont.truetype(str(fonts / f"{face}.ttf"), size)
    ink = chance.choice((0, 0, 0, chance.randint(0, 60)))
    sheet = Image.new("L", (WIDTH, HEIGHT), 255)
    pen = ImageDraw.Draw(sheet)
    margin, leading = chance.randint(4, 30), size * chance.uniform(1.05, 1.6)
    down = float(chance.randint(2, 20))
    while down < HEIGHT:
        what = chance.random()
        if what < 0.04:
            pen.line(
                (margin, down + size / 2, WIDTH - margin, down + size / 2),
                fill=ink,
                width=chance.randint(1, 3),
            )
        elif what < 0.07:
            right, bottom = margin + chance.randint(30, 200), down + chance.randint(20, 80)
            pen.rectangle((margin, down, right, bottom), outline=ink, width=chance.randint(1, 3))
            down += bottom - down
        else:
            across = float(margin + (chance.randint(10, 60) if chance.random() < 0.15 else 0))
            while across < WIDTH - margin:
                text = word(chance)
                pen.text((across, down), text, fill=ink, font=body)
                across += pen.textlength(text + " ", font=body)
        down += leading * (2 if chance.random() < 0.06 else 1)
    return sheet


def main() -> None:
    """Write the pages to the folder that is named: so many, from this one on."""
    folder = Path(sys.argv[1])
    count, first = map(int, sys.argv[2:4]) if len(sys.argv) > 3 else (240, 0)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        page(random.Random(number)).save(folder / f"{number:03}.png")  # noqa: S311 (nothing here is secret)


if __name__ == "__main__":
    main()
