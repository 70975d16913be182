"""The options of a server, and its limits."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the server takes before it says no, each with a sentence."""

    upload: int = 512 * MIB
    """Bytes of one image."""
    pixels: int = 2**28
    """Pixels of one image, all pages together; a small file can claim any size."""
    stored: int = 8 * 2**30
    """Bytes of all that is kept for the page: images, what is shown of them, results."""
    images: int = 5000
    """Images that are kept at once."""
    request: int = MIB
    """Bytes of a request that is no image."""
    waiting: int = 10_000
    """Jobs that may wait."""
    seconds_to_send: float = 300.0
    """How long a request may take to arrive."""
    minutes_of_restoring: float = 120.0
    """How long one image may be restored."""
    minutes_of_training: float = 24 * 60.0
    """How long one training may be asked to take."""
    parameters: int = 500_000_000
    """Parameters of a network that may be trained."""
    hours_kept: float = 24.0
    """How long an image is kept that is not requested."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Where the server listens, what it may read and where it writes models."""

    host: str = "127.0.0.1"
    """The address to bind to."""
    port: int = 8765
    """The port; 0 takes a free one."""
    models: Path = Path("models")
    """The folder whose models are listed and into which trained ones are written; made when the first is."""
    data: Path | None = None
    """The folder whose subfolders may be trained on."""
    out: Path | None = None
    """Folder in which a copy of each result is saved, by the folders of what was dropped."""
    keep: Path | None = None
    """Folder in which images, masks and results stay when the server ends; None removes them."""
    token: str | None = None
    """What a client must know; None asks for nothing, which is for loopback alone."""
    device: str = "auto"
    """Where models work."""
    imports: tuple[Path, ...] = ()
    """Python files of the person's own, which a training must know too."""
    limits: Limits = field(default_factory=Limits)
    """What the server puts up with."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
