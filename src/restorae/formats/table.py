"""Which files are read and written, what is kept, and which decoders are here: one table for the command, the docs and the page."""

from __future__ import annotations

import importlib.util
from dataclasses import KW_ONLY, asdict, dataclass

from restorae.formats.format import Format
from restorae.formats.registry import FORMATS
from restorae.formats.unread import UNREAD, UnreadKind

_LONGEST = 6
"""Suffixes that are listed."""


@dataclass(frozen=True)
class FormatRow:
    """A format as a person reads of it."""

    title: str
    _: KW_ONLY
    suffixes: str
    reads: str
    """Depths, channels, pages; of a kind that is not read, the way out."""
    writes: str
    """What is written in its own format."""
    carries: str
    """What is carried over from an original of the same format."""
    decoder: str
    """What decodes it."""
    here: str
    """Whether that is installed on this machine."""

    def cells(self, here: bool = True) -> tuple[str, ...]:
        """The row for a table; `here` says whether it tells of this machine."""
        cells = tuple(asdict(self).values())
        return cells if here else cells[:-1]


COLUMNS = ("format", "suffixes", "read", "written", "carried over", "decoder", "here")


def format_rows() -> list[FormatRow]:
    """All formats that are read, and kinds that are known and refused by name."""
    return [*map(_row, FORMATS.values()), *map(_refused, UNREAD)]


def _row(found: Format) -> FormatRow:
    holds = found.capabilities
    if found.can_write:
        writes = "any numbers" if holds.any_number else f"{min(8, holds.bits)} to {holds.bits} bits"
        if not holds.any_number and holds.bits == 8:
            writes = "8 bits"
        writes += ", with loss" if holds.lossy else ""
        writes += ", alpha" if holds.alpha else ", no alpha"
        writes += ", several pages" if holds.pages else ""
    else:
        writes = "no: choose another format"
    libraries = " or ".join(each.library for each in found.loaders) or "NumPy"
    return FormatRow(
        found.title,
        suffixes=_listed(found.suffixes),
        reads=found.reads or _reads(found),
        writes=writes,
        carries=found.carries,
        decoder=libraries,
        here=_here(found),
    )


def _reads(found: Format) -> str:
    holds = found.capabilities
    depth = "any numbers" if holds.any_number else f"up to {holds.bits} bits"
    return depth + (", alpha" if holds.alpha else "") + (", several pages" if holds.pages else "")


def _here(found: Format) -> str:
    if found.is_array:
        return "yes"
    if found.name == "heic" and importlib.util.find_spec("pillow_heif") is None:
        return f"not for HEVC. {found.without_decoder}"
    loader = found.loader
    return f"no. {found.without_decoder}" if loader is None else "yes"


def _refused(kind: UnreadKind) -> FormatRow:
    return FormatRow(
        kind.title,
        suffixes=_listed(kind.suffixes),
        reads=f"no. {kind.way_out}",
        writes="no",
        carries="",
        decoder="",
        here="",
    )


def _listed(suffixes: tuple[str, ...]) -> str:
    more = ", …" if len(suffixes) > _LONGEST else ""
    return ", ".join(suffixes[:_LONGEST]) + more
