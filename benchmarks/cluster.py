"""Workers of a Ray cluster against one process, and kills of workers: `python -m benchmarks.cluster scaling|kills`.

`scaling` restores 40 photographs by one process of two threads (A) and by Ray workers of one thread (B), in the order
A B A B, and prints megapixels per second without the start of processes. `kills` kills 20 workers in one job of 300 small
images, and compares what is there in the end with what the plain run wrote.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import random
import signal
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data as photographs

from restorae.cluster.engine import connected, run_on_cluster
from restorae.cluster.tasks import plan_cluster_tasks
from restorae.cluster.worker import WorkPlan
from restorae.restoring import RestoreRequest, RestorerPool, plan_tasks, restore_files

REQUEST = RestoreRequest(model="photo-denoiser")
_WORKER = b"ray::MapWorker(MapBatches(FileWorker"


def write_photographs(folder: Path, count: int, side: int) -> None:
    """Noisy crops of photographs, `side` pixels each way."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    originals = [photographs.astronaut(), photographs.coffee(), photographs.chelsea()]
    for index in range(count):
        photo = originals[index % len(originals)]
        height, width = (min(side, length) for length in photo.shape[:2])
        top, left = (
            int(rng.integers(0, photo.shape[axis] - kept + 1))
            for axis, kept in enumerate((height, width))
        )
        crop = photo[top : top + height, left : left + width]
        noisy = (crop + rng.normal(0, 15, crop.shape)).clip(0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"photo {index:03}.png")


def megapixels(folder: Path) -> float:
    """Pixels of all images of a folder, in millions."""
    total = 0
    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            total += image.width * image.height
    return total / 1e6


def time_process(source: Path, out: Path, threads: int) -> float:
    """Seconds of one process with its model loaded."""
    torch.set_num_threads(threads)
    restorers = RestorerPool(device="cpu")
    restorers.get("photo-denoiser").restore_images(torch.zeros(1, 3, 64, 64))
    started = time.perf_counter()
    report = restore_files(plan_tasks([source], out), REQUEST, restorers)
    assert not report.failures
    return time.perf_counter() - started


def time_workers(source: Path, out: Path, workers: int) -> float:
    """Seconds for all files at the rate at which outcomes arrive once each worker has restored one."""
    tasks = plan_cluster_tasks([source], out).tasks
    with connected("auto") as cluster:
        plan = WorkPlan(request=REQUEST, threads=1, memory=cluster.memory)
        room = dataclasses.replace(cluster, workers=workers)
        arrived = []
        for outcome in run_on_cluster(tasks, plan, room):
            assert outcome.restored, outcome
            arrived.append(time.perf_counter())
    rate = (len(arrived) - workers) / (arrived[-1] - arrived[workers - 1])
    return len(tasks) / rate


def scaling(folder: Path, count: int, side: int, rounds: int) -> dict[str, object]:
    """Megapixels per second of each run, in the order in which they ran."""
    write_photographs(folder / "photos", count, side)
    size = megapixels(folder / "photos")
    found: dict[str, list[float]] = {"process of 2 threads": [], "2 workers": [], "1 worker": []}
    for number in range(rounds):
        found["process of 2 threads"].append(
            size / time_process(folder / "photos", folder / f"a{number}", 2)
        )
        for workers, name in ((2, "2 workers"), (1, "1 worker")):
            seconds = time_workers(folder / "photos", folder / f"b{number}{workers}", workers)
            found[name].append(size / seconds)
            print(json.dumps(found), flush=True)
    ratios = [b / a for a, b in zip(found["process of 2 threads"], found["2 workers"], strict=True)]
    same = all(
        path.read_bytes() == (folder / "b02" / path.name).read_bytes()
        for path in (folder / "a0").glob("*.png")
    )
    return {"megapixels_per_second": found, "ratios": ratios, "same_bytes": same}


def kill_workers(count: int, out: Path, files: int, ended: threading.Event) -> list[int]:
    """Kill a worker each time that another share of the files is there; the processes that were killed."""
    rng, killed = random.Random(0), []
    while len(killed) < count and not ended.is_set():
        done = len(list(out.glob("[!.]*.png")))
        if done > len(killed) * files // (count + 2):
            found = []
            for path in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    if (path / "cmdline").read_bytes().startswith(_WORKER):
                        found.append(int(path.name))
            if found:
                killed.append(rng.choice(found))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(killed[-1], signal.SIGKILL)
        time.sleep(rng.uniform(0.02, 0.2))
    return killed


def kills(folder: Path, count: int, files: int) -> dict[str, object]:
    """What is lost, doubled or half-written after `count` kills in a job of `files` images."""
    write_photographs(folder / "photos", files, 48)
    time_process(folder / "photos", folder / "plain", 2)
    out, ended = folder / "restored", threading.Event()
    out.mkdir()
    killed: list[int] = []
    killer = threading.Thread(target=lambda: killed.extend(kill_workers(count, out, files, ended)))
    tasks = plan_cluster_tasks([folder / "photos"], out).tasks
    with connected("auto") as cluster:
        plan = WorkPlan(request=REQUEST, threads=1, memory=cluster.memory)
        killer.start()
        outcomes = list(run_on_cluster(tasks, plan, cluster))
    ended.set()
    killer.join()
    expected = {path.name: path.read_bytes() for path in (folder / "plain").glob("*.png")}
    there = {path.name: path.read_bytes() for path in out.glob("[!.]*.png")}
    restored = [outcome.index for outcome in outcomes if outcome.restored]
    return {
        "kills": len(killed),
        "files": files,
        "lost": len(expected.keys() - there.keys()) + files - len(set(restored)),
        "doubled": len(restored) - len(set(restored)),
        "half_written": sum(content != expected[name] for name, content in there.items()),
        "hidden_temporary_files": len(list(out.glob(".*.partial*"))),  # the next run removes them
    }


def main() -> None:
    """Run what the command line names and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("scaling", "kills"))
    parser.add_argument("--files", type=int)
    parser.add_argument("--side", type=int, default=384)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--kills", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.what == "scaling":
            found = scaling(Path(folder), given.files or 40, given.side, given.rounds)
        else:
            found = kills(Path(folder), given.kills, given.files or 300)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
