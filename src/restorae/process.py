"""Settings of the whole process: only the command line and the web server make them, never the library."""

from __future__ import annotations

from restorae.machine import keep_freed_memory


def prepare_process() -> None:
    """Set up a process that belongs to restorae: the allocator keeps large buffers that were freed."""
    keep_freed_memory()
