"""The machine: devices, precision, and the facts that explain a timing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from torch.nn import functional

from restorae import machine
from restorae.errors import Fix, UsageError
from restorae.machine import (
    choose_device,
    choose_precision,
    computing_in,
    describe,
    keep_freed_memory,
    usable_cores,
)

CPU = torch.device("cpu")


def test_cores_are_those_that_this_process_may_use():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system cannot bind a process to cores"
)
def test_a_process_bound_to_one_core_uses_one():
    code = """
import os
from restorae.machine import usable_cores
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print(usable_cores())"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "1"


def test_auto_is_cuda_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device().type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device() == CPU
    assert choose_device("cpu") == CPU


@pytest.mark.parametrize("wanted", ["banana", "", "cpu:x", "cuda:99", "gpu"])
def test_a_device_that_is_not_here_is_reported(wanted):
    with pytest.raises(UsageError, match=f"no device {wanted!r}") as caught:
        choose_device(wanted)
    assert caught.value.message.fixes == (Fix("device", "auto"), Fix("device", "cpu"))


def test_a_chosen_precision_is_kept():
    assert choose_precision("float32", CPU) == "float32"
    assert choose_precision("bfloat16", CPU) == "bfloat16"


@pytest.fixture
def nothing_said(monkeypatch):
    monkeypatch.delenv("RESTORAE_PRECISION")


def test_what_auto_means_can_be_said(monkeypatch):
    for said in ("float32", "bfloat16"):
        monkeypatch.setenv("RESTORAE_PRECISION", said)
        assert choose_precision("auto", CPU) == said
        assert choose_precision("float32", CPU) == "float32"
    monkeypatch.setenv("RESTORAE_PRECISION", "half")
    with pytest.raises(UsageError, match=r"RESTORAE_PRECISION: .* not 'half'"):
        choose_precision("auto", CPU)


@pytest.mark.usefixtures("nothing_said")
@pytest.mark.parametrize(
    ("flags", "expected"),
    [("sse avx2", "float32"), ("sse avx512_bf16", "bfloat16"), ("sse amx_bf16", "bfloat16")],
)
def test_auto_is_bfloat16_only_where_the_processor_computes_it(
    monkeypatch, tmp_path, flags, expected
):
    (tmp_path / "cpuinfo").write_text(
        f"processor : 0\nmodel name : Some Processor\nflags\t\t: fpu {flags}\nbugs : none\n"
    )

    def open_ours(path: str, *args: object, **options: object) -> object:
        return open(tmp_path / "cpuinfo" if path == "/proc/cpuinfo" else path, *args, **options)

    monkeypatch.setattr(machine, "open", open_ours, raising=False)
    assert choose_precision("auto", CPU) == expected


@pytest.mark.usefixtures("nothing_said")
def test_a_system_without_cpuinfo_computes_in_float32(monkeypatch):
    def refuse(*_: object, **__: object) -> object:
        raise FileNotFoundError

    monkeypatch.setattr(machine, "open", refuse, raising=False)
    assert choose_precision("auto", CPU) == "float32"
    assert choose_precision("auto", torch.device("meta")) == "float32"


@pytest.mark.parametrize(
    ("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_the_block_computes_in_its_precision(precision, dtype):
    images, weights = torch.rand(1, 1, 5, 5), torch.rand(1, 1, 3, 3)
    with computing_in(precision, CPU):
        assert functional.conv2d(images, weights).dtype == dtype
    assert functional.conv2d(images, weights).dtype == torch.float32
    assert weights.dtype == torch.float32


def test_the_description_holds_what_explains_a_timing():
    facts = describe()
    assert facts["cores"] == usable_cores()
    assert facts["threads"] == torch.get_num_threads()
    assert facts["torch"] == torch.__version__
    assert facts["precision"] in ("float32", "bfloat16")
    assert facts["processor"]


class Libc:
    """Notes what would be asked of glibc."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def __call__(self, name: str) -> Libc:
        return self

    def mallopt(self, option: int, value: int) -> int:
        self.asked.append((option, value))
        return 1


def test_the_allocator_is_left_to_whoever_set_it_in_the_environment(monkeypatch):
    libc = Libc()
    monkeypatch.setattr(machine.ctypes, "CDLL", libc)
    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000")
    keep_freed_memory()
    assert libc.asked == []
    for name in [name for name in os.environ if name.startswith("MALLOC_")]:
        monkeypatch.delenv(name)
    keep_freed_memory()
    assert {option for option, _ in libc.asked} == {-1, -2, -3}


def test_elsewhere_the_allocator_is_left_alone(monkeypatch):
    libc = Libc()
    monkeypatch.setattr(machine.ctypes, "CDLL", libc)
    for name in [name for name in os.environ if name.startswith("MALLOC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(machine.sys, "platform", "darwin")
    keep_freed_memory()
    assert libc.asked == []


@pytest.mark.parametrize("error", [OSError, AttributeError])
def test_a_libc_without_that_call_is_no_error(monkeypatch, error):
    def missing(_name: str) -> object:
        raise error

    monkeypatch.setattr(machine.ctypes, "CDLL", missing)
    monkeypatch.setattr(machine.sys, "platform", "linux")
    keep_freed_memory()
