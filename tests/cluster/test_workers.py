"""Workers of a Ray cluster restore as the plain command does: the same bytes, each once, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from restorae.cluster import engine, one_cluster
from restorae.cluster.engine import Cluster, connected
from restorae.cluster.tasks import ClusterTask
from restorae.cluster.worker import Outcome, WorkPlan
from restorae.errors import ClusterError, UsageError
from restorae.restoring import RestoreRequest
from tests.cluster.poisoned_worker import PoisonedWorker
from tests.cluster.ray_cluster import RayCluster, ray_cluster
from tests.command import run
from tests.killing import visible

# Ray warns of its own use of what it will remove
pytestmark = pytest.mark.filterwarnings("ignore")
KILLS = int(os.environ.get("RESTORAE_KILLS", "3"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with ray_cluster() as running:
        yield running


@pytest.fixture
def auto(cluster: RayCluster, monkeypatch: pytest.MonkeyPatch) -> RayCluster:
    """A cluster that `--cluster auto` finds."""
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    return cluster


def images_in(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in visible(folder).items() if "jsonl" not in name}


@pytest.mark.parametrize("address", ["spark://host:1", "ray://host", "ray://host:99999", "host:1"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(UsageError, match="ray://HOST:PORT"):
        engine._require_answer(address if "://" in address else "ray://")


def test_nobody_who_answers_is_said_at_once() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound and not listening: refused
        address = f"ray://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(ClusterError, match="nobody answers there"), connected(address):
            pass


@pytest.mark.slow
def test_results_are_those_of_the_plain_command(scans: Path, auto: RayCluster) -> None:
    cwd = scans.parent
    (scans / "broken.png").write_bytes(b"no image")
    plain = run("restore", scans, "--out", "plain", cwd=cwd)
    outcome = run("restore", scans, "--out", "restored", "--cluster", "auto", cwd=cwd)
    assert outcome.status == plain.status == 1
    assert "6 of 7 restored" in outcome.err
    assert "broken.png" in outcome.complaint
    assert "Restored 6 with photo-denoiser" in outcome.err
    assert images_in(cwd / "restored") == images_in(cwd / "plain")
    log = [json.loads(line) for line in (cwd / "restored/restored.jsonl").open()]
    assert sorted(line["status"] for line in log) == ["failed", *["restored"] * 6]

    (cwd / "restored/box/scan 5.png").unlink()
    words = ["restore", scans, "--out", "restored", "--cluster", "auto", "--skip-existing"]
    assert "1 of 2 restored" in run(*words, cwd=cwd).err
    assert images_in(cwd / "restored") == images_in(cwd / "plain")


@pytest.mark.slow
def test_killed_workers_lose_and_double_nothing(scans: Path, auto: RayCluster) -> None:
    cwd, rng = scans.parent, random.Random(0)
    sources = sorted(scans.glob("*.png"))
    for number in range(15 * KILLS):
        shutil.copy(sources[number % len(sources)], scans / f"copy {number:03}.png")
    assert run("restore", scans, "--out", "plain", cwd=cwd).status == 0
    expected = images_in(cwd / "plain")
    killed, ended = 0, Event()

    def kill() -> None:
        nonlocal killed
        first = True
        while killed < KILLS and not ended.is_set():
            workers = auto.workers()
            done = len(list((cwd / "restored").rglob("*.png")))
            if workers and done >= 3 * killed + (1 if first else 0):
                os.kill(rng.choice(workers), signal.SIGKILL)
                killed, first = killed + 1, False
            time.sleep(rng.uniform(0.05, 0.3))

    killer = Thread(target=kill)
    killer.start()
    outcome = run("restore", scans, "--out", "restored", "--cluster", "auto", cwd=cwd)
    ended.set()
    killer.join()
    assert outcome.status == 0, outcome.err
    assert killed == KILLS
    assert f"{len(expected)} of {len(expected)} restored" in outcome.err
    assert images_in(cwd / "restored") == expected
    lines = [json.loads(line)["output"] for line in (cwd / "restored/restored.jsonl").open()]
    assert len(lines) == len(set(lines))


@pytest.mark.slow
def test_an_image_that_kills_its_workers_is_set_aside_and_named(
    scans: Path, auto: RayCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(scans / "scan 0.png", scans / "poison.png")
    monkeypatch.setattr(engine, "FileWorker", PoisonedWorker)
    monkeypatch.setattr(engine, "_BLOCKS", 3)  # so that others are in its group
    outcome = run("restore", scans, "--out", "restored", "--cluster", "auto", cwd=scans.parent)
    assert outcome.status == 1
    assert "poison.png: set aside: its worker was lost 3 times" in outcome.complaint
    assert "6 of 7 restored" in outcome.err
    assert len(images_in(scans.parent / "restored")) == 6
    log = (scans.parent / "restored/restored.jsonl").read_text()
    assert sum("set aside" in line for line in log.splitlines()) == 1


@pytest.mark.slow
def test_a_client_restores_and_another_version_is_refused(
    scans: Path, cluster: RayCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["restore", scans, "--out", "restored", "--cluster", cluster.client_address]
    assert run(*words, cwd=scans.parent).status == 0
    assert len(images_in(scans.parent / "restored")) == 6
    monkeypatch.setattr(engine, "VERSION", "99.0")
    outcome = run(*words, "--overwrite", cwd=scans.parent)
    assert outcome.status == 1
    assert "and this is 99.0" in outcome.complaint


def test_a_second_cluster_in_one_process_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_cluster, "_joined", [])
    one_cluster.require_same_cluster("127.0.0.1:6379")
    one_cluster.require_same_cluster("127.0.0.1:6379")
    with pytest.raises(ClusterError, match="can work on no other"):
        one_cluster.require_same_cluster("127.0.0.1:6380")


def test_a_cluster_that_has_ended_is_not_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
        monkeypatch.setattr(engine, "_STARTED", tmp_path / "absent")
        assert not engine._join_running(None, {})
        (tmp_path / "left over").write_text(address)
        monkeypatch.setattr(engine, "_STARTED", tmp_path / "left over")
        assert not engine._join_running(None, {})
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(ClusterError, match="nobody answers there"):
            engine._join_running(None, {})


def test_a_run_that_ends_because_a_worker_was_killed_at_its_start_is_begun_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = type("ActorUnavailableError", (Exception,), {"__module__": "ray.exceptions"})
    asked: list[list[int]] = []

    def run_two(indices: list[int], *_: object) -> Iterator[Outcome]:
        asked.append(indices)
        yield from (Outcome(index=index, restored=True) for index in indices[:2])
        if len(indices) > 2:
            raise lost

    monkeypatch.setattr(engine, "_run", run_two)
    task = ClusterTask(source="a", target="b", name="a")
    cluster = Cluster(workers=2, memory=0, is_local=True)
    plan = WorkPlan(request=RestoreRequest())
    outcomes = list(engine.run_on_cluster([task] * 5, plan, cluster))
    assert [outcome.index for outcome in outcomes] == [0, 1, 2, 3, 4]
    assert asked == [[0, 1, 2, 3, 4], [2, 3, 4], [4]]

    def run_none(*_: object) -> Iterator[Outcome]:
        raise lost
        yield

    monkeypatch.setattr(engine, "_run", run_none)
    with pytest.raises(ClusterError, match="ActorUnavailableError"):
        list(engine.run_on_cluster([task], plan, cluster))
