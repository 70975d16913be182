"""A real browser, Debian's Chromium, and a server as a person starts it."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import CDPSession, Page

from tests.command import start
from tests.web.conftest import noise

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 120_000
"""How long to wait for what must appear: a restoration takes long on a busy machine."""
QUIETLY = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
)


def chromium() -> str:
    """The browser's file; where it is absent the tests say so and skip, except under CI."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        told = "No Chromium is installed (Debian: apt-get install chromium): the pages are not tested in a browser."
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    return found


def arguments() -> list[str]:
    """How it is started: quietly, and without its sandbox where it is root's, which it refuses otherwise."""
    return [*QUIETLY, *(["--no-sandbox"] if os.getuid() == 0 else [])]


@dataclass
class Running:
    """A server that runs."""

    process: subprocess.Popen[str]
    address: str
    folder: Path
    said: list[str] = field(default_factory=list)
    """What it wrote on stderr after its address; complete when it has ended."""

    def stop(self) -> int:
        """End it as Ctrl-C or a service manager does, and return its exit status."""
        self.process.terminate()
        return self.process.wait(60)


@contextlib.contextmanager
def serving(folder: Path, *words: str | Path) -> Iterator[Running]:
    """`restorae serve` in a process of its own, until the block ends."""
    process = start("serve", "--no-open", "--port", "0", *words, cwd=folder)
    assert process.stderr is not None
    address = ""
    for line in process.stderr:
        found = re.search(r"http://\S+", line)
        if found:
            address = found[0]
            break
    assert address, "the server ended without saying where it is"
    # what it says further must not fill the pipe
    running, errors = Running(process, address, folder), process.stderr
    listener = threading.Thread(target=lambda: running.said.append(errors.read()), daemon=True)
    listener.start()
    try:
        yield running
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            process.kill()
            listener.join()
            for pipe in (process.stdout, process.stderr):
                assert pipe is not None
                pipe.close()


def look(page: Page, running: Running, name: str) -> None:
    """Open one of the pages and wait until it can be used."""
    page.goto(f"{running.address}#{name}")
    page.wait_for_selector(f"body[data-ready={name}]")


def in_view(page: Page) -> str:
    """What the viewer shows: an image's id, and whether before, preview or after."""
    return page.locator("#viewer canvas").get_attribute("data-shown") or ""


def prepared(page: Page, layer: str) -> None:
    """Wait until the viewer shows that layer and all of its tiles are there."""
    page.wait_for_selector(f'#viewer canvas[data-shown$=" {layer}"][data-missing="0"]')


def clean_up(page: Page) -> None:
    page.evaluate(
        """async () => {
            for (const job of (await (await fetch("/api/jobs")).json()).jobs) await fetch(`/api/jobs/${job.id}`, {method: "DELETE"});
            for (const one of await (await fetch("/api/images")).json()) await fetch(`/api/images/${one.id}`, {method: "DELETE"});
            for (const one of (await (await fetch("/api/films")).json()).films) await fetch(`/api/films/${one.id}`, {method: "DELETE"});
            for (const one of await (await fetch("/api/refused")).json()) await fetch(`/api/refused/${one.place}`, {method: "DELETE"});
        }"""
    )


def image(path: Path, *shape: int, seed: int = 0) -> Path:
    Image.fromarray(noise(*shape, seed=seed)).save(path)
    return path


def drop(page: Page, *files: Path) -> None:
    """Let files fall onto the page, as from a file manager."""
    carried = page.evaluate_handle(
        """(files) => {
            const carried = new DataTransfer();
            for (const [name, content] of files) {
                carried.items.add(new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], name));
            }
            return carried;
        }""",
        [[file.name, base64.b64encode(file.read_bytes()).decode()] for file in files],
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event("#drop", event, {"dataTransfer": carried})


def real_drop(page: Page, *paths: Path) -> None:
    """Drop files or folders from the disk, as a file manager does."""
    session: CDPSession = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 640, "y": 400, "data": data})


def choose_model(page: Page, name: str) -> None:
    page.select_option("#restore-model", name)


def seen_pixels(page: Page, left: int, top: int, width: int, height: int) -> np.ndarray:
    """What is on the viewer's canvas there: (height, width, 3)."""
    found: list[int] = page.evaluate(
        "([x, y, w, h]) => Array.from(document.querySelector('#viewer canvas').getContext('2d').getImageData(x, y, w, h).data)",
        [left, top, width, height],
    )
    return np.asarray(found, np.uint8).reshape(height, width, 4)[..., :3]
