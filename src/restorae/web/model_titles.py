"""Models in the words of the people who use them, and what they were made for."""

from __future__ import annotations

import re
from typing import Any, Final

_TITLES: Final = {
    "photo-denoiser": "Photographs: noise of cameras, film grain",
    "photo-denoiser-fast": "Photographs: noise, in half the time",
    "photo-restorer": "Old prints: fading, cracks, dust, grain",
    "page-cleaner": "Pages, printed or written: stains, creases, shadows",
    "digits-denoiser": "Handwritten digits (lesson)",
    "digits-restorer-vae": "Handwritten digits, several answers (lesson)",
    "digits-vae": "Handwritten digits on a plane (lesson)",
    "digits-vae-strong": "Handwritten digits, 40 dimensions (lesson)",
    "film-colouriser": "Film: chooses colours (used by itself)",
    "film-cleaner": "Film: dust, scratches, grain, flicker",
    "classical:background": "Even out the paper of a page",
    "classical:inpaint": "Fill what is painted",
    "classical:median": "Median filter",
    "classical:nlm": "Non-local means",
    "classical:tv": "Total variation",
    "classical:wavelet": "Wavelet shrinkage",
}
_LESSON_DATA: Final = re.compile(r"\b(mnist|fashion-mnist|digits)\b", re.IGNORECASE)
_LESSON_SIDE: Final = 64
"""Images up to this height and width are shown to lesson models without a question."""


def described(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a model with a title for people, its group, and the largest side of images that it is made for.

    >>> described({"name": "mine", "origin": "folder", "data": "mnist"})["made_for_side"]
    64
    >>> described({"name": "photo-restorer", "origin": "bundled"})["group"]
    'images'
    """
    name, origin = facts["name"], facts["origin"]
    lesson = origin != "classical" and bool(_LESSON_DATA.search(facts.get("data") or ""))
    group = {"folder": "yours", "classical": "classical"}.get(
        origin, "lesson" if lesson else "images"
    )
    return {
        **facts,
        "title": _TITLES.get(name, name),
        "group": group,
        "made_for_side": _LESSON_SIDE if lesson else None,
    }
