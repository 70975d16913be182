"""Damaged files of every kind: a sentence or a result, never a traceback, a changed file or a half-written one.

The few here are the same in every run. CONTRIBUTING.md says how to try ten thousand of a kind.
"""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restorae.degradations import Degradation
from restorae.errors import RestoraeError
from restorae.losses import Loss
from restorae.networks import Network
from tests.fuzz.mutations import TOKENS, mutated, with_header_length
from tests.fuzz.running import fuzz
from tests.fuzz.targets import TARGETS, Lost, Target, attempt


@pytest.mark.parametrize("kind", TARGETS)
def test_some_dozens(tmp_path: Path, kind: str) -> None:
    if not TARGETS[kind].corpus():
        pytest.skip("nothing encodes such files here")
    outcomes = [attempt(TARGETS[kind], seed, tmp_path) for seed in range(60)]
    refused = sum(map(bool, outcomes))
    assert 5 < refused < 60, "mutations must reach behind the first check"


@pytest.mark.slow
@pytest.mark.parametrize("kind", TARGETS)
def test_some_hundreds_within_limits_of_time_and_memory(tmp_path: Path, kind: str) -> None:
    if not TARGETS[kind].corpus():
        pytest.skip("nothing encodes such files here")
    assert fuzz(kind, 60, 300, tmp_path) == {}


@settings(max_examples=150, deadline=None)
@given(
    text=st.lists(st.sampled_from([*TOKENS, "blur", "sigma", "1..2", "unet", "mse"])).map("".join)
)
def test_any_text_is_settings_or_refused(text: str) -> None:
    for family in (Degradation, Network, Loss):
        with contextlib.suppress(RestoraeError):
            part = family.of(text)
            assert family.of(str(part)) == part


def test_a_seed_means_one_file() -> None:
    content = random.Random(1).randbytes(500)
    made = [mutated(seed, [content], with_header_length) for seed in (1, 2, 1)]
    assert made[0] == made[2] != made[1]


def _raises(path: Path) -> None:
    raise ZeroDivisionError


def _changes(path: Path) -> None:
    path.write_bytes(b"other")


def _leaves(path: Path) -> None:
    path.with_name(".x.partial").touch()


def test_what_users_would_see_is_noticed(tmp_path: Path) -> None:
    for harm, seen in ((_raises, ZeroDivisionError), (_changes, Lost), (_leaves, Lost)):
        target = Target(suffix=".bin", corpus=lambda: [b"abc"], attempt=harm)
        with pytest.raises(seen):
            attempt(target, 0, tmp_path)
        (tmp_path / ".x.partial").unlink(missing_ok=True)
