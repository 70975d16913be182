"""What the complaints of decoders mean for a user."""

from __future__ import annotations

from pathlib import Path

from restorae.errors import BadImage

_NOT_DAMAGED = (
    "unsupported", "no decoding", "not configured", "not been built in", "not a whole number of bytes", "not supported",
)  # fmt: skip
"""What decoders say of sound files that they cannot decode."""


def undecodable(path: Path, error: Exception) -> BadImage:
    """What a decoder's complaint means for a user."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[-1] if lines else "unknown format"
    if any(words in reason.lower() for words in _NOT_DAMAGED):
        return BadImage(
            f"cannot be decoded by this installation: {reason}. Convert it to PNG or TIFF without compression",
            subject=path,
        )
    return BadImage(
        f"cannot be read as an image: {reason}. The file is cut short, damaged or of an unknown variant",
        subject=path,
    )
