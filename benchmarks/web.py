"""Part `web`: the page, in a real browser, and many clients at once."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from interleaved_timing import ContestantFailed
from settings import Bench
from writing import table

from restorae.formats import write_still
from restorae.model import Model, make_card
from restorae.networks import UNet

TITLE = "The page"
HEIGHT, WIDTH = 3000, 4000
REQUESTS, AT_ONCE, QUICK_REQUESTS = 1000, 50, 100
SECONDS_OF_WALKING = 5
_WALK = """async (seconds) => {
    const plane = document.querySelector("#plane"), decoded = document.querySelector("#decoded");
    const edges = plane.getBoundingClientRect(), before = Number(decoded.dataset.frames), began = performance.now();
    let now = began;
    while (now - began < 1000 * seconds) {
        now = await new Promise((resolve) => requestAnimationFrame(resolve));
        const turn = (now - began) / 400;
        const [right, down] = [0.5 + 0.3 * Math.cos(turn), 0.5 + 0.3 * Math.sin(turn)];
        const at = {clientX: edges.left + edges.width * right, clientY: edges.top + edges.height * down};
        plane.dispatchEvent(new PointerEvent("pointermove", {...at, bubbles: true}));
    }
    return (Number(decoded.dataset.frames) - before) / ((performance.now() - began) / 1000);
}"""


def measure(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """Open the page, walk, drop a large photograph, then send many requests at once."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        raise ContestantFailed(
            "The page is measured in Chromium, which is not installed (Debian: apt-get install chromium)."
        )
    folder = bench.folder / "page"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "models").mkdir(parents=True)
    module = UNet(channels=3).build()
    Model(UNet(channels=3), module, card=make_card(UNet(channels=3), module, name="photos")).save(
        folder / "models" / "photos"
    )
    photo = _photo(folder / "photo.jpg", bench.seed)
    found: dict[str, Any] = {}
    with _serving(folder, bench.threads) as (server, address), sync_playwright() as playwright:
        root = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--disable-gpu", *root]
        )
        page = browser.new_page()
        page.set_default_timeout(600_000)
        started = time.perf_counter()
        page.goto(address)
        page.wait_for_selector("body[data-ready=restore]")
        found["usable"] = time.perf_counter() - started
        found["bytes"] = page.evaluate(
            "performance.getEntries().reduce((sum, each) => sum + (each.encodedBodySize ?? 0), 0)"
        )
        page.goto(f"{address}#latent")
        page.wait_for_selector("body[data-ready=latent]")
        page.wait_for_timeout(2000)
        found["frames"] = page.evaluate(_WALK, SECONDS_OF_WALKING)
        page.goto(f"{address}#restore")
        page.wait_for_selector("body[data-ready=restore]")
        page.select_option("#restore-model", "photos")
        started = time.perf_counter()
        page.set_input_files("#files", photo)
        page.wait_for_selector('#viewer canvas[data-shown$=" preview"][data-missing="0"]')
        found["preview"] = time.perf_counter() - started
        page.click("#restore-now")
        page.wait_for_selector('#viewer canvas[data-shown$=" after"]')
        job = json.loads(_get(f"{address}api/jobs"))["jobs"][-1]
        found["whole"] = job["ended"] - job["began"]
        browser.close()
        say(", ".join(f"{name} {value:.4g}" for name, value in found.items()))
        _remove_all(address)
        found |= _crowd(address, server.pid, QUICK_REQUESTS if bench.quick else REQUESTS)
    command = [
        sys.executable,
        "-m",
        "restorae",
        "restore",
        "photo.jpg",
        "--model",
        "models/photos.safetensors",
        "--out",
        "cli.jpg",
    ]
    started = time.perf_counter()
    subprocess.run(
        command, cwd=folder, env=_environment(bench.threads), check=True, capture_output=True
    )
    found["command"] = time.perf_counter() - started
    say(", ".join(f"{name} {value:.4g}" for name, value in found.items()))
    return found


