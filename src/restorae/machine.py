"""Facts about this machine: cores, memory, allocator, device, precision."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias, cast, get_args

import torch

from restorae.errors import Fix, UsageError, nearest

Precision: TypeAlias = Literal["auto", "float32", "bfloat16"]
PRECISION_VARIABLE = "RESTORAE_PRECISION"
"""Environment variable that replaces `auto`: set it to float32 for equal results on every machine."""

_assumed_memory: int | None = None
_FALLBACK_MEMORY = 2 * 2**30
_CONTAINER_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3


def usable_cores() -> int:
    """Processor cores that this process may use."""
    return (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    )


def available_memory(device: torch.device | None = None) -> int:
    """Bytes of free memory: of a CUDA device, else of this machine, within the limits of its container; or as assumed."""
    if _assumed_memory is not None:
        return _assumed_memory
    if device is not None and device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    found = [_FALLBACK_MEMORY]
    with (
        contextlib.suppress(OSError, ValueError, StopIteration),
        open("/proc/meminfo", encoding="ascii") as meminfo,
    ):
        found = [
            1024 * int(next(line for line in meminfo if line.startswith("MemAvailable")).split()[1])
        ]
    for limit, used in _CONTAINER_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # "max" is not a number: no limit
            found.append(max(0, int(Path(limit).read_text()) - int(Path(used).read_text())))
    return min(found)


def assume_free_memory(bytes_: int | None) -> None:
    """Take a figure for the free memory of this process, so that workers choose the same tiles; None asks the system again."""
    global _assumed_memory
    _assumed_memory = bytes_


def keep_freed_memory() -> None:
    """Ask glibc to keep large freed buffers instead of giving them back to the kernel.

    A training step frees the same large buffers and asks for them again. If they are given back each time, the kernel
    must map every page again, which took up to half of a step. Does nothing except on Linux with glibc, or if the
    environment sets a MALLOC_ variable.
    """
    if not sys.platform.startswith("linux") or any(
        name.startswith("MALLOC_") for name in os.environ
    ):
        return
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        mallopt(_M_TRIM_THRESHOLD, 1 << 30)
        mallopt(_M_TOP_PAD, 256 << 20)


def give_back_memory() -> None:
    """Return the memory that `keep_freed_memory` kept to the kernel, after large work in a long-lived process. glibc only."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def check_device_name(wanted: str) -> None:
    """Raise `UsageError` unless `wanted` is how a device is called, whether or not this machine has it."""
    try:
        if str(wanted) != "auto":
            torch.device(wanted)
    except (RuntimeError, TypeError):
        has_cuda = torch.cuda.is_available()
        fixes = (
            (Fix("device", "cuda"),) if has_cuda else (Fix("device", "auto"), Fix("device", "cpu"))
        )
        raise UsageError(
            f"There is no device {wanted!r}. Devices are auto, cpu, cuda (an NVIDIA or AMD graphics card"
            f"{'' if has_cuda else ', which this machine has none of'}), cuda:1, mps",
            fix=fixes,
        ) from None


def check_precision_name(wanted: str) -> None:
    """Raise `UsageError` unless `wanted` is a precision."""
    if wanted not in get_args(Precision):
        raise UsageError(
            f"There is no precision {wanted!r}. {nearest(str(wanted), get_args(Precision))}"
        )


def choose_device(wanted: str = "auto") -> torch.device:
    """The device called `wanted`; `auto` is a CUDA device if there is one, else the CPU.

    Raises:
        UsageError: this machine has no such device.
    """
    check_device_name(wanted)
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"This machine has no device {wanted!r} ({str(error).splitlines()[0]})",
            fix=(Fix("device", "auto"), Fix("device", "cpu")),
        ) from None
    return device


def choose_precision(
    wanted: Precision, device: torch.device, *, exact: bool = False
) -> Literal["float32", "bfloat16"]:
    """The precision to compute in; `auto` is the variable RESTORAE_PRECISION, else bfloat16 where it is native, else float32.

    A CPU without AVX512-BF16 or AMX emulates bfloat16, which is slower than float32.

    Args:
        wanted: what was asked for.
        device: where it is computed.
        exact: whether `auto` means float32 on every device.

    Raises:
        UsageError: the variable has another value.
    """
    if wanted != "auto":
        return wanted
    value = os.environ.get(PRECISION_VARIABLE) or "auto"
    if value in ("float32", "bfloat16"):
        return cast("Literal['float32', 'bfloat16']", value)
    if value != "auto":
        raise UsageError(
            f"the environment variable must be auto, float32 or bfloat16, not {value!r}",
            subject=PRECISION_VARIABLE,
        )
    if exact:
        return "float32"
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device.type == "cpu":
        return "bfloat16" if _processor_has_bfloat16() else "float32"
    return "float32"


def _processor_has_bfloat16() -> bool:
    with contextlib.suppress(OSError):
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
            flags = next((line for line in cpuinfo if line.startswith("flags")), "")
        return "avx512_bf16" in flags or "amx_bf16" in flags
    return False


@contextlib.contextmanager
def computing_in(precision: Literal["float32", "bfloat16"], device: torch.device) -> Iterator[None]:
    """Run the convolutions and matrix products of the block in `precision`; weights and sums stay float32."""
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        yield


def describe() -> dict[str, str | int]:
    """Facts about this machine that explain a timing."""
    return {
        "processor": _processor_name(),
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "precision": choose_precision("auto", choose_device()),
    }


def _processor_name() -> str:
    with (
        contextlib.suppress(OSError),
        open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo,
    ):
        for line in cpuinfo:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return "unknown"
