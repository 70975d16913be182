"""Degraded and clean images that belong together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import PurePosixPath

from restorae.data.image_set import ImageSet
from restorae.data.ranges import in_their_ranges
from restorae.data.views import ColourImages, GreyImages
from restorae.display import counted
from restorae.errors import ShapeMismatch
from restorae.formats import SUFFIXES
from restorae.names import normal
from restorae.value_range import Values

_NAMED = 5
_PARTS = re.compile(r"[-_. ]+")
_PAGE = re.compile(r"(.*?)((?:#\d+)?(?::\d+)?)", re.DOTALL)


@dataclass(frozen=True)
class Pairs:
    """Two sets in the same order: `degraded[i]` belongs to `clean[i]`."""

    degraded: ImageSet
    clean: ImageSet
    _: KW_ONLY
    values: Values = "auto"
    """How a model that learned from them maps stored values."""
    notices: tuple[str, ...] = ()
    """What a person should know of how they were put together."""

    def __len__(self) -> int:
        return len(self.clean)


def match(degraded: ImageSet, clean: ImageSet) -> tuple[Pairs, list[str]]:
    """Pair images by their names, whatever their suffixes; and the names that found no partner.

    Where no name is shared, an ending or a beginning that all names of a set have in common (`-scan`, `clean_`) is left aside.
    Grey and colour may be paired; values of 16 bits and floats are mapped as `restorae.data.ranges` says.

    Raises:
        ShapeMismatch: no name is shared, it is unclear which belong together, or images of a pair differ in size; the
            message names them.
        BadImage: an image holds NaN or infinite values.
    """
    keys = [_key(name) for name in degraded.names], [_key(name) for name in clean.names]
    notices: list[str] = []
    if not set(keys[0]) & set(keys[1]):
        keys, notices = _without_common_parts(*keys)
    found, unmatched = _partners(degraded.names, clean.names, *keys)
    if not found:
        raise ShapeMismatch(
            f"The degraded and the clean images share no names: {first_names(degraded.names)} against {first_names(clean.names)}. "
            "A pair has the same path below its folder."
        )
    _check_sizes(degraded, clean, found)
    left, right = (
        degraded.subset([place for place, _ in found]),
        clean.subset([place for _, place in found]),
    )
    left, right, values, about_values = in_their_ranges(left, right)
    if left.channels < right.channels:
        right = GreyImages(right)
        notices.append(
            "The degraded images are grey and the clean ones in colour: the clean ones are converted to grey."
        )
    elif right.channels < left.channels:
        right = ColourImages(right)
        notices.append(
            "The degraded images are in colour, the clean ones grey: the model will produce grey images."
        )
    return Pairs(left, right, values=values, notices=(*notices, *about_values)), unmatched


def require_equal_counts(degraded: ImageSet, clean: ImageSet) -> None:
    """Raise `ShapeMismatch` if two sets whose images have no names differ in number."""
    unnamed = all(
        images.names[-1] == str(len(images) - 1) and not images.in_files
        for images in (degraded, clean)
    )
    if unnamed and len(degraded) != len(clean):
        raise ShapeMismatch(
            f"got {len(degraded):,} degraded and {len(clean):,} clean images; pairs in memory belong together by their position, "
            "so there must be as many of each"
        )


def _partners(
    degraded: Sequence[str],
    clean: Sequence[str],
    degraded_keys: Sequence[str],
    clean_keys: Sequence[str],
) -> tuple[list[tuple[int, int]], list[str]]:
    """Places that belong together, and the names that are left."""
    sides: dict[str, tuple[list[int], list[int]]] = {}
    for side, keys in enumerate((degraded_keys, clean_keys)):
        for place, key in enumerate(keys):
            sides.setdefault(key, ([], []))[side].append(place)
    found, unmatched, unclear = [], [], []
    for key, (lefts, rights) in sides.items():
        if len(lefts) == len(rights) == 1:
            found.append((lefts[0], rights[0]))
            continue
        exact = {clean[right]: right for right in rights}
        pairs = [(left, exact[degraded[left]]) for left in lefts if degraded[left] in exact]
        found += pairs
        rest = [degraded[left] for left in lefts if degraded[left] not in exact]
        others = [clean[right] for right in rights if right not in {right for _, right in pairs}]
        if rest and others:
            unclear.append(f"{first_names(rest)} against {first_names(others)}")
        else:
            unmatched += [key] if len(rest + others) == 1 and not pairs else rest + others
    if unclear:
        raise ShapeMismatch(
            f"It is unclear which images belong together: {'; '.join(unclear[:_NAMED])}"
            f"{f'; and {len(unclear) - _NAMED} more' if len(unclear) > _NAMED else ''}. They differ only in their suffix. Keep one of "
            "each in its folder, or give partners the same suffix."
        )
    return sorted(found), sorted(unmatched)


def _check_sizes(degraded: ImageSet, clean: ImageSet, found: Sequence[tuple[int, int]]) -> None:
    wrong = [
        (degraded.names[left], degraded.size(left), clean.size(right)) for left, right in found
    ]
    wrong = [each for each in wrong if each[1] != each[2]]
    if not wrong:
        return
    turned = all(before == after[::-1] for _, before, after in wrong)
    told = [
        f"{name} ({before[0]} × {before[1]} against {after[0]} × {after[1]})"
        for name, before, after in wrong
    ]
    raise ShapeMismatch(
        f"Different sizes in {len(wrong):,} of {counted(len(found), 'pair')} (height × width, degraded against clean): "
        f"{first_names(told)}. "
        + (
            "One of each pair may be rotated by 90°: rotate it back. "
            if turned
            else "Crop or resize one of each to the size of the other, or move them out of their folders. "
        )
        + "Both images of a pair must show the same region, pixel for pixel."
    )


def _key(name: str) -> str:
    """A name without its suffix; of a page of a stack its number stays, `a.tif#3` becomes `a#3`."""
    found = _PAGE.fullmatch(normal(name))
    assert found is not None  # it matches any name
    file, page = found.groups()
    path = PurePosixPath(file)
    return (
        path.with_suffix("").as_posix() + page if path.suffix.lower() in SUFFIXES else file + page
    )


def _without_common_parts(
    degraded: Sequence[str], clean: Sequence[str]
) -> tuple[tuple[list[str], list[str]], list[str]]:
    """Keys without the word that all names of a side end or begin with, and what was left aside; as they were if that pairs none."""
    for last in (True, False):
        words = [_common_word(keys, last) for keys in (degraded, clean)]
        if not any(words):
            continue
        left, right = (
            [_cut(key, word, last) for key in keys]
            for keys, word in zip((degraded, clean), words, strict=True)
        )
        once = len(set(left)) == len(left) and len(set(right)) == len(right)
        if once and set(left) & set(right):
            named = " and ".join(
                f"{word!r} ({side})"
                for word, side in zip(words, ("degraded", "clean"), strict=True)
                if word
            )
            return (left, right), [
                f"Images are paired by their names without the {'ending' if last else 'beginning'} {named}."
            ]
    return (list(degraded), list(clean)), []


def _common_word(keys: Sequence[str], last: bool) -> str:
    """The word with its separator that all file names end (or begin) with; empty if there is none. What has digits is no word."""
    found = set()
    for key in keys:
        name = PurePosixPath(key).name
        places = [match.span() for match in _PARTS.finditer(name)]
        if not places:
            return ""
        found.add(name[places[-1][0] :] if last else name[: places[0][1]])
    word = found.pop()
    return (
        word
        if not found and any(map(str.isalpha, word)) and not any(map(str.isdigit, word))
        else ""
    )


def _cut(key: str, word: str, last: bool) -> str:
    folder, name = PurePosixPath(key).parent, PurePosixPath(key).name
    return (folder / (name.removesuffix(word) if last else name.removeprefix(word))).as_posix()


def first_names(names: Iterable[object]) -> str:
    """The first few names, and how many more there are."""
    listed = [str(name) for name in names]
    return ", ".join(listed[:_NAMED]) + (
        f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    )
