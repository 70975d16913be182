"""pyvips and tifffile, imported at first use, without changing the process that they run in."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import logging
import sys
import threading
from collections.abc import Iterator
from types import ModuleType

from restorae.errors import MissingExtra

_TIFFFILE = "tifffile"
_ALL_LEVELS = 0xFF
"""All levels of GLib's log, also those that are fatal and recursive."""
_process_is_ours = False


def quiet_libraries() -> None:
    """Set libvips' operation cache to 0 and silence the loggers of pyvips and tifffile, for the whole process. Imports neither.

    For programs that own their process, such as the command line: libvips would keep up to 100 MB of images that are not
    needed again, and both warn of what restorae reports itself. The library never calls it.
    """
    global _process_is_ours
    _process_is_ours = True
    for name in (_TIFFFILE, "pyvips"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def import_pyvips() -> ModuleType:
    """The module `pyvips`.

    Raises:
        MissingExtra: it is not installed.
    """
    is_first = "pyvips" not in sys.modules
    try:
        import pyvips
    except ImportError as error:
        raise MissingExtra("Reading images needs pyvips: pip install 'pyvips[binary]'") from error
    if _process_is_ours:
        pyvips.cache_set_max(0)
    if is_first or _process_is_ours:
        _drop_vips_log(pyvips)
    _read_all_errors(pyvips)
    return pyvips  # type: ignore[no-any-return]


@functools.cache
def _read_all_errors(pyvips: ModuleType) -> None:
    """Have complaints that quote bytes of damaged files decoded.

    pyvips expects UTF-8. Otherwise it raises before it empties libvips' buffer of errors, and so for every error that follows.
    """
    decode = pyvips.error._to_string

    def decode_all(text: object) -> object:
        try:
            return decode(text)
        except UnicodeDecodeError:
            return pyvips.ffi.string(text).decode("utf-8", "backslashreplace")

    pyvips.error._to_string = decode_all


@functools.cache
def _drop_vips_log(pyvips: ModuleType) -> None:
    """Have libvips' warnings end in C, where pyvips hands them to Python's logging.

    Its handler is Python code, in which garbage may be collected. If that is the image of a damaged file, libvips warns once
    more from within the handler, and GLib ends the process. Whoever imported pyvips earlier keeps its handler.
    """
    # any function of C that needs nothing will do: what it is given is ignored
    nothing = ctypes.cast(ctypes.pythonapi.Py_GetVersion, ctypes.c_void_p).value
    handler = pyvips.ffi.cast("GLogFunc", nothing)
    pyvips.glib_lib.g_log_set_handler(b"VIPS", _ALL_LEVELS, handler, pyvips.ffi.NULL)


def import_tifffile() -> ModuleType:
    """The module `tifffile`.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import tifffile
    except ImportError as error:
        raise MissingExtra("Reading TIFF files needs tifffile: pip install tifffile") from error
    return tifffile


@contextlib.contextmanager
def without_tifffile_log() -> Iterator[None]:
    """Drop what tifffile logs in this thread inside the block; what is wrong with a file we say ourselves."""
    thread = threading.get_ident()

    def is_of_others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger = logging.getLogger(_TIFFFILE)
    logger.addFilter(is_of_others)
    try:
        yield
    finally:
        logger.removeFilter(is_of_others)
