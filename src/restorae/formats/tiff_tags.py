"""What a TIFF says beside its pixels: tags, copied value for value from one file to another (TIFF 6.0, BigTIFF, Exif 2.32).

tifffile decodes tags into Python values and writes those that it knows; here every tag must arrive with the same bytes, known or
not, from files that may lie about themselves. So directories are read and written as they are stored: `tiff_directories` reads
them, `tiff_values` copies values, `tiff_appender` writes. The tests compare with what tifffile, Pillow and libvips read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from restorae.display import counted
from restorae.errors import BadImage
from restorae.formats.imagej import describes_stack, is_contiguous
from restorae.formats.original import cannot_read
from restorae.formats.tiff_appender import Fields, NoRoomError, TiffAppender
from restorae.formats.tiff_directories import SIZES, Directory, Tiff
from restorae.formats.tiff_values import ValueCopier

_REDUCED, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _DESCRIPTION = 254, 256, 257, 258, 259, 270
_STRIPS, _TILES, _ORIENTATION, _TRANSFER_FUNCTION, _SUBIFDS = 273, 324, 274, 301, 330
_UNCOMPRESSED, _MASK, _PHOTOMETRIC = 1, 4, 262
_COLOURS = {_TRANSFER_FUNCTION, 318, 319, 342, 34675}
"""Transfer function and range, white point, primaries, ICC profile."""
_SAID_BY_WRITERS = {270, 282, 283, 296, 305, 306}
"""What encoders say unasked: description, resolution, software, date."""
_DESCRIPTIONS = {269, 270, 285, 700, 33723, 34377, 34665}

_STRUCTURAL = {
    *range(254, 260), 262, 263, 264, 265, 266, 273, *range(277, 282), 284, *range(288, 294), 300,  # size, depth, strips, fax, grey curve
    317, 320, *range(322, 329), 330, 332, 333, 334, 336, *range(338, 342), 346, 347,  # predictor, palette, tiles, inks, sample range
    *range(400, 406), *range(433, 436), *range(512, 522), *range(529, 533), 559,  # fax profile, JPEG, YCbCr
    *range(32995, 32999), 33421, 33422, *range(34019, 34033), 34310, 34750, 34925,  # SGI, mosaic, prepress runs, JBIG, LZMA
}  # fmt: skip
"""How the pixels lie in the file. The new pixels have their own."""


def carry(
    original: Path, encoded: Path, *, profile: bool = True, orientation: bool = True
) -> list[str]:
    """Give the pages of `encoded` the tags of the original's pages, with their exact values, in its own byte order.

    Everything is copied that does not say how the pixels are stored: descriptions (OME, ImageJ), resolution, orientation, EXIF and GPS,
    XMP, IPTC, Photoshop's resources, the ICC profile, georeference, private tags. A maker's note in EXIF stays byte for byte; where it
    counts places from the beginning of the old file, they are no longer true. What only the encoder says of itself, its name or a
    resolution, is taken out. An ImageJ stack's description is copied only to where ImageJ finds the planes. The pages are paired in
    order; if one file has more, the full pages of both in order and the smaller copies by their size. `original` may also be the
    content of a JPEG's EXIF segment, which is laid out as a TIFF without pixels.

    New directories are put behind the end, and the file turns to them with its last write. Until then it is as it was.

    Args:
        original: a TIFF, classic or BigTIFF, of either byte order.
        encoded: a TIFF of any of these kinds, which is changed.
        profile: whether what the original says of its colours still holds and is copied.
        orientation: whether the pixels still lie as the original's; False if they were turned upright.

    Returns:
        What could not be carried, each in a sentence.

    Raises:
        BadImage: the directories of one of them cannot be walked.
    """
    try:
        before = original.open("rb")
    except OSError as error:
        raise cannot_read(original, error) from None
    left_out = _STRUCTURAL | (set() if profile else _COLOURS)
    if not orientation:
        left_out = left_out | {_ORIENTATION}
    with before, encoded.open("rb+") as after:
        source, target = Tiff(before, original), TiffAppender(Tiff(after, encoded))
        carrier = _PageCarrier(source, target, left_out=left_out)
        try:
            carrier.carry()
        except NoRoomError:
            target.undo()
            return [
                "its metadata were left out: they would lie beyond 4 GiB, where a classic TIFF cannot point"
            ]
        except BadImage:
            target.undo()
            raise
        return carrier.values.notices()


class _PageCarrier:
    """Gives the pages of one file what the pages of another say."""

    def __init__(self, source: Tiff, target: TiffAppender, *, left_out: set[int]) -> None:
        self.source, self.target, self.left_out = source, target, left_out
        self.values = ValueCopier(source, target)

    def carry(self) -> None:
        every, new = self.source.pages(), self.target.tiff.pages()
        old = [page for page in every if not self._is_mask(page)] or every
        if not {_STRIPS, _TILES} & old[0].entries.keys():
            old = old[:1]  # EXIF without an image; its second page is a thumbnail
        if self._would_mislead_imagej(old[0], new):
            self.left_out = self.left_out | {_DESCRIPTION}
            self.values.notice(
                "its ImageJ description was left out: ImageJ would look for the planes side by side, where they do not lie here"
            )
        partners = self._partners(old, new)
        fields = [self._fields(page, partner) for page, partner in zip(new, partners, strict=True)]
        if len(old) != len(every) and len(new) > 0:
            fields = self._with_masks(every, fields)
        self.target.replace_pages(fields)

    def _is_mask(self, page: Directory) -> bool:
        source = self.source
        return bool(
            source.number(page, _REDUCED) & _MASK or source.number(page, _PHOTOMETRIC) == _MASK
        )

    def _with_masks(self, every: Sequence[Directory], fields: Sequence[Fields]) -> list[Fields]:
        """The new pages with the old masks between them, where they were."""
        remaining, joined = list(fields), list[Fields]()
        for page in every:
            if not self._is_mask(page):
                joined += [remaining.pop(0)] if remaining else []
                continue
            copied = self.values.copy_page(page)
            if copied is None:
                self.values.notice("a mask was left out: its values cannot be copied")
            else:
                joined.append(copied)
        return joined + remaining

    def _would_mislead_imagej(self, first: Directory, new: Sequence[Directory]) -> bool:
        target = self.target.tiff
        return (
            len(new) > 1
            and target.number(new[0], _COMPRESSION) == _UNCOMPRESSED
            and describes_stack(self.source, first.entries.get(_DESCRIPTION))
            and not is_contiguous(target, new)
        )

    def _partners(
        self, old: Sequence[Directory], new: Sequence[Directory]
    ) -> list[Directory | None]:
        """For each new page the old one that it comes from."""
        if len(old) == len(new):
            return list(old)
        source, target = self.source, self.target.tiff
        full = [page for page in old if not source.number(page, _REDUCED) & 1]
        smaller = {_size(source, page): page for page in old if source.number(page, _REDUCED) & 1}
        remaining = iter(full)
        partners = [
            smaller.get(_size(target, page))
            if target.number(page, _REDUCED) & 1
            else next(remaining, None)
            for page in new
        ]
        if any(_DESCRIPTIONS & page.entries.keys() for page in remaining):
            self.values.notice(
                f"what some of its {counted(len(full), 'page')} say was left out: the result has fewer"
            )
        return partners

    def _fields(self, page: Directory, partner: Directory | None) -> Fields:
        """A page's entries as they are written: its own, and its partner's."""
        fields = self._own(page)
        if partner is None:
            return fields
        if {_STRIPS, _TILES} & partner.entries.keys():
            fields = {tag: entry for tag, entry in fields.items() if tag not in _SAID_BY_WRITERS}
        left_out = self.left_out
        if self.source.numbers(partner.entries.get(_BITS)) != self.target.tiff.numbers(
            page.entries.get(_BITS)
        ):
            left_out = left_out | {_TRANSFER_FUNCTION}
        fields |= self.values.copy(partner, left_out)
        subs = self._sub_pages(page, partner)
        return fields | ({_SUBIFDS: subs} if subs else {})

    def _own(self, page: Directory) -> Fields:
        return {
            tag: self.target.entry(tag, entry.type, entry.count, entry.raw)
            for tag, entry in page.entries.items()
        }

    def _sub_pages(self, page: Directory, partner: Directory) -> bytes | None:
        """The entry for the directories below a page, if there are any on both sides."""
        entry, target = page.entries.get(_SUBIFDS), self.target.tiff
        if entry is None or _SUBIFDS not in partner.entries:
            return None
        new = [target.directory(place) for place in target.numbers(entry)]
        old_places = self.source.numbers(partner.entries[_SUBIFDS])
        try:
            old = [self.source.directory(place) for place in old_places]
        except BadImage:
            self.values.lose(_SUBIFDS, "pointing to what is not a directory")
            return None
        if not new:
            return None
        places: list[int] = []
        for below, above in zip(new, self._partners(old, new), strict=True):
            fields = self._own(below)
            if above is not None:
                fields |= self.values.copy(above, self.left_out | {_TRANSFER_FUNCTION})
            places.append(self.target.append(self.target.directory(fields, below.next)))
        content = target.packed(f"{len(places)}{'IQ'[SIZES[entry.type] == 8]}", *places)
        return self.target.entry(_SUBIFDS, entry.type, entry.count, content)


def _size(tiff: Tiff, page: Directory) -> tuple[int, int]:
    return tiff.number(page, _HEIGHT), tiff.number(page, _WIDTH)
