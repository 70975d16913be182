"""Encoders: which codec suits a film, its container and its pixels, and with what settings it encodes a closed piece.

No encoder here reorders frames (no B-frames, no hidden frames): packets then have the frames' own time stamps, and the length
of the last frame survives in every container. It costs some file size.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from restorae.errors import Fix, UsageError, nearest
from restorae.formats.video.facts import VideoFacts
from restorae.formats.video.library import import_av

THREADS = 4
"""Threads of an encoder: a fixed number, since some encoders' bytes depend on it."""
_QUALITY = 70
_SLICED_PX = 128
"""Side below which FFV1 chooses the number of slices itself: small frames do not hold four."""
_STATES_ASPECT = ("mp4", "mov")
"""Containers in which the pixel aspect ratio can be written for every codec."""
_H264_LOSSLESS_BITS = 8


@dataclass(frozen=True, kw_only=True)
class VideoCodec:
    """A codec that can be written."""

    name: str
    """FFmpeg's name of the codec: h264."""
    encoder: str
    """FFmpeg's name of the encoder: libx264."""
    options: Callable[[int], Mapping[str, str]]
    """The encoder's options for a quality of 1 to 100."""
    lossless: Mapping[str, str] | None = None
    """The encoder's options for lossless coding; None where it has none."""
    has_quality: bool = True
    """Whether the quality can be chosen."""
    needs_even: bool = False
    """Whether sides must be even where chroma is stored at half size."""
    smallest_px: int = 1
    """Smallest side of a frame that its encoder takes."""
    states_aspect: bool = False
    """Whether its own headers hold the pixel aspect ratio, so that every container keeps it."""

    packed: Mapping[str, str] = field(default_factory=dict)
    """Layouts that its encoder takes packed, and as what; the values are the same."""

    def stored_as(self, layout: str) -> str:
        """FFmpeg's name of the layout in which its encoder takes frames of `layout`."""
        return self.packed.get(layout, layout)

    def lacks(self, facts: VideoFacts, container: str, quality: int | None, lossless: bool) -> str:
        """Why it cannot hold such a film, as a sentence's rest; empty if it can."""
        if self.encoder not in import_av().codecs_available:
            return f"cannot be written: this build of FFmpeg has no encoder {self.encoder}"
        if self.encoder not in supported(container):
            return f"does not fit into {container}"
        layout = facts.layout
        found = import_av().codec.Codec(self.encoder, "w").video_formats or ()
        if self.stored_as(layout.name) not in {each.name for each in found}:
            return f"does not hold pixels of the kind {layout.name}"
        if self.needs_even and not _is_even(facts):
            return f"needs even sides for {layout.name}, and the film has {facts.height} × {facts.width} px"
        if min(facts.height, facts.width) < self.smallest_px:
            return f"is not used below {self.smallest_px} px, where its encoder is unreliable"
        if facts.pixel_aspect != 1 and not self.states_aspect and container not in _STATES_ASPECT:
            return f"would lose the pixel aspect ratio {facts.pixel_aspect} in {container}"
        too_deep = self.name == "h264" and layout.bits > _H264_LOSSLESS_BITS
        if lossless and (self.lossless is None or too_deep):
            return f"cannot code {layout.bits} bits without loss"
        if quality is not None and not lossless and not self.has_quality:
            return "has no choice of quality"
        return ""


def _crf(largest: float, **further: str) -> Callable[[int], Mapping[str, str]]:
    return lambda quality: {"crf": str(round(largest * (100 - quality) / 100)), **further}


_X264 = {"preset": "medium", "bf": "0"}
_X265 = "bframes=0:open-gop=0:log-level=none"
_FFV1 = {"level": "3", "slices": "4", "slicecrc": "1", "g": "1", "coder": "1"}

