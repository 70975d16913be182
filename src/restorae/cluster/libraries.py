"""The libraries of the extra `cluster`, imported at first use."""

from __future__ import annotations

import logging
import os
from importlib import import_module
from types import ModuleType
from typing import Any

from restorae.errors import MissingExtra

_EXTRA = "pip install 'restorae[cluster]'"


def import_ray() -> ModuleType:
    """The module `ray`, with `ray.data`; it reports nothing to its makers, and prints no progress of its own.

    Raises:
        MissingExtra: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtra(f"Restoring on a cluster needs Ray: {_EXTRA}") from error
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    return ray


def import_fsspec(scheme: str) -> Any:
    """The module `fsspec`, with what it needs for addresses of a scheme.

    Raises:
        MissingExtra: something is not installed.
    """
    needed = {"s3": "s3fs", "gs": "gcsfs", "http": "aiohttp", "https": "aiohttp"}[scheme]
    try:
        import_module(needed)
        import fsspec
    except ImportError as error:
        how = "pip install gcsfs" if scheme == "gs" else _EXTRA
        raise MissingExtra(f"Addresses that begin with {scheme}:// need {needed}: {how}") from error
    return fsspec
