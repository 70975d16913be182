"""What is asked of a film beside what is asked of every image."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from restorae.errors import BadSpec, Fix, SettingsConflict, UsageError
from restorae.restoring.form_fields import option
from restorae.restoring.request import Request, RestoreRequest
from restorae.restoring.restorer import Capabilities

_LEAST_RATE, _LARGEST_RATE = Fraction(1, 1000), 1000
_ROUNDED = Fraction(1, 200)
"""By how much a rate with few digits is off at most."""
_OF_IMAGES = (
    "mask",
    "samples",
    "error_map",
    "defect_mask",
    "format",
    "values",
    "axes",
    "together",
    "max_pixels",
)
"""Settings of images that films do not have."""


@dataclass(frozen=True, kw_only=True)
class FilmRequest(Request):
    """How films are read and written.

    >>> FilmRequest(from_time="1:30", to_time="95.5").part
    (Fraction(90, 1), Fraction(191, 2))
    """

    from_time: str | None = option(None, "Film", metavar="TIME")
    """Begin here: seconds, or hours:minutes:seconds, from the first frame."""
    to_time: str | None = option(None, "Film", metavar="TIME")
    """End before this time."""
    frame_rate: str | None = option(None, "Film", metavar="FPS")
    """Frames per second of numbered frames: 24, 23.976 or 24000/1001. A folder given with it is a film. Default: 24."""
    codec: str | None = option(None, "Film", metavar="NAME")
    """Codec of the result: h264, hevc, vp9, prores or ffv1. Default: that of the film, or the first that holds its pixels."""
    lossless: bool = option(False, "Film")
    """Encode without loss: FFV1 with checksums where the file can hold it."""
    deflicker: float | None = option(None, "Film", ge=0, le=1)
    """Share of the flicker that is removed. Default: all, from shots that clearly flicker."""
    stabilise: bool = option(False, "Film")
    """Remove weave: each frame is moved so that the image stands still, pans stay."""
    cuts: Path | None = option(None, "Film", metavar="FILE", page="hidden")
    """List of the shots, with settings for each. If the file does not exist, the shots that are found are written to it."""
    repair_map: Path | None = option(None, "Film", metavar="FILE")
    """Also write where damage was found, as a grey film: white where a pixel was replaced. Needs a film cleaner."""
    compare: Path | None = option(None, "Film", metavar="FILE")
    """Also write a film that shows each frame as it was and restored, side by side."""
    frame_log: Path | None = option(None, "Film", metavar="FILE")
    """Also write a line of JSON for each frame: share and strength of its changes, and whether its motion was found."""
    resume: bool = option(False, "Film")
    """Go on with a film where a stopped run left off."""

    @property
    def part(self) -> tuple[Fraction | None, Fraction | None]:
        """Begin and end in seconds; None is that of the film.

        Raises:
            BadSpec: a time cannot be read.
        """
        return _seconds(self.from_time), _seconds(self.to_time)

    @property
    def rate(self) -> Fraction | None:
        """Frames per second of numbered frames; None where nothing was said.

        Raises:
            BadSpec: it cannot be read.
        """
        return None if self.frame_rate is None else _rate(self.frame_rate)

    def check(self, request: RestoreRequest) -> None:
        """Refuse settings that films do not have or that exclude each other.

        Raises:
            SettingsConflict: as its message says.
            BadSpec: a time cannot be read.
        """
        for name in _OF_IMAGES:
            if name in request.given():
                raise SettingsConflict(
                    "{} is for images, not for films",
                    settings=(name,),
                    fix=Fix(name, action="omit"),
                )
        if self.lossless and request.quality is not None:
            raise SettingsConflict(
                "{} cannot be combined with {}",
                settings=("lossless", "quality"),
                fix=Fix("quality", action="omit"),
            )
        _ = self.rate
        start, end = self.part
        if end is not None and end <= (start or 0):
            raise SettingsConflict("{} must be later than {}", settings=("to_time", "from_time"))

    def check_restorer(self, capabilities: Capabilities, request: RestoreRequest) -> None:
        """Refuse what the restorer cannot do with films.

        Raises:
            UsageError: it has no repair map, or no self-ensemble.
        """
        if self.repair_map is not None and not capabilities.neighbours:
            raise UsageError(
                f"{capabilities.name} does not say where it found damage. A film cleaner does",
                fix=Fix("repair_map", action="omit"),
            )
        if capabilities.neighbours and request.self_ensemble > 1:
            raise UsageError(
                f"{capabilities.name} compares frames and has no self-ensemble",
                fix=Fix("self_ensemble", action="omit"),
            )

    def check_unused(self) -> None:
        """Refuse settings of films where there is none.

        Raises:
            SettingsConflict: one is given.
        """
        for name in sorted(self.given()):
            raise SettingsConflict(
                "{} is for films, and there is none", settings=(name,), fix=Fix(name, action="omit")
            )


def _rate(text: str) -> Fraction:
    """Frames per second that a text such as `18`, `23.976` or `24000/1001` means.

    >>> _rate("23.976"), _rate("29.97"), _rate("16")
    (Fraction(24000, 1001), Fraction(30000, 1001), Fraction(16, 1))
    """
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not _LEAST_RATE <= rate <= _LARGEST_RATE:
        raise BadSpec(
            f"{text!r} is not a frame rate. Expected frames per second, as 24, 23.976 or 24000/1001"
        )
    # of television's rates the first digits are usual: 23.976 means 24000/1001
    exact = Fraction(round(rate * Fraction(1001, 1000)) * 1000, 1001)
    is_short = rate.denominator != 1 and abs(exact - rate) < _ROUNDED
    return exact if is_short else rate


def _seconds(text: str | None) -> Fraction | None:
    """Seconds that a text such as `95.5` or `1:02:03.25` means."""
    if text is None:
        return None
    if not re.fullmatch(r"(\d+:){0,2}\d+(\.\d+)?", text.strip(), re.ASCII):
        raise BadSpec(
            f"{text!r} is not a time. Expected seconds, or hours:minutes:seconds as 1:02:03.5"
        )
    total = Fraction(0)
    for part in text.strip().split(":"):
        total = total * 60 + Fraction(part)
    return total
