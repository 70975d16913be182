"""Settings of the whole process: only the command line and the web server change them, never the library."""

from __future__ import annotations

from restorae.formats import quiet_libraries
from restorae.machine import keep_freed_memory


def prepare_process() -> None:
    """Set up a process that belongs to restorae.

    The allocator keeps large buffers that were freed, libvips keeps no finished operations, and tifffile's
    logger is silent.
    """
    keep_freed_memory()
    quiet_libraries()
