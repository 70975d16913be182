"""What a file format is: how it is recognised, what it can hold, and what reads and writes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from restorae.errors import BadImage
from restorae.formats.original import Original, Page
from restorae.formats.writer import Writer

if TYPE_CHECKING:
    import pyvips

    from restorae.formats.loaders import Loader


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a format can hold."""

    bits: int
    """Bits of a value that are stored at most."""
    accepts_bits: int
    """Bits of a value that are accepted; what is beyond `bits` is rounded, with a notice."""
    any_number: bool = False
    """Whether values may be signed or floats; otherwise they are unsigned integers."""
    channels: frozenset[int] | None = frozenset({1, 3})
    """Numbers of channels without alpha; None means any."""
    alpha: bool = True
    """Whether it holds alpha."""
    pages: bool = False
    """Whether it holds several pages."""
    mixed_pages: bool = False
    """Whether pages may differ in size and type."""
    quality: int | None = None
    """The usual quality, 1 to 100, where it is compressed with loss; None where it is lossless."""

    @property
    def lossy(self) -> bool:
        """Whether values change a little when they are written."""
        return self.quality is not None

    def refusal(self, pages: Sequence[Page]) -> str | None:
        """Why these pages cannot be held, as a sentence's rest: `holds one page, this file has 2`; None if they can.

        >>> import numpy as np
        >>> page = Page(height=2, width=2, bands=5, alpha=0, dtype=np.dtype("uint8"))
        >>> Capabilities(bits=8, accepts_bits=8).refusal([page])
        'holds 1 or 3 channels, this file has 5'
        """
        for page in pages[:1] if len(set(pages)) == 1 else pages:
            if len(pages) > 1 and not self.pages:
                return f"holds one page, this file has {len(pages)}"
            if page.dtype.kind not in "bu" and not self.any_number:
                return f"holds unsigned integers, not {page.dtype}"
            if 8 * page.dtype.itemsize > self.accepts_bits:
                return f"holds values of up to {self.bits} bits, not {page.dtype}"
            if page.alpha and not self.alpha:
                return "has no alpha, this file has"
            if self.channels is not None and page.channels not in self.channels:
                known = " or ".join(map(str, sorted(self.channels)))
                return f"holds {known} channels, this file has {page.channels}"
        outlines = {(page.height, page.width, page.bands, page.dtype) for page in pages}
        if not self.mixed_pages and len(outlines) > 1:
            return "holds pages of one size and type, those of this file differ"
        return None


class BeginWriter(Protocol):
    """Opens a writer for a target that is like an original."""

    def __call__(self, original: Original, target: Path, /, *, quality: int | None) -> Writer:
        """The writer; a `quality` of None is the usual one."""


class BeginPlainWriter(Protocol):
    """Opens a writer for values without metadata."""

    def __call__(self, target: Path, pages: Sequence[Page], /, *, like: Original | None) -> Writer:
        """The writer; `like` gives orientation or shape."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """A file format."""

    name: str
    """As in settings: `png`."""
    title: str
    """As in text: `PNG`."""
    suffixes: tuple[str, ...]
    """Of file names, in small letters; the first is the usual one."""
    media_type: str
    """As in HTTP: `image/png`."""
    recognises: Callable[[bytes], bool]
    """Whether a file that begins with these bytes, 32 or fewer, is of this format."""
    capabilities: Capabilities
    open: Callable[[Path, str | None], Original]
    """Open a file, with the letters of its axes where `takes_axes`."""
    writer: BeginWriter | None = None
    """A writer for a target that is like an original, with a quality or None; None where the format is only read."""
    loaders: tuple[Loader, ...] = ()
    """What decodes it, the best first; none for arrays."""
    reads: str = ""
    """What is read of it, in words."""
    without_decoder: str = ""
    """What to do where no decoder is installed."""
    encode: Callable[[pyvips.Image, int], bytes] | None = None
    """A still image as a file's content, by a quality."""
    plain_writer: BeginPlainWriter | None = None
    """A writer for values without metadata; the original gives orientation or shape. None where none is needed."""
    carries: str = ""
    """What is copied from an original of the same format, in words."""
    takes_axes: bool = False
    is_array: bool = False
    """Whether it holds arrays of numbers rather than images."""

    @property
    def loader(self) -> Loader | None:
        """The first loader that can decode on this machine; None of arrays, and where there is none."""
        return next((each for each in self.loaders if each.is_available()), None)

    def require_loader(self, path: Path) -> Loader:
        """The loader for a file.

        Raises:
            BadImage: no decoder is installed.
        """
        found = self.loader
        if found is None:
            raise BadImage(
                f"is a {self.title} file, which this installation cannot decode. {self.without_decoder}",
                subject=path,
            )
        return found

    @property
    def suffix(self) -> str:
        """The usual suffix."""
        return self.suffixes[0]

    @property
    def can_write(self) -> bool:
        """Whether it can be written."""
        return self.writer is not None

    def holds(self, pages: Sequence[Page]) -> bool:
        """Whether it can be written and hold these pages."""
        return self.can_write and self.capabilities.refusal(pages) is None


def starts_with(*signatures: bytes) -> Callable[[bytes], bool]:
    """A test for files that begin with one of the signatures."""

    def recognises(start: bytes) -> bool:
        return start.startswith(signatures)

    return recognises


def brands(start: bytes) -> frozenset[bytes]:
    """The brands that an ISO base media file (AVIF, HEIF) names in its first 32 bytes."""
    if start[4:8] != b"ftyp":
        return frozenset()
    return frozenset(start[at : at + 4] for at in (8, 16, 20, 24, 28))