def _photo(path: Path, seed: int) -> Path:
    """A made photograph of twelve megapixels: soft shapes, and noise."""
    generator = np.random.default_rng(seed)
    shapes = (
        pyvips.Image.new_from_array(generator.integers(0, 256, (30, 40, 3), np.uint8))
        .resize(HEIGHT / 30, kernel="cubic")
        .numpy()
    )
    write_still(
        path, np.clip(shapes + generator.normal(0, 15, shapes.shape), 0, 255).astype(np.uint8)
    )
    return path


@contextlib.contextmanager
def _serving(folder: Path, threads: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "restorae", "serve", "--no-open", "--port", "0"]
    with subprocess.Popen(
        command, cwd=folder, env=_environment(threads), stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        address = next(
            (told[0] for line in server.stderr if (told := re.search(r"http://\S+", line))), None
        )
        if address is None:
            raise ContestantFailed("restorae serve ended without saying where it is.")
        threading.Thread(target=server.stderr.read, daemon=True).start()
        try:
            yield server, address
        finally:
            server.terminate()


def _environment(threads: int) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": str(threads)}


def _crowd(address: str, process: int, count: int) -> dict[str, float]:
    """Many requests, so many at once: images that come and go, places in latent space, things that are refused."""
    small = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    content: bytes = pyvips.Image.new_from_array(small).pngsave_buffer()
    asked = [
        lambda: _delete(address, json.loads(_send(address, content))["id"]),
        lambda: _get(f"{address}api/models/digits-vae/decode?at=0.3,1"),
        lambda: _get(f"{address}api/models"),
        lambda: _send(address, content[:1000]),
    ]

    def visit(number: int) -> bool:
        try:
            asked[number % len(asked)]()
        except urllib.error.HTTPError as error:
            return error.code == 415 and number % len(asked) == 3
        except OSError:
            return False
        return number % len(asked) != 3

    with ThreadPoolExecutor(AT_ONCE) as clients:
        list(clients.map(visit, range(2 * AT_ONCE)))  # so that what is loaded once is loaded
        before = _resident(process)
        started = time.perf_counter()
        answered = sum(clients.map(visit, range(count)))
        seconds = time.perf_counter() - started
    return {
        "asked": count,
        "answered": answered,
        "crowd": seconds,
        "memory_before": before,
        "memory_after": _resident(process),
    }


def _get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=120) as answer:
        content: bytes = answer.read()
        return content


def _send(address: str, content: bytes) -> bytes:
    request = urllib.request.Request(
        f"{address}api/images?name=a.png", content, {"content-type": "application/octet-stream"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        told: bytes = answer.read()
        return told


def _delete(address: str, image: str) -> bytes:
    with urllib.request.urlopen(
        urllib.request.Request(f"{address}api/images/{image}", method="DELETE"), timeout=120
    ) as answer:
        told: bytes = answer.read()
        return told


def _remove_all(address: str) -> None:
    for image in json.loads(_get(f"{address}api/images")):
        _delete(address, image["id"])


def _resident(process: int) -> int:
    """Megabytes that a process holds."""
    told = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return (
        int(next(line for line in told.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024
    )


def report(record: Mapping[str, Any]) -> str:
    """The section's text."""
    found = record["measured"]
    grown = found["memory_after"] / found["memory_before"] - 1
    rows = [
        ["page usable, seconds after the server is up", f"{found['usable']:.2f}", "1"],
        ["first load, kilobytes", f"{found['bytes'] / 1000:.0f}", "300"],
        ["decoded images per second while the pointer moves", f"{found['frames']:.0f}", "30"],
        [
            "12 megapixels: preview restored and shown, seconds after the drop",
            f"{found['preview']:.2f}",
            "2",
        ],
        [
            "12 megapixels: the whole, seconds",
            f"{found['whole']:.1f}",
            f"{1.1 * found['command']:.1f}: the command line's + 10 %",
        ],
        [
            f"{found['asked']:,} requests, {AT_ONCE} at once: not answered",
            f"{found['asked'] - found['answered']}",
            "0",
        ],
        ["resident memory after them, against before", f"{grown:+.0%}", "within 10 %"],
    ]
    return "\n\n".join(
        [
            table(["", "measured", "target"], rows),
            "In headless Chromium on the same machine, which shares its cores with the server. The photograph is synthetic; the "
            "network is an untrained `unet` of the default size.",
        ]
    )
