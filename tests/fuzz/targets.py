"""What is fuzzed: for each kind of file its corpus, how its checksums are made good, and what is done with it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from restorae.errors import RestoraeError
from tests.fuzz import corpus, mutations

_ROWS, _PAGES = 256, 6


@dataclass(frozen=True, kw_only=True)
class Target:
    """A parser and the files to try it on."""

    suffix: str
    corpus: Callable[[], Sequence[bytes]]
    attempt: Callable[[Path], None]
    """Reads a file in all ways; raises nothing but `RestoraeError`."""
    repair: Callable[[bytes], bytes] = mutations.as_it_is
    is_text: bool = False

    def content(self, seed: int) -> bytes:
        """The file of a seed."""
        found = _held(self.corpus)
        if self.is_text:
            texts = [each.decode() for each in found]
            return mutations.mutated_text(seed, texts).encode("utf-8", "surrogatepass")
        return mutations.mutated(seed, found, self.repair)


@cache
def _held(make: Callable[[], Sequence[bytes]]) -> Sequence[bytes]:
    return tuple(make())


class Lost(AssertionError):
    """A file was changed, or left half-written."""


def attempt(target: Target, seed: int, folder: Path) -> str:
    """Write the file of a seed into an empty folder and read it; what was refused, empty where it was read.

    Raises:
        Exception: what users would see as a traceback.
    """
    path, content = folder / f"in{target.suffix}", target.content(seed)
    path.write_bytes(content)
    said = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            target.attempt(path)
    except RestoraeError as error:
        said = str(error)
        if len(said) < 10 or "Traceback" in said:
            raise AssertionError(f"says nothing: {said!r}") from error
    if path.read_bytes() != content:
        raise Lost("the file was changed")
    left = [each for each in folder.iterdir() if each.stem not in ("in", "out")]
    if left:
        raise Lost(f"{left} was left")
    for each in folder.iterdir():
        each.unlink()
    return said


def read_and_write_image(path: Path, kind: str | None = None) -> None:
    """All pages by rows into a file of the same format or another, which must be sound where it is written."""
    from restorae.formats import SUFFIX_OF, begin_result, open_original

    original = open_original(path, most_pixels=20_000_000)
    target = path.with_name(f"out{SUFFIX_OF[kind] if kind else path.suffix}")
    with begin_result(original, target, kind) as writer:
        for index, page in enumerate(original.pages):
            rows = original.rows(index)
            for top in range(0, page.height, _ROWS):
                writer.put(index, top, rows.read(min(_ROWS, page.height - top)))
        writer.finish()
    again = open_original(target, most_pixels=20_000_000)
    if [page.dtype.itemsize and (page.height, page.width) for page in again.pages] != [
        (page.height, page.width) for page in original.pages
    ] and original.orientation == again.orientation:
        raise Lost("the result has other pages")


def read_image_as_training_does(path: Path) -> None:
    """The size, then the pixels of the first page."""
    from restorae.formats import read_outline, read_still

    outline = read_outline(path)
    if outline.height * outline.width < 20_000_000:
        read_still(path)


def _image(path: Path) -> None:
    _all(path, read_and_write_image, read_image_as_training_does)


def _read_only(path: Path) -> None:
    _all(path, lambda each: read_and_write_image(each, "tiff"), read_image_as_training_does)


def _all(path: Path, *ways: Callable[[Path], object]) -> None:
    """Read a file in all ways, whether or not the others refuse it; what they refused is raised."""
    said: RestoraeError | None = None
    for way in ways:
        try:
            way(path)
        except RestoraeError as error:
            said = error
    if said is not None:
        raise said


def _array(path: Path) -> None:
    from restorae.data import open_images

    _all(path, open_images, read_and_write_image)


def _idx(path: Path) -> None:
    from restorae.formats import read_idx

    np.asarray(read_idx(path)).sum()


def _model(path: Path) -> None:
    from restorae.model import load, read_card

    str(read_card(path))
    load(path)


def _checkpoint(path: Path) -> None:
    from restorae.training import checkpoint

    checkpoint.read(path, corpus.small_learner())


def _spec(path: Path) -> None:
    from restorae.degradations import Degradation
    from restorae.losses import Loss
    from restorae.networks import Network

    refusals: list[RestoraeError] = []
    text = path.read_text(encoding="utf-8", errors="surrogatepass")
    families = (Degradation, Network, Loss)
    for family in families:
        try:
            part = family.of(text)
        except RestoraeError as error:
            refusals.append(error)
        else:
            assert family.of(str(part)) == part
    if len(refusals) == len(families):
        raise refusals[0]


def _recipe(path: Path) -> None:
    from restorae.training import Recipe

    Recipe.from_toml(path)


TARGETS = {
    "png": Target(
        suffix=".png", corpus=corpus.png, attempt=_image, repair=mutations.with_png_checksums
    ),
    "jpeg": Target(suffix=".jpg", corpus=corpus.jpeg, attempt=_image),
    "tiff": Target(suffix=".tif", corpus=corpus.tiff, attempt=_image),
    "webp": Target(
        suffix=".webp", corpus=corpus.webp, attempt=_image, repair=mutations.with_riff_size
    ),
    "avif": Target(suffix=".avif", corpus=corpus.avif, attempt=_image),
    **{
        kind: Target(suffix=suffix, corpus=made, attempt=_read_only)
        for kind, suffix, made in (
            ("bmp", ".bmp", corpus.bmp),
            ("gif", ".gif", corpus.gif),
            ("pnm", ".ppm", corpus.pnm),
            ("jp2", ".jp2", corpus.jp2),
            ("heic", ".heic", corpus.heic),
        )
    },
    "npy": Target(suffix=".npy", corpus=corpus.npy, attempt=_array),
    "npz": Target(suffix=".npz", corpus=corpus.npz, attempt=_array),
    "npz-inside": Target(suffix=".npz", corpus=corpus.npy, attempt=_array, repair=mutations.as_npz),
    "idx": Target(suffix=".idx", corpus=corpus.idx, attempt=_idx, repair=mutations.gzipped),
    "model": Target(
        suffix=".safetensors",
        corpus=corpus.model,
        attempt=_model,
        repair=mutations.with_header_length,
    ),
    "checkpoint": Target(
        suffix=".checkpoint",
        corpus=corpus.checkpoint,
        attempt=_checkpoint,
        repair=mutations.with_header_length,
    ),
    "spec": Target(suffix=".txt", corpus=corpus.specs, attempt=_spec, is_text=True),
    "recipe": Target(suffix=".toml", corpus=corpus.recipes, attempt=_recipe, is_text=True),
}
