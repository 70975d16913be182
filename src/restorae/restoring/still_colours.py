"""Coloured stills: colours found for the restored image as it is displayed, and written as an output of the one path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from restorae.colouring.contradictions import Sketch, contradictions
from restorae.colouring.in_colour import colour_spread, require_grey
from restorae.colouring.matching import Matcher, ReferenceCells
from restorae.colouring.opponent import BT601
from restorae.colouring.own_images import SAME, detail_of, detail_of_reference, likeness, shown_at
from restorae.colouring.references import read_opponent, read_reference, to_unit
from restorae.colouring.sizes import resize, working_size
from restorae.colouring.upsampling import known_share, to_pixels
from restorae.errors import BadImage, Message
from restorae.formats import Original, Writer
from restorae.formats.orientation import as_stored, upright
from restorae.restoring.output_contract import Output, RestoredRows


class StillColourer:
    """Colours grey images from references.

    Args:
        references: image files.

    Raises:
        BadImage: one cannot be read, or has no colour.
    """

    def __init__(self, references: Sequence[Path]) -> None:
        read, cells, sketches = [], [], []
        for path in references:
            reference = read_reference(path, BT601)
            cells.append(ReferenceCells.of(reference))
            sketches.append(Sketch.of(reference))
            # only the luma is needed further: with half the bits, 500 references take 130 MiB
            luma, nothing = reference.luma.astype(np.float16), np.empty(0)
            read.append(replace(reference, luma=luma, chroma=nothing))
        found = contradictions(sketches)
        out = {each.second for each in found}
        self._read = [each for number, each in enumerate(read) if number not in out]
        self._matcher = Matcher([each for number, each in enumerate(cells) if number not in out])
        self.notices = [Message(each.text(sketches)) for each in found]
        """What the person should know of the references."""

    def colour(self, luma: np.ndarray) -> tuple[np.ndarray, float]:
        """Chroma for an image, and the share of it whose colours are known.

        Args:
            luma: (height, width) float32, 0 to 1.

        Returns:
            (height, width, 2) float32.
        """
        size = luma.shape[0], luma.shape[1]
        small = resize(luma, working_size(*size))
        path = self._own(small)
        own = None if path is None else read_opponent(path, BT601)[1]
        if own is not None and own.known is None:
            return resize(own.chroma, size), 1.0
        at = small.shape[0], small.shape[1]
        chroma, trust = to_pixels(self._matcher.match(small), at)
        if own is None or own.known is None:
            return resize(chroma, size), known_share(trust)
        known = np.maximum(trust, resize(own.known, at))
        return resize(own.over(chroma), size), known_share(known)

    def _own(self, small: np.ndarray) -> Path | None:
        """The reference that shows this very image."""
        detail, best, found = detail_of(small), SAME, None
        for reference in self._read:
            at = small.shape[0], small.shape[1]
            other = detail_of_reference(reference, at)
            if other is None:
                continue
            alike = likeness(detail, other, shown_at(reference, at))
            if alike > best:
                best, found = alike, reference.path
        return found

    def chroma_of(
        self, stored: np.ndarray, original: Original, recolour: bool
    ) -> tuple[np.ndarray, float]:
        """Chroma for stored values, and the share of the image whose colours are known.

        Args:
            stored: (height, width, 1 or 3), unsigned integers; of the file, or restored.
            original: the opened file.
            recolour: whether an image that is in colour already gets others.

        Raises:
            BadImage: it is in colour already.
        """
        unit = to_unit(stored)
        luma = unit[..., 0]
        if unit.shape[2] == 3:
            luma, chroma = BT601.to_opponent(unit)
            if not recolour:
                require_grey([colour_spread(chroma)], original.path)
        found, known = self.colour(np.ascontiguousarray(upright(luma, original.orientation)))
        return as_stored(found, original.orientation), known


def with_chroma(stored: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Stored values, (height, width, 1 or 3), as those of red, green and blue with other colours."""
    unit = to_unit(stored)
    luma = unit[..., 0] if unit.shape[2] == 1 else BT601.to_opponent(unit)[0]
    rgb = np.clip(BT601.to_rgb(luma, chroma), 0, 1)
    scaled = np.rint(rgb * np.float32(np.iinfo(stored.dtype).max))
    return np.asarray(scaled, stored.dtype)


class ColouredOutput(Output):
    """The restored image in colours: a writer's output, which gets them when all rows are there.

    Args:
        original: the opened file.
        writer: of the file with room for colours, as `in_colour` says.
        colourer: finds the colours.
        recolour: whether an image that is in colour already gets others.
    """

    def __init__(
        self, original: Original, writer: Writer, *, colourer: StillColourer, recolour: bool
    ) -> None:
        self.writer, self._original = writer, original
        self._colourer, self._recolour = colourer, recolour
        (page,) = original.pages
        self._stored = np.empty((page.height, page.width, page.bands), page.dtype)

    def put(self, rows: RestoredRows) -> None:
        self._stored[rows.top : rows.top + len(rows.stored)] = rows.stored

    def finish(self) -> None:
        (page,) = self._original.pages
        values, alpha = np.split(self._stored, [page.channels], 2)
        chroma, known = self._colourer.chroma_of(values, self._original, self._recolour)
        self.writer.notices.append(f"the colours of {known:.0%} of it are known")
        self.writer.put(0, 0, np.concatenate([with_chroma(values, chroma), alpha], 2))
        self.writer.finish()

    def drop(self) -> None:
        self.writer.drop()


def require_colourable(original: Original) -> None:
    """Refuse what is not coloured.

    Raises:
        BadImage: it holds several images, or values that are no colours.
    """
    page, path = original.pages[0], original.path
    if len(original.pages) != 1 or original.is_array:
        raise BadImage("holds several images; colours are given to single ones", subject=path)
    if page.dtype not in (np.uint8, np.uint16):
        raise BadImage(
            f"holds values of type {page.dtype}; 8 and 16 bits are coloured", subject=path
        )
    if page.channels not in (1, 3):
        raise BadImage(f"has {page.channels} channels; grey images are coloured", subject=path)