CODECS = {
    each.name: each
    for each in (
        VideoCodec(
            name="h264",
            encoder="libx264",
            options=_crf(51, **_X264),
            lossless={"qp": "0", **_X264},
            needs_even=True,
            states_aspect=True,
        ),
        VideoCodec(
            name="hevc",
            encoder="libx265",
            options=_crf(51, preset="medium", **{"x265-params": _X265}),
            lossless={"preset": "medium", "x265-params": f"{_X265}:lossless=1"},
            needs_even=True,
            smallest_px=128,
            states_aspect=True,
        ),
        VideoCodec(
            name="vp9",
            encoder="libvpx-vp9",
            options=_crf(63, b="0", **{"auto-alt-ref": "0", "lag-in-frames": "0", "row-mt": "1"}),
            lossless={"lossless": "1", "auto-alt-ref": "0", "lag-in-frames": "0"},
        ),
        VideoCodec(
            name="prores",
            encoder="prores_ks",
            options=lambda _: {"profile": "hq"},
            has_quality=False,
            needs_even=True,
        ),
        VideoCodec(
            name="ffv1",
            encoder="ffv1",
            options=lambda _: _FFV1,
            lossless=_FFV1,
            has_quality=False,
            packed={"gbrp": "bgr0", "gbrap": "bgra"},
        ),
    )
}
"""By name, in the order in which they are tried. FFV1 writes a checksum for each slice."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """With what a film is encoded."""

    codec: str
    encoder: str
    options: Mapping[str, str]
    is_lossless: bool
    pixels: str
    """FFmpeg's name of the layout that the encoder takes."""


def choose_encoding(
    facts: VideoFacts,
    container: str,
    *,
    codec: str | None = None,
    quality: int | None = None,
    lossless: bool = False,
) -> Encoding:
    """The codec that was asked for, or the first that suits: the film's own, then the order of `CODECS`.

    Raises:
        UsageError: there is no such codec, this build of FFmpeg lacks its encoder, or it does not go with the container, the
            pixels, the quality or lossless coding. The nearest that does is offered.
    """
    preferred = "ffv1" if lossless else facts.codec
    suiting = [
        each
        for each in sorted(CODECS.values(), key=lambda each: each.name != preferred)
        if not each.lacks(facts, container, quality, lossless)
    ]
    if codec is None:
        if not suiting:
            raise UsageError(
                f"no codec that is known here holds {facts.layout.name}{' without loss' * lossless} in {container}",
                fix=Fix("out", action="change"),
            )
        chosen = suiting[0]
    else:
        chosen = _named(codec)
        why = chosen.lacks(facts, container, quality, lossless)
        if why:
            fixes = [Fix("codec", each.name) for each in suiting[:1]]
            raise UsageError(f"{chosen.name} {why}", fix=fixes or Fix("out", action="change"))
    is_lossless = lossless or chosen.name == "ffv1"
    options = chosen.lossless if is_lossless else chosen.options(quality or _QUALITY)
    assert options is not None
    if min(facts.height, facts.width) < _SLICED_PX:
        options = {name: value for name, value in options.items() if name != "slices"}
    return Encoding(
        codec=chosen.name,
        encoder=chosen.encoder,
        options=dict(options),
        is_lossless=is_lossless,
        pixels=chosen.stored_as(facts.layout.name),
    )


@functools.cache
def supported(container: str) -> frozenset[str]:
    """FFmpeg's names of the codecs that a container holds."""
    with import_av().open(io.BytesIO(), "w", format=container) as trial:
        return frozenset(trial.supported_codecs)


def _named(name: str) -> VideoCodec:
    by_name = CODECS | {each.encoder: each for each in CODECS.values()}
    if name not in by_name:
        raise UsageError(f"there is no codec {name!r} to write. {nearest(name, CODECS)}")
    return by_name[name]


def _is_even(facts: VideoFacts) -> bool:
    """Whether no side is odd along which chroma is stored at half size."""
    name = facts.layout.name
    rows = facts.height % 2 and ("420" in name or "440" in name)
    columns = facts.width % 2 and ("420" in name or "422" in name)
    return not (rows or columns)
